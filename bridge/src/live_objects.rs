//! The two settings of an app that hold live Python objects: template loaders and static context.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyTuple};

use crate::values::read_only;

/// What they hold.
pub(crate) struct LiveObjects {
    /// Template loaders.
    pub(crate) extra_loaders: Py<PyTuple>,
    /// A read-only view of the values for every template.
    pub(crate) static_context: Option<Py<PyAny>>,
}

impl LiveObjects {
    /// Takes them from keyword arguments; also gives back what is wrong with them, by field.
    ///
    /// # Errors
    /// Where iterating over an argument raises.
    pub(crate) fn of(given: &Bound<'_, PyDict>) -> PyResult<(Self, Vec<(&'static str, String)>)> {
        let py = given.py();
        let mut live = Self {
            extra_loaders: PyTuple::empty(py).unbind(),
            static_context: None,
        };
        let mut mistakes = Vec::new();
        if let Some(loaders) = given.get_item("extra_loaders")? {
            match loaders.try_iter() {
                Ok(loaders) => {
                    let loaders = loaders.collect::<PyResult<Vec<_>>>()?;
                    live.extra_loaders = PyTuple::new(py, loaders)?.unbind();
                }
                Err(_) => mistakes.push((
                    "extra_loaders",
                    wrong("extra_loaders", "a sequence of loaders", &loaders),
                )),
            }
        }
        let context = given.get_item("static_context")?;
        if let Some(context) = context.filter(|context| !context.is_none()) {
            match context.cast::<PyMapping>() {
                Ok(mapping) => {
                    let copy = PyDict::new(py);
                    copy.update(mapping)?;
                    live.static_context = Some(read_only(&copy)?);
                }
                Err(_) => mistakes.push((
                    "static_context",
                    wrong("static_context", "a mapping or None", &context),
                )),
            }
        }
        Ok((live, mistakes))
    }

    /// Whether both hold equal objects.
    ///
    /// # Errors
    /// Where comparing raises.
    pub(crate) fn equals(&self, py: Python<'_>, other: &Self) -> PyResult<bool> {
        let contexts = (&self.static_context, &other.static_context);
        let same = match contexts {
            (Some(one), Some(two)) => one.bind(py).eq(two)?,
            (one, two) => one.is_none() && two.is_none(),
        };
        Ok(same && self.extra_loaders.bind(py).eq(&other.extra_loaders)?)
    }

    /// How many there are; the objects themselves may hold anything, secrets too.
    ///
    /// # Errors
    /// Where the mapping has no length.
    pub(crate) fn differences(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let mut shown = Vec::new();
        let loaders = self.extra_loaders.bind(py).len();
        if loaders > 0 {
            shown.push(format!("extra_loaders=<{loaders}>"));
        }
        if let Some(context) = &self.static_context {
            shown.push(format!("static_context=<{}>", context.bind(py).len()?));
        }
        Ok(shown)
    }

    /// Puts them among keyword arguments, in a form that can be pickled.
    ///
    /// # Errors
    /// Where the interpreter has no memory for it.
    pub(crate) fn keep(&self, py: Python<'_>, settings: &Bound<'_, PyDict>) -> PyResult<()> {
        if self.extra_loaders.bind(py).len() > 0 {
            settings.set_item("extra_loaders", &self.extra_loaders)?;
        }
        if let Some(context) = &self.static_context {
            let copy = PyDict::new(py);
            copy.update(context.bind(py).cast::<PyMapping>()?)?;
            settings.set_item("static_context", copy)?;
        }
        Ok(())
    }

    /// For the garbage collector.
    ///
    /// # Errors
    /// Where the collector stops.
    pub(crate) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.extra_loaders)?;
        visit.call(&self.static_context)
    }
}

fn wrong(name: &str, expected: &str, found: &Bound<'_, PyAny>) -> String {
    let kind = found
        .get_type()
        .name()
        .map_or_else(|_| "an object".into(), |name| name.to_string());
    format!("`{name}` must be {expected}: found {kind}")
}
