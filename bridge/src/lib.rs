//! The extension module `pounce_rs._native`: the configuration classes, the commands and the worker.

mod app_config;
mod check;
mod commands;
mod dataclass;
mod keywords;
mod launch;
mod live_objects;
mod preflight;
mod server_config;
mod settings;
mod values;
#[cfg(unix)]
mod worker;

#[pyo3::pymodule]
mod _native {
    use pounce_core::config::field::Model as _;
    use pounce_core::config::{AppConfig, ServerConfig};
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::app_config::PyAppConfig;
    #[pymodule_export]
    use crate::check::check_snapshot;
    #[pymodule_export]
    use crate::commands::main;
    #[pymodule_export]
    use crate::launch::{
        Listening, listen, serve_again, serve_target, server_settings, worker_count,
    };
    #[pymodule_export]
    use crate::server_config::PyServerConfig;
    use crate::settings::add_properties;
    #[cfg(unix)]
    #[pymodule_export]
    use crate::worker::{Startup, Worker};
    #[cfg(unix)]
    use pounce_core::serve::supervisor;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        add_properties::<PyServerConfig>(&py.get_type::<PyServerConfig>(), ServerConfig::fields())?;
        add_properties::<PyAppConfig>(&py.get_type::<PyAppConfig>(), AppConfig::fields())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    /// Writes records to standard error, without waiting long for who reads it; once it is read again, a line
    /// tells how many were lost: an object with `json`.
    #[cfg(unix)]
    #[pyfunction]
    #[pyo3(signature = (records, /, *, json))]
    fn write_error(py: Python<'_>, records: &str, json: bool) {
        py.detach(|| supervisor::write_error(records.as_bytes(), json));
    }

    /// The configuration of an `App()` that was given none.
    #[pyfunction]
    fn implicit_app_config(py: Python<'_>) -> PyResult<PyAppConfig> {
        PyAppConfig::implicit(py)
    }
}
