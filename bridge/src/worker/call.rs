//! One request between the server and the application: what `receive()` and `send()` do.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{HeaderMap, Method, Uri};
use pounce_core::serve::application::{RequestBody, Responder, SendError};
use pounce_core::serve::request_id::RequestId;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::application::Core;
use super::awaitable::{Event, Source};
use super::disconnect::is_consequence;
use super::exchange::refusal;
use super::extensions;
use super::message::Message;
use super::wakeup::{Awaited, Wakeup};

/// A future of the event loop, whose task goes on in the loop's next round: an event can come from within
/// a lock of the protocol's, where nothing of the application may run.
struct Future(Py<PyAny>);

impl Awaited for Future {
    fn is_over(&self, py: Python<'_>) -> bool {
        is_done(self.0.bind(py)).unwrap_or(false)
    }

    fn resolve(&self, py: Python<'_>) -> PyResult<()> {
        let future = self.0.bind(py);
        // Cancelled, where its task was.
        if !is_done(future)? {
            future.call_method1(intern!(py, "set_result"), (py.None(),))?;
        }
        Ok(())
    }
}

fn is_done(future: &Bound<'_, PyAny>) -> PyResult<bool> {
    future
        .call_method0(intern!(future.py(), "done"))?
        .is_truthy()
}

/// How far the application is with its response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing is sent.
    Start,
    /// Status and headers are; `trailers` are promised.
    Body { trailers: bool },
    /// A file is on its way, and is the body.
    File { trailers: bool },
    /// The body is.
    Trailers,
    /// All is.
    Done,
}

impl Phase {
    fn after_body(trailers: bool) -> Self {
        if trailers { Self::Trailers } else { Self::Done }
    }
}

/// One request that the application has.
pub(super) struct Call {
    core: Rc<Core>,
    body: RefCell<Option<RequestBody>>,
    responder: RefCell<Option<Responder>>,
    phase: Cell<Phase>,
    trailers: RefCell<HeaderMap>,
    /// The application was told that the client is gone, or it would be if it asked.
    gone: Cell<bool>,
    receiving: Wakeup<Future>,
    sending: Wakeup<Future>,
    id: RequestId,
    method: Method,
    target: Uri,
    /// An empty map with room, for the headers of the response.
    headers: Cell<HeaderMap>,
}

impl Call {
    /// `head` has given its headers to the scope, and is empty of them.
    pub(super) fn new(
        core: Rc<Core>,
        body: RequestBody,
        responder: Responder,
        id: RequestId,
        head: Parts,
    ) -> Self {
        Self {
            core,
            body: RefCell::new(Some(body)),
            responder: RefCell::new(Some(responder)),
            phase: Cell::new(Phase::Start),
            trailers: RefCell::default(),
            gone: Cell::new(false),
            receiving: Wakeup::new(),
            sending: Wakeup::new(),
            id,
            method: head.method,
            target: head.uri,
            headers: Cell::new(head.headers),
        }
    }

    pub(super) fn core(&self) -> &Core {
        &self.core
    }

    fn disconnect(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.gone.set(self.phase.get() != Phase::Done);
        let message = PyDict::new(py);
        message.set_item(intern!(py, "type"), intern!(py, "http.disconnect"))?;
        Ok(message.into_any().unbind())
    }

    /// Takes a message of the application; whether it has to wait for room now.
    pub(super) fn take(&self, message: &Bound<'_, PyAny>) -> PyResult<bool> {
        let message = Message::read(message, &self.headers)?;
        let responder = self.responder.borrow();
        let Some(responder) = responder.as_ref() else {
            return Err(PyRuntimeError::new_err(
                "the request is over: its application has returned",
            ));
        };
        let refused = |error| self.refused(error);
        match (self.phase.get(), message) {
            (
                Phase::Start,
                Message::Start {
                    status,
                    headers,
                    trailers,
                },
            ) => {
                responder.start(status, headers).map_err(refused)?;
                self.phase.set(Phase::Body { trailers });
            }
            (Phase::Body { .. }, Message::Body { data, more: true }) => {
                responder.send(data).map_err(refused)?;
                let mut cx = Context::from_waker(self.sending.present());
                return Ok(responder.poll_room(&mut cx).is_pending());
            }
            (Phase::Body { trailers }, Message::Body { data, more: false }) => {
                if !data.is_empty() {
                    responder.send(data).map_err(refused)?;
                }
                if !trailers {
                    responder.finish().map_err(refused)?;
                }
                self.phase.set(Phase::after_body(trailers));
            }
            (Phase::Body { trailers }, Message::File(path)) => {
                if responder.has_begun() {
                    return Err(PyRuntimeError::new_err(
                        "http.response.pathsend was sent, but the body has begun: a file is all of it",
                    ));
                }
                responder
                    .send_file(extensions::open(&path)?, trailers)
                    .map_err(refused)?;
                self.phase.set(Phase::File { trailers });
                return Ok(true);
            }
            (Phase::Start | Phase::Body { .. }, Message::Hint(links)) => {
                responder.hint(links).map_err(refused)?;
            }
            (Phase::Trailers, Message::Trailers { headers, more }) => {
                let mut all = self.trailers.borrow_mut();
                all.extend(headers);
                if !more {
                    let trailers = std::mem::take(&mut *all);
                    responder.finish_with_trailers(trailers).map_err(refused)?;
                    self.phase.set(Phase::Done);
                }
            }
            (phase, message) => return Err(self.out_of_order(phase, &message, responder)),
        }
        Ok(false)
    }

