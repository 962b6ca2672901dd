//! WebSockets as applications see them (ASGI spec, "WebSocket").

mod awaitable;
mod call;
mod message;
mod resume;

use std::rc::Rc;

use pounce_core::serve::application::WebSocketRequest;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use super::application::Core;
use super::scope::Origin;
use call::{Call, Exchange};

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
    if let Err(error) = scope.and_then(|scope| start(py, &call, scope.into_any())) {
        call.end(py, Err(error));
    }
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

/// Runs the application as far as it goes without waiting.
fn start<'py>(py: Python<'py>, call: &Rc<Call>, scope: Bound<'py, PyAny>) -> PyResult<()> {
    let core = call.core();
    let exchange = Bound::new(py, Exchange::new(Rc::clone(call)))?;
    let receive = exchange.getattr(intern!(py, "receive"))?;
    let send = exchange.getattr(intern!(py, "send"))?;
    let awaitable = core.app.bind(py).call1((scope, receive, send))?;
    let task = core.tasks.start(awaitable)?;
    if task.call_method0(intern!(py, "done"))?.is_truthy()? {
        let outcome = task.call_method0(intern!(py, "result"));
        call.end(py, outcome.map(drop));
        return Ok(());
    }
    let place = core.running.borrow_mut().insert(task.clone().unbind());
    call.place.set(Some(place));
    let ended = exchange.getattr(intern!(py, "_ended"))?;
    task.call_method1(intern!(py, "add_done_callback"), (ended,))?;
    Ok(())
}
