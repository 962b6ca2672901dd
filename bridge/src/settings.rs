//! What `ServerConfig` and `AppConfig` have in common: typed values behind read-only attributes.

use std::hash::{DefaultHasher, Hash, Hasher};

use pounce_core::config::field::Secrecy;
use pounce_core::config::value::Value;
use pounce_core::config::{Field, secrets};
use pyo3::PyClass;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple, PyType};

use crate::values::to_python;

/// The values of one configuration object.
pub(crate) struct Settings {
    fields: &'static [Field],
    values: Vec<Value>,
    objects: Vec<Py<PyAny>>,
}

impl Settings {
    /// Keeps one value a field, in the order of the fields.
    ///
    /// # Errors
    /// Where the interpreter cannot make the objects.
    pub(crate) fn new(
        py: Python<'_>,
        fields: &'static [Field],
        values: Vec<Value>,
    ) -> PyResult<Self> {
        let objects = fields
            .iter()
            .zip(&values)
            .map(|(field, value)| to_python(py, field, value))
            .collect::<PyResult<_>>()?;
        Ok(Self {
            fields,
            values,
            objects,
        })
    }

    /// The value of a field.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        let index = self.fields.iter().position(|field| field.name == name)?;
        self.values.get(index)
    }

    /// The value of a field as an object that can be pickled.
    ///
    /// # Errors
    /// Where the interpreter has no memory for it.
    pub(crate) fn portable<'py>(
        &self,
        py: Python<'py>,
        name: &str,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(index) = self.fields.iter().position(|field| field.name == name) else {
            return Ok(None);
        };
        match &self.values[index] {
            // A read-only view of a mapping cannot be pickled; the class makes it anew.
            Value::Table(entries) => Ok(Some(entries.into_pyobject(py)?.into_any())),
            _ => Ok(Some(self.objects[index].bind(py).clone())),
        }
    }

    /// Hashes the values; equal settings hash alike.
    pub(crate) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        // Debug text tells values apart exactly where `==` does: none of the numbers is NaN.
        format!("{:?}", self.values).hash(&mut hasher);
        hasher.finish()
    }

    /// What differs from the defaults, as `name=value`, without secrets.
    ///
    /// # Errors
    /// Where an object has no repr.
    pub(crate) fn differences(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let mut shown = Vec::new();
        for ((field, value), object) in self.fields.iter().zip(&self.values).zip(&self.objects) {
            if field.derived || *value == field.default.value() {
                continue;
            }
            shown.push(match field.secrecy {
                Secrecy::Secret => format!("{}_set={}", field.name, truth(!is_empty(value))),
                Secrecy::Public | Secrecy::UserInformation => {
                    let repr = object.bind(py).repr()?.to_string();
                    format!("{}={}", field.name, hide_user_information(&repr))
                }
            });
        }
        Ok(shown)
    }
}

impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

/// Python's spelling of a truth value.
pub(crate) fn truth(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

fn is_empty(value: &Value) -> bool {
    matches!(value, Value::Null) || matches!(value, Value::Text(text) if text.is_empty())
}

fn hide_user_information(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    for span in secrets::user_information(text) {
        shown.push_str(&text[done..span.start]);
        shown.push_str("...");
        done = span.end;
    }
    shown.push_str(&text[done..]);
    shown
}

/// A Python class whose attributes are the fields of a model.
pub(crate) trait Configuration: PyClass {
    /// Its values.
    fn settings(&self) -> &Settings;
}

/// Gives the class a read-only property for each field, with the field's doc.
///
/// # Errors
/// Where the interpreter refuses.
pub(crate) fn add_properties<C: Configuration>(
    class: &Bound<'_, PyType>,
    fields: &'static [Field],
) -> PyResult<()> {
    let py = class.py();
    let property = py.import("builtins")?.getattr("property")?;
    for (index, field) in fields.iter().enumerate() {
        let read = move |arguments: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| {
            let object = arguments.get_item(0)?;
            let object = object.cast::<C>().map_err(PyErr::from)?.borrow();
            let value = object.settings().objects.get(index);
            value
                .map(|value| value.clone_ref(arguments.py()))
                .ok_or_else(|| PyTypeError::new_err("the configuration was not made by its class"))
        };
        let getter = PyCFunction::new_closure(py, None, None, read)?;
        let property = property.call1((getter, py.None(), py.None(), field.doc.trim()))?;
        class.setattr(field.name, property)?;
    }
    Ok(())
}
