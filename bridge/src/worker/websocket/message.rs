//! Messages that an application sends to a WebSocket, read and checked.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use pounce_core::serve::websocket::{Close, CloseCode};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use crate::worker::message::{body, headers, kind, status, truth};

/// What an application sends.
pub(super) enum Message<'py> {
    Accept {
        subprotocol: Option<String>,
        headers: HeaderMap,
    },
    Text(Bound<'py, PyString>),
    Binary(Bound<'py, PyBytes>),
    /// To be read by [`close`] where it is for a WebSocket. Before that it refuses the handshake, and
    /// code and reason mean nothing: FastAPI then has a list as the reason.
    Close(Bound<'py, PyDict>),
    /// An answer in HTTP instead.
    Start {
        status: StatusCode,
        headers: HeaderMap,
    },
    Body {
        data: Bytes,
        more: bool,
    },
}

impl<'py> Message<'py> {
    /// Reads a message.
    ///
    /// # Errors
    /// `TypeError` and `ValueError` say what is wrong, without the values of headers.
    pub(super) fn read(message: &Bound<'py, PyAny>) -> PyResult<Self> {
        let py = message.py();
        let (message, kind) = kind(message)?;
        match kind.to_str()? {
            "websocket.send" => Self::data(message),
            "websocket.accept" => Ok(Self::Accept {
                subprotocol: optional(message, intern!(py, "subprotocol"))?
                    .map(|name| text(&name, "the subprotocol of websocket.accept"))
                    .transpose()?,
                headers: headers(message, HeaderMap::new())?,
            }),
            "websocket.close" => Ok(Self::Close(message.clone())),
            "websocket.http.response.start" => Ok(Self::Start {
                status: status(message)?,
                headers: headers(message, HeaderMap::new())?,
            }),
            "websocket.http.response.body" => Ok(Self::Body {
                data: body(message)?,
                more: truth(message, intern!(py, "more_body"))?,
            }),
            other => Err(PyValueError::new_err(format!(
                "{other:?} is no message that is sent to a WebSocket"
            ))),
        }
    }

    fn data(message: &Bound<'py, PyDict>) -> PyResult<Self> {
        let py = message.py();
        if let Some(text) = optional(message, intern!(py, "text"))? {
            return text.cast_into::<PyString>().map(Self::Text).map_err(|_| {
                PyTypeError::new_err("the \"text\" of websocket.send is a str or None")
            });
        }
        let Some(data) = optional(message, intern!(py, "bytes"))? else {
            return Err(PyValueError::new_err(
                "websocket.send has neither \"text\" nor \"bytes\"",
            ));
        };
        if let Ok(bytes) = data.cast::<PyBytes>() {
            return Ok(Self::Binary(bytes.clone()));
        }
        if data.is_instance_of::<PyString>() || data.extract::<i64>().is_ok() {
            let kind = data.get_type();
            return Err(PyTypeError::new_err(format!(
                "the \"bytes\" of websocket.send are bytes, not {kind}"
            )));
        }
        let copy = py.get_type::<PyBytes>().call1((data,))?;
        Ok(Self::Binary(copy.cast_into()?))
    }
}

/// Code and reason of a `websocket.close`.
///
/// # Errors
/// `ValueError` and `TypeError` where they can stand in no close frame.
pub(super) fn close(message: &Bound<'_, PyDict>) -> PyResult<Close> {
    let py = message.py();
    let code = match optional(message, intern!(py, "code"))? {
        None => CloseCode::NORMAL,
        Some(code) => code
            .extract()
            .ok()
            .and_then(CloseCode::new)
            .ok_or_else(|| {
                PyValueError::new_err(format!(
                    "the code of websocket.close is an int that may stand in a close frame \
                     (1000 to 1003, 1007 to 1014, 3000 to 4999), not {code}"
                ))
            })?,
    };
    let reason = optional(message, intern!(py, "reason"))?
        .map(|reason| text(&reason, "the reason of websocket.close"))
        .transpose()?;
    Ok(Close {
        code,
        reason: reason.unwrap_or_default(),
    })
}

/// The value of a key that may be absent or None.
fn optional<'py>(
    message: &Bound<'py, PyDict>,
    key: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(message.get_item(key)?.filter(|value| !value.is_none()))
}

fn text(value: &Bound<'_, PyAny>, what: &str) -> PyResult<String> {
    match value.cast::<PyString>() {
        Ok(text) => Ok(text.to_str()?.to_owned()),
        Err(_) => Err(PyTypeError::new_err(format!(
            "{what} is a str or None, not {}",
            value.get_type()
        ))),
    }
}
