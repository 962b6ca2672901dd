//! Keyword arguments of a configuration class, and what they resolve to above lower layers.

use pounce_core::config::field::Model;
use pounce_core::config::keywords::{self, Keyword};
use pounce_core::config::value::Value;
use pounce_core::config::{Problem, Resolved, Weight};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value as Json;

use crate::values::{to_json, to_raw};

/// The keyword arguments that a configuration was made with, as the caller wrote them.
pub(crate) struct Given(Py<PyDict>);

impl Given {
    /// Keeps a copy.
    ///
    /// # Errors
    /// Where the interpreter has no memory for it.
    pub(crate) fn of(py: Python<'_>, keywords: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let copy = match keywords {
            Some(keywords) => keywords.copy()?,
            None => PyDict::new(py),
        };
        Ok(Self(copy.unbind()))
    }

    /// These, with some replaced.
    ///
    /// # Errors
    /// Where the interpreter has no memory for it.
    pub(crate) fn with(
        &self,
        py: Python<'_>,
        changes: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let merged = Self::of(py, Some(self.dict(py)))?;
        if let Some(changes) = changes {
            merged.dict(py).update(changes.as_mapping())?;
        }
        Ok(merged)
    }

    /// The arguments by name.
    pub(crate) fn dict<'py>(&self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.0.bind(py)
    }

    /// For the garbage collector.
    ///
    /// # Errors
    /// Where the collector stops.
    pub(crate) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }

    /// As the layer that the model reads, and what is wrong with arguments that have no place in it
    /// because they are neither text nor number nor a collection of such.
    pub(crate) fn layer<M: Model>(&self, py: Python<'_>) -> (Vec<Keyword>, Vec<Problem>) {
        let mut layer = Vec::new();
        let mut problems = Vec::new();
        for (name, object) in self.dict(py) {
            let name = name.to_string();
            let raw = to_raw(&object);
            match (to_json(&raw), M::field(&name)) {
                (Some(json), _) => layer.push(keyword::<M>(name, json)),
                (None, Some(field)) => {
                    keywords::value(field, &raw, None, &mut problems);
                }
                // A name that the model does not know is told, whatever its value.
                (None, None) => layer.push(keyword::<M>(name, Json::Null)),
            }
        }
        (layer, problems)
    }
}

/// One keyword argument. Its place in the source is not looked for: the call is running, and the
/// traceback of the exception shows it.
pub(crate) fn keyword<M: Model>(name: String, value: Json) -> Keyword {
    Keyword {
        name,
        value,
        place: None,
        from: format!("{}(...)", M::PRODUCT.class),
    }
}

/// The values of a resolved configuration, in the order of the fields.
pub(crate) fn values<M: Model>(resolved: &Resolved<M>) -> Vec<Value> {
    resolved
        .settings()
        .map(|(_, setting)| setting.value.clone())
        .collect()
}

/// Every error in one text, one a line; `None` where there is none. `further` are lines of their own.
pub(crate) fn complaint(class: &str, problems: &[Problem], further: &[String]) -> Option<String> {
    let errors = problems
        .iter()
        .filter(|problem| problem.weight == Weight::Error);
    let lines: Vec<String> = errors
        .map(line)
        .chain(further.iter().cloned())
        .map(|line| format!("\n  {line}"))
        .collect();
    (!lines.is_empty()).then(|| format!("{class} is not valid:{}", lines.concat()))
}

/// A problem in one line: what is wrong, the reason, what to do.
pub(crate) fn line(problem: &Problem) -> String {
    let reason = problem
        .labels
        .first()
        .map(|label| label.text.as_str())
        .or(problem.why.as_deref());
    let mut line = problem.message.clone();
    if let Some(reason) = reason {
        line.push_str(": ");
        line.push_str(reason);
    }
    if let Some(help) = problem.help.as_deref()
        && Some(help) != reason
    {
        line.push_str("; ");
        line.push_str(help);
    }
    line
}
