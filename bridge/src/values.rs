//! Values on their way between Python objects and the configuration model.

use std::collections::BTreeMap;

use pounce_core::config::Field;
use pounce_core::config::value::{Raw, Value};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMapping, PySet, PyString, PyTuple,
    PyType,
};
use serde_json::{Number, Value as Json};

/// What a keyword argument holds, as the model reads it. Never fails: what no field takes becomes
/// [`Raw::Other`], and the field's own message says so.
pub(crate) fn to_raw(object: &Bound<'_, PyAny>) -> Raw {
    if object.is_none() {
        return Raw::Null;
    }
    if let Ok(flag) = object.cast::<PyBool>() {
        return Raw::Bool(flag.is_true());
    }
    if object.is_instance_of::<PyInt>() {
        return object
            .extract()
            .map_or(Raw::Other("a number beyond 64 bits"), |value| {
                // Python does not keep how it was written: `0o660` and `432` are the same object.
                Raw::Integer {
                    value,
                    decimal: true,
                }
            });
    }
    if object.is_instance_of::<PyFloat>() {
        return object.extract().map_or(Raw::Other("a number"), Raw::Float);
    }
    if let Ok(text) = object.cast::<PyString>() {
        return text.to_str().map_or(
            Raw::Other("a text with lone surrogates, which has no UTF-8 form"),
            |text| Raw::Text(text.to_owned()),
        );
    }
    if let Some(path) = file_path(object) {
        return path;
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        return items(object).map_or(Raw::Other("a list that cannot be read"), Raw::List);
    }
    if object.is_instance_of::<PyFrozenSet>() || object.is_instance_of::<PySet>() {
        return items(object).map_or(Raw::Other("a set that cannot be read"), |mut items| {
            // A set has no order of its own; the same set gives the same configuration.
            items.sort_by_key(|item| format!("{item:?}"));
            Raw::List(items)
        });
    }
    if let Ok(mapping) = object.cast::<PyMapping>() {
        return table(mapping).unwrap_or(Raw::Other("a mapping whose keys are not texts"));
    }
    Raw::Other("an object of another type")
}

/// `os.PathLike` objects are their path.
fn file_path(object: &Bound<'_, PyAny>) -> Option<Raw> {
    let path = object.call_method0("__fspath__").ok()?;
    Some(
        path.extract()
            .map_or(Raw::Other("a path that has no UTF-8 form"), Raw::Text),
    )
}

fn items(object: &Bound<'_, PyAny>) -> Option<Vec<Raw>> {
    object
        .try_iter()
        .ok()?
        .map(|item| item.ok().map(|item| to_raw(&item)))
        .collect()
}

fn table(mapping: &Bound<'_, PyMapping>) -> Option<Raw> {
    let mut entries = BTreeMap::new();
    for pair in mapping.items().ok()?.iter() {
        let (key, value) = pair
            .extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()
            .ok()?;
        let Raw::Text(key) = to_raw(&key) else {
            return None;
        };
        entries.insert(key, to_raw(&value));
    }
    Some(Raw::Table(entries))
}

/// The same as JSON; `None` for what JSON does not have.
pub(crate) fn to_json(raw: &Raw) -> Option<Json> {
    Some(match raw {
        Raw::Null => Json::Null,
        Raw::Bool(value) => Json::from(*value),
        Raw::Integer { value, .. } => Json::from(*value),
        Raw::Float(value) => Json::Number(Number::from_f64(*value)?),
        Raw::Text(text) => Json::from(text.as_str()),
        Raw::List(items) => items
            .iter()
            .map(to_json)
            .collect::<Option<Vec<_>>>()?
            .into(),
        Raw::Table(entries) => {
            let entries = entries
                .iter()
                .map(|(key, raw)| Some((key.clone(), to_json(raw)?)));
            Json::Object(entries.collect::<Option<_>>()?)
        }
        Raw::Other(_) => return None,
    })
}

/// A field's value as Python sees it: tuples for lists, a read-only mapping for tables, `None` where
/// it is unset.
///
/// # Errors
/// Where the interpreter has no memory for it.
pub(crate) fn to_python(py: Python<'_>, field: &Field, value: &Value) -> PyResult<Py<PyAny>> {
    match value {
        Value::Null => Ok(py.None()),
        // An empty text is how files and variables say that such a field is unset.
        Value::Text(text) if text.is_empty() && field.nullable => Ok(py.None()),
        Value::Bool(value) => value.into_py_any(py),
        Value::Integer(value) => value.into_py_any(py),
        Value::Number(value) => value.into_py_any(py),
        Value::Text(text) => text.into_py_any(py),
        Value::List(items) => PyTuple::new(py, items)?.into_py_any(py),
        Value::Flags(flags) => PyTuple::new(py, flags)?.into_py_any(py),
        Value::Table(entries) => {
            let dict = PyDict::new(py);
            for (key, text) in entries {
                dict.set_item(key, text)?;
            }
            read_only(&dict)
        }
    }
}

/// A view of a mapping through which nobody changes it.
///
/// # Errors
/// Where it is not a mapping.
pub(crate) fn read_only(mapping: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    static PROXY: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let proxy = PROXY.import(mapping.py(), "types", "MappingProxyType")?;
    Ok(proxy.call1((mapping,))?.unbind())
}
