//! `App.check()`: the preflight of a live app, in its own process.

use pounce_core::app::snapshot::Snapshot;
use pounce_core::check::preflight::{Wanted, judge_app};
use pounce_core::check::report::{Format, Options, render};
use pounce_core::check::rule::Scope;
use pounce_core::config::app::PYTHON_ONLY;
use pounce_core::config::{Inputs, Sources};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Judges the app of a snapshot by what its code says, without files and variables; `deploy` judges
/// it as production. Gives the JSON report and the one for people.
///
/// # Errors
/// `ValueError` where the text is no snapshot.
#[pyfunction]
#[pyo3(signature = (snapshot, *, deploy, warnings_as_errors))]
pub(crate) fn check_snapshot(
    py: Python<'_>,
    snapshot: &str,
    deploy: bool,
    warnings_as_errors: bool,
) -> PyResult<(String, String)> {
    let snapshot: Snapshot = serde_json::from_str(snapshot).map_err(|error| {
        PyValueError::new_err(format!("this is no snapshot of an app: {error}"))
    })?;
    Ok(py.detach(|| {
        let mut sources = Sources::default();
        let inputs = Inputs {
            python_only: &PYTHON_ONLY,
            ..Inputs::default()
        };
        let wanted = Wanted {
            scopes: vec![Scope::Config, Scope::App],
            ..Wanted::default()
        };
        let (verdict, _) = judge_app(inputs, Some(&snapshot), deploy, &wanted, &mut sources);
        let options = Options {
            warnings_as_errors: warnings_as_errors || deploy,
            ..Options::default()
        };
        let report = |format| render(format, &verdict, &sources, &options);
        (report(Format::Json), report(Format::Full))
    }))
}
