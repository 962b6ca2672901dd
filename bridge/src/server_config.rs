//! `pounce.ServerConfig`.

use pounce_core::config::field::Model as _;
use pounce_core::config::{Inputs, Resolved, ServerConfig, Sources, resolve};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::keywords::{Given, complaint, values};
use crate::settings::{Configuration, Settings};

const CLASS: &str = ServerConfig::PRODUCT.class;

/// Settings of the server: read-only attributes, checked as the command line checks them.
///
/// Takes every field as a keyword argument and reads nothing else. A `ValueError` names every
/// setting that is wrong.
#[pyclass(name = "ServerConfig", module = "pounce", frozen)]
pub(crate) struct PyServerConfig {
    settings: Settings,
    given: Given,
}

impl Configuration for PyServerConfig {
    fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl PyServerConfig {
    /// The configuration as the server's own code reads it.
    pub(crate) fn resolved(&self, py: Python<'_>) -> Resolved<ServerConfig> {
        layers(py, &self.given)
    }

    fn resolve(py: Python<'_>, given: Given) -> PyResult<Self> {
        let resolved = layers(py, &given);
        if let Some(message) = complaint(CLASS, &resolved.problems, &[]) {
            return Err(PyValueError::new_err(message));
        }
        Ok(Self {
            settings: Settings::new(py, ServerConfig::fields(), values(&resolved))?,
            given,
        })
    }
}

fn layers(py: Python<'_>, given: &Given) -> Resolved<ServerConfig> {
    let (keywords, problems) = given.layer::<ServerConfig>(py);
    let inputs = Inputs {
        keywords,
        ..Inputs::default()
    };
    let mut resolved = resolve::<ServerConfig>(&inputs, &mut Sources::default());
    resolved.problems.extend(problems);
    resolved
}

#[pymethods]
impl PyServerConfig {
    #[new]
    #[pyo3(signature = (**settings))]
    fn new(py: Python<'_>, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Self::resolve(py, Given::of(py, settings)?)
    }

    /// A configuration with some settings changed.
    #[pyo3(signature = (**changes))]
    fn replace(&self, py: Python<'_>, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Self::resolve(py, self.given.with(py, changes)?)
    }

    /// What `copy.replace` calls.
    #[pyo3(signature = (**changes))]
    fn __replace__(&self, py: Python<'_>, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        self.replace(py, changes)
    }

    /// Settings are given by keyword only, so no pattern matches them by position.
    #[classattr]
    fn __match_args__(py: Python<'_>) -> Bound<'_, PyTuple> {
        PyTuple::empty(py)
    }

    /// What pickling keeps: the settings that were given, in their final form.
    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let settings = PyDict::new(py);
        for name in self.given.dict(py).keys() {
            if let Some(value) = self.settings.portable(py, &name.to_string())? {
                settings.set_item(name, value)?;
            }
        }
        Ok((PyTuple::empty(py), settings))
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.settings == other.settings
    }

    fn __hash__(&self) -> u64 {
        self.settings.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "{CLASS}({})",
            self.settings.differences(py)?.join(", ")
        ))
    }
}
