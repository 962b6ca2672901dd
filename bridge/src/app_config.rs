//! `chirp.AppConfig`.

use std::ffi::{CString, OsString};
use std::path::PathBuf;

use pounce_core::config::app::PYTHON_ONLY;
use pounce_core::config::env_file::read as read_env_file;
use pounce_core::config::environment::Variables;
use pounce_core::config::field::{Model as _, Secrecy};
use pounce_core::config::value::Value;
use pounce_core::config::{AppConfig, Inputs, Layer, Problem, Resolved, Sources, Weight, resolve};
use pyo3::exceptions::PyUserWarning;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};

use crate::dataclass::{self, DataclassAttribute};
use crate::keywords::{Given, complaint, keyword, line, values};
use crate::live_objects::LiveObjects;
use crate::preflight;
use crate::settings::{Configuration, Settings};
use crate::values::{to_json, to_raw};

const CLASS: &str = AppConfig::PRODUCT.class;

/// Settings of a Chirp app: read-only attributes, checked as the command line checks them.
///
/// Takes every field as a keyword argument and reads nothing else; `from_env` reads variables too.
/// A `chirp.ConfigurationError` names every setting that is wrong.
#[pyclass(name = "AppConfig", module = "chirp.config", frozen)]
pub(crate) struct PyAppConfig {
    settings: Settings,
    live: LiveObjects,
    given: Given,
    environment: Option<Environment>,
    created_at: Py<PyAny>,
    problems: Py<PyList>,
}

/// What `from_env` read.
#[derive(Clone)]
struct Environment {
    prefix: String,
    variables: Variables,
    /// What is wrong with the env file.
    problems: Vec<Problem>,
    /// The fields that they set.
    fields: Vec<&'static str>,
}

impl Configuration for PyAppConfig {
    fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl PyAppConfig {
    fn resolve(
        py: Python<'_>,
        given: Given,
        environment: Option<Environment>,
        created_at: Py<PyAny>,
    ) -> PyResult<Self> {
        let mut inputs = Inputs {
            variables: environment.as_ref().map(|known| known.variables.clone()),
            prefix: environment.as_ref().map(|known| known.prefix.clone()),
            python_only: &PYTHON_ONLY,
            ..Inputs::default()
        };
        let base = preflight::base(py)?;
        if let Some(base) = &base {
            // Below the variables that this call reads, which is where `chirp check` has them.
            let read = resolve::<AppConfig>(&inputs, &mut Sources::default());
            for (name, value) in base {
                let name = name.to_string();
                let by_variable = read.settings().any(|(field, setting)| {
                    field.name == name && setting.origin.layer == Layer::Environment
                });
                let json = to_json(&to_raw(&value));
                if let (false, false, Some(json)) =
                    (by_variable, given.dict(py).contains(&name)?, json)
                {
                    inputs.keywords.push(keyword::<AppConfig>(name, json));
                }
            }
        }
        let (keywords, problems) = given.layer::<AppConfig>(py);
        inputs.keywords.extend(keywords);
        let mut resolved = resolve::<AppConfig>(&inputs, &mut Sources::default());
        resolved.problems.extend(problems);
        if let Some(known) = &environment {
            resolved
                .problems
                .splice(0..0, known.problems.iter().cloned());
        }
        let (live, mistakes) = LiveObjects::of(given.dict(py))?;
        let problems = PyList::empty(py);
        if base.is_some() {
            for problem in errors(&resolved) {
                problems.append((problem.field.clone(), line(problem)))?;
            }
            for (field, message) in mistakes {
                problems.append((field, message))?;
            }
        } else {
            let mistakes: Vec<_> = mistakes.into_iter().map(|(_, message)| message).collect();
            if let Some(message) = complaint(CLASS, &resolved.problems, &mistakes) {
                return Err(configuration_error(py, message)?);
            }
            warn(py, &resolved)?;
        }
        Ok(Self {
            settings: Settings::new(py, AppConfig::fields(), values(&resolved))?,
            live,
            given,
            environment: environment.map(|known| Environment {
                fields: set_by_variables(&resolved),
                ..known
            }),
            created_at,
            problems: problems.unbind(),
        })
    }

    /// What `App()` has where no configuration is given: nobody's call to point at.
    pub(crate) fn implicit(py: Python<'_>) -> PyResult<Self> {
        Self::resolve(py, Given::of(py, None)?, None, py.None())
    }
}

fn errors(resolved: &Resolved<AppConfig>) -> impl Iterator<Item = &Problem> {
    let all = resolved.problems.iter();
    all.filter(|problem| problem.weight == Weight::Error)
}

fn set_by_variables(resolved: &Resolved<AppConfig>) -> Vec<&'static str> {
    resolved
        .settings()
        .filter(|(_, setting)| setting.origin.layer == Layer::Environment)
        .map(|(field, _)| field.name)
        .collect()
}

/// Unknown variables and the like: Python's own warnings, at the caller's line.
fn warn(py: Python<'_>, resolved: &Resolved<AppConfig>) -> PyResult<()> {
    let category = py.get_type::<PyUserWarning>();
    for problem in &resolved.problems {
        if problem.weight == Weight::Warning {
            let message = CString::new(line(problem))?;
            PyErr::warn(py, &category, &message, 1)?;
        }
    }
    Ok(())
}

/// A `chirp.ConfigurationError`, which is a `ValueError` too.
fn configuration_error(py: Python<'_>, message: String) -> PyResult<PyErr> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = CLASS.import(py, "chirp.errors", "ConfigurationError")?;
    Ok(PyErr::from_type(class.clone(), message))
}

