//! `AppConfig` as code for dataclasses meets it: `dataclasses.replace`, `fields` and `asdict` work.

use pounce_core::config::AppConfig;
use pounce_core::config::app::PYTHON_ONLY;
use pounce_core::config::field::Model as _;
use pounce_core::config::value::{Raw, Value};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::values::to_raw;

/// An attribute of a dataclass with these fields, made when it is asked for: importing `dataclasses` costs
/// each start of an app time, and few need it.
#[pyclass(frozen, module = "pounce_rs._native")]
pub(crate) struct DataclassAttribute {
    name: &'static str,
    made: PyOnceLock<Py<PyAny>>,
}

impl DataclassAttribute {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            made: PyOnceLock::new(),
        }
    }
}

#[pymethods]
impl DataclassAttribute {
    fn __get__(
        &self,
        py: Python<'_>,
        _instance: Option<&Bound<'_, PyAny>>,
        _owner: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let made = self
            .made
            .get_or_try_init(py, || class(py)?.getattr(self.name).map(Bound::unbind))?;
        Ok(made.clone_ref(py))
    }
}

/// The names of all settings, in the order of declaration.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let fields = AppConfig::fields().iter().map(|field| field.name);
    fields.chain(PYTHON_ONLY)
}

/// A dataclass that is as `AppConfig` is: its values do not change, and it is shown without its secrets, by
/// its own `repr()`.
fn class(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let named = ("AppConfig", names().collect::<Vec<_>>());
    let keywords = PyDict::new(py);
    keywords.set_item("repr", false)?;
    keywords.set_item("frozen", true)?;
    py.import("dataclasses")?
        .call_method("make_dataclass", named, Some(&keywords))
}

/// The keywords that a caller meant: `dataclasses.replace` gives every field, and those that have their
/// default were most likely given by nobody.
///
/// # Errors
/// Where a value cannot be compared.
pub(crate) fn meant<'py>(keywords: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    for name in names() {
        if !keywords.contains(name)? {
            return Ok(keywords.clone());
        }
    }
    let meant = keywords.copy()?;
    for field in AppConfig::fields() {
        let Some(value) = keywords.get_item(field.name)? else {
            continue;
        };
        let read = match to_raw(&value) {
            Raw::Null => Ok(Value::Null),
            raw => field.read(&raw),
        };
        if read.is_ok_and(|read| read == field.default.value()) {
            meant.del_item(field.name)?;
        }
    }
    for name in PYTHON_ONLY {
        if let Some(value) = keywords.get_item(name)?
            && !value.is_truthy()?
        {
            meant.del_item(name)?;
        }
    }
    Ok(meant)
}
