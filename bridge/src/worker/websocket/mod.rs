//! WebSockets as applications see them (ASGI spec, "WebSocket").

mod call;
mod message;
mod resume;

use std::rc::Rc;

use pounce_core::serve::application::WebSocketRequest;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use super::application::Core;
use super::exchange::Peer;
use super::scope::Origin;

pub(super) use call::Call;
pub(super) use resume::Stepper;

/// Starts the application for a handshake.
pub(super) fn connect(py: Python<'_>, core: &Rc<Core>, request: WebSocketRequest) {
    let WebSocketRequest {
        head,
        id,
        client,
        secure,
        connection,
        socket,
    } = request;
    let origin = Origin { client, secure };
    let scope = core
        .scopes
        .make(py, &head, &id, origin, &connection)
        .and_then(|scope| adapt(scope, secure, socket.subprotocols()));
    let call = Rc::new(Call::new(
        Rc::clone(core),
        socket,
        id,
        head.method,
        head.uri,
    ));
    Peer::WebSocket(call).begin(py, scope);
}

/// Makes the scope of a WebSocket of one of a request.
fn adapt<'py>(
    scope: Bound<'py, PyDict>,
    secure: bool,
    subprotocols: &[String],
) -> PyResult<Bound<'py, PyDict>> {
    let py = scope.py();
    let scheme = if secure {
        intern!(py, "wss")
    } else {
        intern!(py, "ws")
    };
    scope.set_item(intern!(py, "type"), intern!(py, "websocket"))?;
    scope.set_item(intern!(py, "scheme"), scheme)?;
    scope.del_item(intern!(py, "method"))?;
    scope.set_item(
        intern!(py, "subprotocols"),
        PyList::new(py, subprotocols.iter().map(|name| PyString::new(py, name)))?,
    )?;
    if let Some(extensions) = scope.get_item(intern!(py, "extensions"))? {
        let extensions = extensions.cast_into::<PyDict>()?;
        for name in extensions.keys() {
            if name.cast::<PyString>()?.to_str()?.starts_with("http.") {
                extensions.del_item(name)?;
            }
        }
        extensions.set_item(intern!(py, "websocket.http.response"), PyDict::new(py))?;
    }
    Ok(scope)
}