#[pymethods]
impl PyAppConfig {
    #[new]
    #[pyo3(signature = (**settings))]
    fn new(py: Python<'_>, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let created_at = preflight::call_site(py)?;
        let meant = settings.map(dataclass::meant).transpose()?;
        Self::resolve(py, Given::of(py, meant.as_ref())?, None, created_at)
    }

    /// Settings from variables, with some set in the code.
    ///
    /// Reads `os.environ` and, below it, an env file where one is named.
    #[classmethod]
    #[pyo3(signature = (prefix = "CHIRP_", *, env_file = None, **overrides))]
    fn from_env(
        class: &Bound<'_, PyType>,
        prefix: &str,
        env_file: Option<PathBuf>,
        overrides: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let py = class.py();
        let created_at = preflight::call_site(py)?;
        let environ = py.import("os")?.getattr("environ")?.call_method0("items")?;
        let mut pairs = Vec::new();
        for pair in environ.try_iter()? {
            pairs.push(pair?.extract::<(OsString, OsString)>()?);
        }
        let mut variables = Variables::from_pairs(pairs);
        let mut problems = Vec::new();
        if let Some(path) = env_file {
            let sources = &mut Sources::default();
            read_env_file(&path, None, &mut variables, sources, &mut problems);
        }
        let environment = Environment {
            prefix: prefix.to_owned(),
            variables,
            problems,
            fields: Vec::new(),
        };
        Self::resolve(py, Given::of(py, overrides)?, Some(environment), created_at)
    }

    /// A configuration with some settings changed.
    #[pyo3(signature = (**changes))]
    fn replace(&self, py: Python<'_>, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let created_at = preflight::call_site(py)?;
        Self::resolve(
            py,
            self.given.with(py, changes)?,
            self.environment.clone(),
            created_at,
        )
    }

    /// What `copy.replace` calls.
    #[pyo3(signature = (**changes))]
    fn __replace__(&self, py: Python<'_>, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        self.replace(py, changes)
    }

    /// Whether a named feature is on; `default` is for features that nobody set.
    #[pyo3(signature = (name, default = false))]
    fn feature(&self, name: &str, default: bool) -> bool {
        match self.settings.value("feature_flags") {
            Some(Value::Flags(flags)) => flags.get(name).copied().unwrap_or(default),
            _ => default,
        }
    }

    /// Template loaders that are asked before the folders.
    #[getter]
    fn extra_loaders(&self, py: Python<'_>) -> Py<PyTuple> {
        self.live.extra_loaders.clone_ref(py)
    }

    /// Values that every template sees.
    #[getter]
    fn static_context(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.live
            .static_context
            .as_ref()
            .map(|context| context.clone_ref(py))
    }

    /// Settings are given by keyword only, so no pattern matches them by position.
    #[classattr]
    fn __match_args__(py: Python<'_>) -> Bound<'_, PyTuple> {
        PyTuple::empty(py)
    }

    /// What the functions of `dataclasses` read.
    #[classattr]
    fn __dataclass_fields__() -> DataclassAttribute {
        DataclassAttribute::new("__dataclass_fields__")
    }

    /// What `pprint` reads of whatever has the one above.
    #[classattr]
    fn __dataclass_params__() -> DataclassAttribute {
        DataclassAttribute::new("__dataclass_params__")
    }

    /// Every setting, in the order of declaration, for the preflight.
    #[classattr]
    fn _chirp_fields(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, dataclass::names().collect::<Vec<_>>())
    }

    /// The settings whose values are secrets, for the preflight.
    #[classattr]
    fn _chirp_secret_fields(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        let secret = AppConfig::fields()
            .iter()
            .filter(|field| field.secrecy == Secrecy::Secret);
        PyTuple::new(py, secret.map(|field| field.name).collect::<Vec<_>>())
    }

    /// What pickling keeps: the settings that were given or read, in their final form.
    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let kept = PyDict::new(py);
        let read = self.environment.iter().flat_map(|known| &known.fields);
        let given = self.given.dict(py).keys();
        let names = read.map(|name| (*name).to_owned());
        for name in names.chain(given.iter().map(|name| name.to_string())) {
            if let Some(value) = self.settings.portable(py, &name)? {
                kept.set_item(name, value)?;
            }
        }
        self.live.keep(py, &kept)?;
        Ok((PyTuple::empty(py), kept))
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __eq__(&self, py: Python<'_>, other: &Self) -> PyResult<bool> {
        Ok(self.settings == other.settings && self.live.equals(py, &other.live)?)
    }

    fn __hash__(&self) -> u64 {
        self.settings.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let mut shown = self.settings.differences(py)?;
        shown.extend(self.live.differences(py)?);
        Ok(format!("{CLASS}({})", shown.join(", ")))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.live.traverse(visit)?;
        self.given.traverse(visit)?;
        visit.call(&self.created_at)?;
        visit.call(&self.problems)
    }

    #[getter]
    fn _chirp_created_at(&self, py: Python<'_>) -> Py<PyAny> {
        self.created_at.clone_ref(py)
    }

    #[getter]
    fn _chirp_explicit<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.given.dict(py).copy()
    }

    #[getter]
    fn _chirp_from_env(&self) -> bool {
        self.environment.is_some()
    }

    #[getter]
    fn _chirp_env_prefix(&self) -> Option<&str> {
        self.environment.as_ref().map(|known| known.prefix.as_str())
    }

    #[getter]
    fn _chirp_problems(&self, py: Python<'_>) -> Py<PyList> {
        self.problems.clone_ref(py)
    }
}
