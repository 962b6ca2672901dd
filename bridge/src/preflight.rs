//! The preflight as the configuration classes meet it: a running probe, and call sites for reports.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// Values below the keywords of the code (files, variables, flags), while a probe of a Chirp command is
/// running; other servers read none of them.
///
/// # Errors
/// Where the probe's package is damaged.
pub(crate) fn base(py: Python<'_>) -> PyResult<Option<Bound<'_, PyDict>>> {
    static CURRENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let session = CURRENT
        .import(py, "pounce_rs.probe.session", "current")?
        .call0()?;
    if session.is_none() {
        return Ok(None);
    }
    let base = session.getattr("base")?;
    Ok(if base.is_none() {
        None
    } else {
        Some(base.cast_into()?)
    })
}

/// The line of Python that is calling into this module, or into `dataclasses.replace`, which calls it.
///
/// # Errors
/// Where the probe's package is damaged.
pub(crate) fn call_site(py: Python<'_>) -> PyResult<Py<PyAny>> {
    static CALL_SITE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let call_site = CALL_SITE.import(py, "pounce_rs.probe.positions", "outside_call_site")?;
    // A class made in Rust has no Python frame of its own.
    Ok(call_site.call1((("dataclasses",), 0))?.unbind())
}
