//! The ASGI application behind the server's seam.

use std::cell::RefCell;
use std::rc::Rc;

use http::Method;
use pounce_core::serve::application::{Application, Request, WebSocketRequest};
use pounce_core::serve::reactor::Handle;
use pounce_core::serve::request_id::RequestId;
use pyo3::prelude::*;
use slab::Slab;

use super::alarm::Alarm;
use super::awaitable::Done;
use super::call::Call;
use super::exchange::Peer;
use super::scope::{Origin, Scopes};
use super::tasks::Tasks;
use super::websocket::{self, Stepper};

/// What all requests of the worker need.
pub(super) struct Core {
    pub(super) app: Py<PyAny>,
    pub(super) scopes: Scopes,
    pub(super) tasks: Tasks,
    /// Called with what went wrong, request id, method, path and the exception or None.
    pub(super) journal: Py<PyAny>,
    pub(super) create_future: Py<PyAny>,
    /// The answer of a `send()` that need not wait.
    pub(super) done: Py<Done>,
    pub(super) alarm: Rc<Alarm>,
    /// Has tasks of WebSockets go on.
    pub(super) stepper: Rc<Stepper>,
    pub(super) handle: Handle,
    /// Tasks that are not at their end: the loop itself holds them weakly.
    pub(super) running: RefCell<Slab<Py<PyAny>>>,
}

impl Core {
    /// Has the loop call in time for a deadline that was made between turns.
    pub(super) fn arm(&self, py: Python<'_>) {
        self.alarm.set(py, self.handle.deadline());
    }

    /// Tells the journal what went wrong with a request.
    pub(super) fn report(
        &self,
        py: Python<'_>,
        what: &str,
        id: &RequestId,
        method: &Method,
        path: &str,
        error: Option<PyErr>,
    ) {
        let error = error.map(|error| error.into_value(py));
        let named = (what, id.as_str(), method.as_str(), path, error);
        if let Err(error) = self.journal.bind(py).call1(named) {
            error.write_unraisable(py, None);
        }
    }

    /// Keeps a task that goes on alive; where.
    pub(super) fn keep(&self, task: &Bound<'_, PyAny>) -> usize {
        self.running.borrow_mut().insert(task.clone().unbind())
    }

    /// Lets go of a task that is at its end.
    pub(super) fn forget(&self, place: Option<usize>) {
        let task = place.and_then(|place| self.running.borrow_mut().try_remove(place));
        // Dropped here, with nothing borrowed: it can be the last reference.
        drop(task);
    }
}

/// Starts the application for each request.
pub(super) struct PythonApp(pub(super) Rc<Core>);

impl Application for PythonApp {
    fn connect(&self, request: WebSocketRequest) {
        Python::attach(|py| websocket::connect(py, &self.0, request));
    }

    fn call(&self, request: Request) {
        Python::attach(|py| {
            let Request {
                mut head,
                id,
                client,
                secure,
                connection,
                body,
                responder,
            } = request;
            let origin = Origin { client, secure };
            let scope = self.0.scopes.make(py, &head, &id, origin, &connection);
            let core = Rc::clone(&self.0);
            // The response's headers take the memory of the request's.
            head.headers.clear();
            let call = Rc::new(Call::new(core, body, responder, id, head));
            Peer::Http(call).begin(py, scope);
        });
    }
}
