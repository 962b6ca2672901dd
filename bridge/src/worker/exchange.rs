//! What an application is given for a request or a WebSocket: `receive()` and `send()`.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Poll;

use pounce_core::serve::application::SendError;
use pyo3::exceptions::{PyConnectionResetError, PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::application::Core;
use super::awaitable::{Event, Pending};
use super::call::Call;
use super::owned::Owned;
use super::websocket;

/// The server's side of an exchange with the application.
#[derive(Clone)]
pub(super) enum Peer {
    Http(Rc<Call>),
    WebSocket(Rc<websocket::Call>),
}

impl Peer {
    /// Starts the application, and says what went wrong where it is at its end at once.
    pub(super) fn begin(self, py: Python<'_>, scope: PyResult<Bound<'_, PyDict>>) {
        if let Poll::Ready(outcome) = Exchange::start(py, scope, self.clone()) {
            self.end(py, outcome);
        }
    }

    fn pending(&self, event: Event) -> Pending {
        match self {
            Self::Http(call) => Pending::new(call, event),
            Self::WebSocket(call) => Pending::new(call, event),
        }
    }

    /// Takes a message of the application; whether it has to wait for room now.
    fn take(&self, message: &Bound<'_, PyAny>) -> PyResult<bool> {
        match self {
            Self::Http(call) => call.take(message),
            Self::WebSocket(call) => call.take(message),
        }
    }

    fn core(&self) -> &Core {
        match self {
            Self::Http(call) => call.core(),
            Self::WebSocket(call) => call.core(),
        }
    }

    fn end(&self, py: Python<'_>, outcome: PyResult<()>) {
        match self {
            Self::Http(call) => call.end(py, outcome),
            Self::WebSocket(call) => call.end(py, outcome),
        }
    }
}

/// The Python side of an exchange: its methods are what the application is given.
#[pyclass(frozen, module = "pounce_rs._native")]
pub(super) struct Exchange(Owned<Side>);

struct Side {
    peer: Peer,
    /// Where the task is kept alive, if it goes on.
    place: Cell<Option<usize>>,
}

impl Exchange {
    /// Runs the application as far as it goes without waiting.
    fn start(py: Python<'_>, scope: PyResult<Bound<'_, PyDict>>, peer: Peer) -> Poll<PyResult<()>> {
        let scope = scope?;
        let place = Cell::new(None);
        let exchange = Bound::new(py, Self(Owned::new(Side { peer, place })))?;
        let receive = exchange.getattr(intern!(py, "receive"))?;
        let send = exchange.getattr(intern!(py, "send"))?;
        let side = exchange.get().0.get()?;
        let core = side.peer.core();
        let awaitable = core.app.bind(py).call1((scope, receive, send))?;
        let task = core.tasks.start(awaitable)?;
        if task.call_method0(intern!(py, "done"))?.is_truthy()? {
            let outcome = task.call_method0(intern!(py, "result"));
            return Poll::Ready(outcome.map(drop));
        }
        side.place.set(Some(core.keep(&task)));
        let ended = exchange.getattr(intern!(py, "_ended"))?;
        task.call_method1(intern!(py, "add_done_callback"), (ended,))?;
        Poll::Pending
    }
}

#[pymethods]
impl Exchange {
    /// The next message of the client.
    fn receive(&self) -> PyResult<Pending> {
        Ok(self.0.get()?.peer.pending(Event::Message))
    }

    /// Takes a message for the client; to be awaited, so that a slow client slows the application.
    fn send<'py>(
        &self,
        py: Python<'py>,
        message: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let peer = &self.0.get()?.peer;
        if peer.take(message)? {
            return Ok(Bound::new(py, peer.pending(Event::Room))?.into_any());
        }
        Ok(peer.core().done.bind(py).clone().into_any())
    }

    /// What the task calls at its end.
    fn _ended(&self, py: Python<'_>, task: &Bound<'_, PyAny>) -> PyResult<()> {
        let Side { peer, place } = self.0.get()?;
        peer.core().forget(place.take());
        let outcome = task.call_method0(intern!(py, "result"));
        peer.end(py, outcome.map(drop));
        Ok(())
    }
}

/// The exception for a message that the server has not taken. No `OSError` but where the client is gone:
/// that is what it means to applications (ASGI spec, "Disconnected client").
pub(super) fn refusal(error: &SendError) -> PyErr {
    match error {
        SendError::Disconnected => PyConnectionResetError::new_err("the client is gone"),
        SendError::Status | SendError::ContentLength => PyValueError::new_err(error.to_string()),
        SendError::OutOfOrder | SendError::BodyLength | SendError::File(_) => {
            PyRuntimeError::new_err(error.to_string())
        }
    }
}
