//! `pounce.run()`: the same launch as the command's, on a configuration made in Python.

use std::ffi::OsString;
use std::path::PathBuf;

use pounce_core::check::Tool;
use pounce_core::cli::NOT_UP;
use pounce_core::cli::launch::{self, Order, Outcome};
use pounce_core::config::{Sources, derived};
use pounce_core::serve::supervisor::{Alone, Lifespan, Program};
use pyo3::exceptions::PySystemExit;
use pyo3::prelude::*;
use serde_json::{Map, Value as Json};

use crate::app_config::PyAppConfig;
use crate::server_config::PyServerConfig;
use crate::settings::Configuration as _;

/// Sockets of a server in this process, until this object goes.
#[pyclass(frozen)]
pub(crate) struct Listening(Alone);

#[pymethods]
impl Listening {
    /// The worker's document, as JSON.
    #[getter]
    fn document(&self) -> &str {
        &self.0.document
    }
}

/// Serves the app of a target, with a supervisor in this process, until it is told to stop; gives the
/// exit code.
///
/// # Errors
/// Where this interpreter does not know its own program.
#[pyfunction]
#[pyo3(signature = (config, target, /, *, app_dir))]
pub(crate) fn serve_target(
    py: Python<'_>,
    config: &PyServerConfig,
    target: String,
    app_dir: PathBuf,
) -> PyResult<u8> {
    let program = Program::Target {
        target: target.clone(),
        app_dir: Some(app_dir),
    };
    supervise(py, order(py, config, target, program)?)
}

/// Serves the app that this program makes, in workers that run the program again up to the same call.
///
/// # Errors
/// Where this interpreter does not know its own program.
#[pyfunction]
#[pyo3(signature = (config, app, /, *, arguments))]
pub(crate) fn serve_again(
    py: Python<'_>,
    config: &PyServerConfig,
    app: String,
    arguments: Vec<OsString>,
) -> PyResult<u8> {
    supervise(py, order(py, config, app, Program::Script { arguments })?)
}

/// Judges and opens the sockets for one worker in this process.
///
/// # Errors
/// `SystemExit` where the server must not or cannot start; the reason is on standard error.
#[pyfunction]
#[pyo3(signature = (config, app, /))]
pub(crate) fn listen(py: Python<'_>, config: &PyServerConfig, app: String) -> PyResult<Listening> {
    let program = Program::Script {
        arguments: Vec::new(),
    };
    let order = order(py, config, app, program)?;
    let opened = py.detach(|| {
        let refused = launch::refuse(&order, &mut Sources::default(), launch::default_style());
        match refused {
            Some(code) => Err(code),
            None => launch::alone(order),
        }
    });
    opened.map(Listening).map_err(PySystemExit::new_err)
}

/// What an app's configuration says about its server, as the JSON of keywords of `ServerConfig`.
#[pyfunction]
#[pyo3(signature = (config, /))]
pub(crate) fn server_settings(config: &PyAppConfig) -> String {
    let settings: Map<String, Json> =
        derived::server_settings(|name| config.settings().value(name))
            .into_iter()
            .map(|(names, value)| (names.server.to_owned(), value.to_json()))
            .collect();
    Json::Object(settings).to_string()
}

/// Worker processes that the configuration asks for; 0 is resolved to the CPUs available.
#[pyfunction]
#[pyo3(signature = (config, /))]
pub(crate) fn worker_count(py: Python<'_>, config: &PyServerConfig) -> usize {
    launch::workers(&config.resolved(py).config)
}

fn order(
    py: Python<'_>,
    config: &PyServerConfig,
    app: String,
    program: Program,
) -> PyResult<Order> {
    Ok(Order {
        tool: Tool::Pounce,
        resolved: config.resolved(py),
        program,
        app,
        python: py.import("sys")?.getattr("executable")?.extract()?,
        lifespan: Lifespan::Auto,
        inherited: Vec::new(),
        pid_file: None,
    })
}

fn supervise(py: Python<'_>, order: Order) -> PyResult<u8> {
    Ok(py.detach(|| {
        let refused = launch::refuse(&order, &mut Sources::default(), launch::default_style());
        match refused.map_or_else(|| launch::serve(order), Outcome::Over) {
            Outcome::Over(code) => code,
            Outcome::NotUp => NOT_UP,
        }
    }))
}
