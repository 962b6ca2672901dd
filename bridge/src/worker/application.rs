//! The ASGI application behind the server's seam.

use std::cell::RefCell;
use std::rc::Rc;

use http::Method;
use pounce_core::serve::application::{Application, Request, WebSocketRequest};
use pounce_core::serve::reactor::Handle;
use pounce_core::serve::request_id::RequestId;
use pyo3::intern;
use pyo3::prelude::*;
use slab::Slab;

use super::alarm::Alarm;
use super::awaitable::Done;
use super::call::{Call, Exchange};
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

    /// Runs the application as far as it goes without waiting. `exchange` has what it is given:
    /// `receive()` and `send()`, and `_ended()` for the end of a task that goes on.
    ///
    /// # Errors
    /// The application did not start.
    pub(super) fn start(
        &self,
        scope: Bound<'_, PyAny>,
        exchange: &Bound<'_, PyAny>,
    ) -> PyResult<Started> {
        let py = scope.py();
        let receive = exchange.getattr(intern!(py, "receive"))?;
        let send = exchange.getattr(intern!(py, "send"))?;
        let awaitable = self.app.bind(py).call1((scope, receive, send))?;
        let task = self.tasks.start(awaitable)?;
        if task.call_method0(intern!(py, "done"))?.is_truthy()? {
            let outcome = task.call_method0(intern!(py, "result"));
            return Ok(Started::Ended(outcome.map(drop)));
        }
        let place = self.running.borrow_mut().insert(task.clone().unbind());
        let ended = exchange.getattr(intern!(py, "_ended"))?;
        task.call_method1(intern!(py, "add_done_callback"), (ended,))?;
        Ok(Started::Running(place))
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

    /// Lets go of a task that is at its end.
    pub(super) fn forget(&self, place: Option<usize>) {
        let task = place.and_then(|place| self.running.borrow_mut().try_remove(place));
        // Dropped here, with nothing borrowed: it can be the last reference.
        drop(task);
    }
}

/// How far the application came at once.
pub(super) enum Started {
    /// To its end.
    Ended(PyResult<()>),
    /// Its task goes on, and is kept at this place.
    Running(usize),
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
            let exchange = Bound::new(py, Exchange::new(Rc::clone(&call)));
            let started =
                scope.and_then(|scope| self.0.start(scope.into_any(), exchange?.as_any()));
            match started {
                Ok(Started::Running(place)) => call.place.set(Some(place)),
                Ok(Started::Ended(outcome)) => call.end(py, outcome),
                Err(error) => call.end(py, Err(error)),
            }
        });
    }
}
