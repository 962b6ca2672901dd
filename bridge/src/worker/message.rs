//! Messages that an application sends, read and checked (ASGI spec, "HTTP").

use std::cell::Cell;
use std::path::PathBuf;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::extensions;

/// Bodies from this size on are sent from the memory of the Python object, shorter ones are copied.
const BORROWED: usize = 16 * 1024;

/// What an application sends.
pub(super) enum Message {
    Start {
        status: StatusCode,
        headers: HeaderMap,
        trailers: bool,
    },
    Body {
        data: Bytes,
        more: bool,
    },
    Trailers {
        headers: HeaderMap,
        more: bool,
    },
    /// A file that is the body.
    File(PathBuf),
    /// Links to be told ahead of the response.
    Hint(Vec<HeaderValue>),
}

impl Message {
    /// Reads a message; headers go into the empty map of `spare`.
    ///
    /// # Errors
    /// `TypeError` and `ValueError` say what is wrong, without the values of headers.
    pub(super) fn read(message: &Bound<'_, PyAny>, spare: &Cell<HeaderMap>) -> PyResult<Self> {
        let py = message.py();
        let (message, kind) = kind(message)?;
        match kind.to_str()? {
            "http.response.start" => Ok(Self::Start {
                status: status(message)?,
                headers: headers(message, spare.take())?,
                trailers: truth(message, intern!(py, "trailers"))?,
            }),
            "http.response.body" => Ok(Self::Body {
                data: body(message)?,
                more: truth(message, intern!(py, "more_body"))?,
            }),
            "http.response.trailers" => Ok(Self::Trailers {
                headers: headers(message, spare.take())?,
                more: truth(message, intern!(py, "more_trailers"))?,
            }),
            "http.response.pathsend" => Ok(Self::File(extensions::path(message)?)),
            "http.response.early_hint" => Ok(Self::Hint(extensions::links(message)?)),
            other => Err(PyValueError::new_err(format!(
                "{other:?} is no message that a response over HTTP consists of"
            ))),
        }
    }
}

/// A message as a dict, and its type.
pub(super) fn kind<'a, 'py>(
    message: &'a Bound<'py, PyAny>,
) -> PyResult<(&'a Bound<'py, PyDict>, Bound<'py, PyString>)> {
    let message = message.cast::<PyDict>().map_err(|_| {
        let kind = message.get_type();
        PyTypeError::new_err(format!("send() takes a message as a dict, not {kind}"))
    })?;
    let kind = message
        .get_item(intern!(message.py(), "type"))?
        .ok_or_else(|| PyValueError::new_err("the message has no \"type\""))?
        .cast_into::<PyString>()
        .map_err(|_| PyTypeError::new_err("the \"type\" of a message is a str"))?;
    Ok((message, kind))
}

pub(super) fn status(message: &Bound<'_, PyDict>) -> PyResult<StatusCode> {
    let py = message.py();
    let status = message
        .get_item(intern!(py, "status"))?
        .ok_or_else(|| PyValueError::new_err("http.response.start has no \"status\""))?;
    let wrong = || {
        PyValueError::new_err(format!(
            "the status of a response is an int from 200 to 999, not {status}"
        ))
    };
    let code: u16 = status.extract().map_err(|_| wrong())?;
    StatusCode::from_u16(code).map_err(|_| wrong())
}

pub(super) fn truth(message: &Bound<'_, PyDict>, key: &Bound<'_, PyString>) -> PyResult<bool> {
    message
        .get_item(key)?
        .map_or(Ok(false), |value| value.is_truthy())
}

pub(super) fn body(message: &Bound<'_, PyDict>) -> PyResult<Bytes> {
    let py = message.py();
    let Some(data) = message.get_item(intern!(py, "body"))? else {
        return Ok(Bytes::new());
    };
    if let Ok(bytes) = data.cast::<PyBytes>() {
        let bytes = bytes.as_bytes();
        if bytes.len() < BORROWED {
            return Ok(Bytes::copy_from_slice(bytes));
        }
        return Ok(Bytes::from_owner(data.extract::<PyBackedBytes>()?));
    }
    if data.is_instance_of::<PyString>() || data.extract::<i64>().is_ok() {
        let kind = data.get_type();
        return Err(PyTypeError::new_err(format!(
            "the body of a response is bytes, not {kind}"
        )));
    }
    // bytearray and memoryview can change after this call: their bytes are copied.
    let copy = py.get_type::<PyBytes>().call1((data,))?;
    Ok(Bytes::from_owner(copy.extract::<PyBackedBytes>()?))
}

/// Names in lower case, tokens only; values without control characters: a header cannot be split.
pub(super) fn headers(message: &Bound<'_, PyDict>, mut headers: HeaderMap) -> PyResult<HeaderMap> {
    let py = message.py();
    let Some(pairs) = message.get_item(intern!(py, "headers"))? else {
        return Ok(headers);
    };
    for pair in pairs.try_iter()? {
        let (name, value) = split(&pair?)?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
            let name = String::from_utf8_lossy(name.as_bytes());
            PyValueError::new_err(format!(
                "the name of a header is a token (RFC 9110 5.6.2), not {name:?}"
            ))
        })?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            PyValueError::new_err(format!("the value of the header {name} has a control character: a line break or NUL would forge headers"))
        })?;
        headers
            .try_append(name, value)
            .map_err(|_| PyValueError::new_err("the response has too many headers"))?;
    }
    Ok(headers)
}

fn split<'py>(pair: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
    pair.extract()
        .or_else(|_| {
            // Any iterable of two will do; a list is the other usual one.
            let mut items = pair.try_iter()?;
            let mut next = || {
                items
                    .next()
                    .transpose()?
                    .ok_or_else(wrong_pair)?
                    .cast_into::<PyBytes>()
                    .map_err(|_| wrong_pair())
            };
            let found = (next()?, next()?);
            if items.next().is_some() {
                Err(wrong_pair())
            } else {
                Ok(found)
            }
        })
        .map_err(|_: PyErr| wrong_pair())
}

fn wrong_pair() -> PyErr {
    PyTypeError::new_err("a header is a pair of bytes: [b\"name\", b\"value\"]")
}
