//! The commands `pounce` and `chirp`, as the packages start them.

use std::ffi::OsString;
use std::path::PathBuf;

use pounce_core::check::Tool;
use pounce_core::cli::{self, Host};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Runs a command with arguments and gives its exit code. Apps are looked at with this interpreter.
///
/// # Errors
/// `ValueError` where there is no such command.
#[pyfunction]
#[pyo3(signature = (command, arguments, /))]
pub(crate) fn main(py: Python<'_>, command: &str, arguments: Vec<OsString>) -> PyResult<u8> {
    let tool = [Tool::Pounce, Tool::Chirp]
        .into_iter()
        .find(|tool| tool.name() == command)
        .ok_or_else(|| PyValueError::new_err(format!("there is no command {command:?}")))?;
    let executable: PathBuf = py.import("sys")?.getattr("executable")?.extract()?;
    let version = py.version_info();
    let version = format!("{}.{}.{}", version.major, version.minor, version.patch);
    let host = Host::in_python(executable, version);
    Ok(py.detach(|| cli::main(tool, arguments, &host)))
}