    /// The exception for what the server has not taken.
    fn refused(&self, error: SendError) -> PyErr {
        if let SendError::Disconnected = error {
            self.gone.set(true);
        }
        refusal(&error)
    }

    fn out_of_order(&self, phase: Phase, message: &Message, responder: &Responder) -> PyErr {
        if phase != Phase::Done && responder.is_closed() {
            return self.refused(SendError::Disconnected);
        }
        let sent = match message {
            Message::Start { .. } => "http.response.start",
            Message::Body { .. } => "http.response.body",
            Message::Trailers { .. } => "http.response.trailers",
            Message::File(_) => "http.response.pathsend",
            Message::Hint(_) => "http.response.early_hint",
        };
        let expected = match phase {
            Phase::Start => "http.response.start comes first",
            Phase::Body { .. } => "http.response.body is due",
            Phase::File { .. } => "a file is being sent as the body",
            Phase::Trailers => "http.response.trailers is due, as the start has announced",
            Phase::Done => "the response is complete",
        };
        PyRuntimeError::new_err(format!("{sent} was sent, but {expected}"))
    }

    /// The application has ended, well or not. Says what went wrong, once, and lets go of everything.
    pub(super) fn end(&self, py: Python<'_>, outcome: PyResult<()>) {
        let responder = self.responder.take();
        let whole = outcome.is_ok() && self.phase.get() == Phase::Done;
        if !whole {
            let gone = self.gone.get() || responder.as_ref().is_some_and(Responder::is_closed);
            let left = responder.as_ref().is_some_and(Responder::has_left);
            if let Some(what) = self.fault(py, &outcome, gone, left) {
                self.report(py, what, outcome.err());
            }
        }
        // Dropped before it is whole, it makes a 500 or cuts the response off.
        drop(responder);
        drop(self.body.take());
        self.receiving.wake();
        self.sending.wake();
    }

    fn fault(
        &self,
        py: Python<'_>,
        outcome: &PyResult<()>,
        gone: bool,
        left: bool,
    ) -> Option<&'static str> {
        let unheard = gone && self.phase.get() != Phase::Done;
        match outcome {
            // It ends as the specification means it to: by the error that send() has raised.
            Err(error) if unheard && is_consequence(py, error) => None,
            Ok(()) if unheard || self.phase.get() == Phase::Done => None,
            Err(_) if self.phase.get() == Phase::Done => Some("the app raised after its response"),
            Err(_) if left => Some("the app raised within its response: the connection was cut"),
            Err(_) => Some("the app raised before its response: answered with 500"),
            Ok(()) if left => {
                Some("the app returned before the end of its response: the connection was cut")
            }
            Ok(()) => Some("the app returned without a response: answered with 500"),
        }
    }

    fn report(&self, py: Python<'_>, what: &str, error: Option<PyErr>) {
        let path = self.target.path();
        self.core
            .report(py, what, &self.id, &self.method, path, error);
    }
}

impl Source for Call {
    fn poll_message(&self, py: Python<'_>) -> Poll<PyResult<Py<PyAny>>> {
        let mut cx = Context::from_waker(self.receiving.waker());
        let mut body = self.body.borrow_mut();
        if let Some(open) = body.as_mut() {
            match open.poll_data(&mut cx) {
                Poll::Ready(Some(Ok(data))) => {
                    let more = !open.is_end();
                    if !more {
                        *body = None;
                    }
                    return Poll::Ready(request(py, &data, more));
                }
                Poll::Ready(None) => {
                    *body = None;
                    return Poll::Ready(request(py, &[], false));
                }
                Poll::Ready(Some(Err(_))) => {
                    *body = None;
                    return Poll::Ready(self.disconnect(py));
                }
                Poll::Pending => self.core.arm(py),
            }
        }
        let closed = match self.responder.borrow().as_ref() {
            _ if self.phase.get() == Phase::Done => Poll::Ready(()),
            None => Poll::Ready(()),
            Some(responder) => responder.poll_closed(&mut cx),
        };
        closed.map(|()| self.disconnect(py))
    }

    fn poll_room(&self) -> Poll<PyResult<()>> {
        let responder = self.responder.borrow();
        let Some(responder) = responder.as_ref() else {
            return Poll::Ready(Ok(()));
        };
        match responder.poll_room(&mut Context::from_waker(self.sending.waker())) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error @ (SendError::Disconnected | SendError::File(_)))) => {
                Poll::Ready(Err(self.refused(error)))
            }
            Poll::Ready(_) => {
                if let Phase::File { trailers } = self.phase.get() {
                    self.phase.set(Phase::after_body(trailers));
                }
                // Or another task has ended the response meanwhile: there is nothing left to wait for.
                Poll::Ready(Ok(()))
            }
        }
    }

    fn wait(&self, py: Python<'_>, event: Event) -> PyResult<Py<PyAny>> {
        let future = self.core.create_future.bind(py).call0()?;
        future.setattr(intern!(py, "_asyncio_future_blocking"), true)?;
        let wakeup = match event {
            Event::Message => &self.receiving,
            Event::Room => &self.sending,
        };
        wakeup.waiters().add(py, Future(future.clone().unbind()));
        Ok(future.unbind())
    }
}

fn request(py: Python<'_>, data: &[u8], more: bool) -> PyResult<Py<PyAny>> {
    let message = PyDict::new(py);
    message.set_item(intern!(py, "type"), intern!(py, "http.request"))?;
    message.set_item(intern!(py, "body"), PyBytes::new(py, data))?;
    message.set_item(intern!(py, "more_body"), more)?;
    Ok(message.into_any().unbind())
}
