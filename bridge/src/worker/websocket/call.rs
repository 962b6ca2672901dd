//! One WebSocket between the server and the application: what `receive()` and `send()` do.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use http::{HeaderMap, Method, StatusCode, Uri};
use pounce_core::serve::application::SendError;
use pounce_core::serve::request_id::RequestId;
use pounce_core::serve::websocket::{
    AcceptError, Close, CloseCode, Data, Message as Received, WebSocket,
};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::message::{self, Message};
use super::resume::Waiting;
use crate::worker::application::Core;
use crate::worker::awaitable::{Event, Source};
use crate::worker::disconnect::is_consequence;
use crate::worker::exchange::refusal;
use crate::worker::wakeup::Wakeup;

/// How far the application is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The handshake is not answered.
    Handshake,
    /// It is accepted: messages flow.
    Open,
    /// It is answered in HTTP, with a body that is not at its end.
    Denial,
    /// The application has said everything.
    Done,
}

/// One WebSocket that the application has.
pub(in crate::worker) struct Call {
    core: Rc<Core>,
    socket: RefCell<Option<WebSocket>>,
    phase: Cell<Phase>,
    /// `websocket.connect` was received.
    connected: Cell<bool>,
    /// The application was told that the client is gone, or it would be if it asked.
    gone: Cell<bool>,
    receiving: Wakeup<Py<Waiting>>,
    sending: Wakeup<Py<Waiting>>,
    id: RequestId,
    method: Method,
    target: Uri,
}

impl Call {
    pub(super) fn new(
        core: Rc<Core>,
        socket: WebSocket,
        id: RequestId,
        method: Method,
        target: Uri,
    ) -> Self {
        Self {
            core,
            socket: RefCell::new(Some(socket)),
            phase: Cell::new(Phase::Handshake),
            connected: Cell::new(false),
            gone: Cell::new(false),
            receiving: Wakeup::new(),
            sending: Wakeup::new(),
            id,
            method,
            target,
        }
    }

    pub(in crate::worker) fn core(&self) -> &Core {
        &self.core
    }

    fn disconnect(&self, py: Python<'_>, close: &Close) -> PyResult<Py<PyAny>> {
        self.gone.set(true);
        let message = typed(py, intern!(py, "websocket.disconnect"))?;
        message.set_item(intern!(py, "code"), close.code.number())?;
        message.set_item(intern!(py, "reason"), &close.reason)?;
        Ok(message.into_any().unbind())
    }

    fn room(&self, waker: &Waker) -> Poll<PyResult<()>> {
        let socket = self.socket.borrow();
        let Some(socket) = socket.as_ref() else {
            return Poll::Ready(Ok(()));
        };
        let mut cx = Context::from_waker(waker);
        let room = match self.phase.get() {
            Phase::Open => socket.poll_room(&mut cx),
            Phase::Denial => socket.responder().poll_room(&mut cx),
            Phase::Handshake | Phase::Done => Poll::Ready(Ok(())),
        };
        match room {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error @ SendError::Disconnected)) => {
                Poll::Ready(Err(self.refused(error)))
            }
            // Another task has closed meanwhile: there is nothing left to wait for.
            Poll::Ready(_) => Poll::Ready(Ok(())),
        }
    }

    /// Takes a message of the application; whether it has to wait for room now.
    pub(in crate::worker) fn take(&self, message: &Bound<'_, PyAny>) -> PyResult<bool> {
        let message = Message::read(message)?;
        let socket = self.socket.borrow();
        let Some(socket) = socket.as_ref() else {
            return Err(PyRuntimeError::new_err(
                "the WebSocket is over: its application has returned",
            ));
        };
        let refused = |error| self.refused(error);
        match (self.phase.get(), message) {
            (Phase::Open, Message::Text(text)) => {
                socket.send(Data::Text(text.to_str()?)).map_err(refused)?;
                return Ok(self.is_full(socket));
            }
            (Phase::Open, Message::Binary(data)) => {
                let data = Data::Binary(data.as_bytes());
                socket.send(data).map_err(refused)?;
                return Ok(self.is_full(socket));
            }
            (Phase::Open, Message::Close(close)) => {
                socket.close(message::close(&close)?).map_err(refused)?;
                self.phase.set(Phase::Done);
            }
            (
                Phase::Handshake,
                Message::Accept {
                    subprotocol,
                    headers,
                },
            ) => {
                let accepted = socket.accept(subprotocol.as_deref(), headers);
                accepted.map_err(|error| match error {
                    AcceptError::Send(error) => self.refused(error),
                    other => PyValueError::new_err(other.to_string()),
                })?;
                self.phase.set(Phase::Open);
            }
            (Phase::Handshake, Message::Close(_)) => {
                let responder = socket.responder();
                responder
                    .start(StatusCode::FORBIDDEN, HeaderMap::new())
                    .and_then(|()| responder.finish())
                    .map_err(refused)?;
                self.phase.set(Phase::Done);
            }
            (Phase::Handshake, Message::Start { status, headers }) => {
                // Over HTTP/2 the client would take it for the acceptance (RFC 8441 5).
                if status.is_success() {
                    return Err(PyValueError::new_err(format!(
                        "websocket.http.response.start denies the handshake, but {} is a success: send \
                         an error or a redirection, or websocket.accept",
                        status.as_u16()
                    )));
                }
                socket.responder().start(status, headers).map_err(refused)?;
                self.phase.set(Phase::Denial);
            }
            (Phase::Denial, Message::Body { data, more }) => {
                if more || !data.is_empty() {
                    socket.responder().send(data).map_err(refused)?;
                }
                if more {
                    return Ok(self.room(self.sending.present()).is_pending());
                }
                socket.responder().finish().map_err(refused)?;
                self.phase.set(Phase::Done);
            }
            (phase, message) => return Err(self.out_of_order(phase, &message)),
        }
        Ok(false)
    }

    fn is_full(&self, socket: &WebSocket) -> bool {
        let mut cx = Context::from_waker(self.sending.present());
        socket.poll_room(&mut cx).is_pending()
    }

    /// The exception for what the server has not taken.
    fn refused(&self, error: SendError) -> PyErr {
        if let SendError::Disconnected = error {
            self.gone.set(true);
        }
        refusal(&error)
    }

    fn out_of_order(&self, phase: Phase, message: &Message<'_>) -> PyErr {
        let sent = match message {
            Message::Accept { .. } => "websocket.accept",
            Message::Text(_) | Message::Binary(_) => "websocket.send",
            Message::Close(_) => "websocket.close",
            Message::Start { .. } => "websocket.http.response.start",
            Message::Body { .. } => "websocket.http.response.body",
        };
        let expected = match phase {
            Phase::Handshake => {
                "websocket.accept, websocket.close or websocket.http.response.start comes first"
            }
            Phase::Open => "the WebSocket is open: websocket.send or websocket.close is due",
            Phase::Denial => "websocket.http.response.body is due",
            Phase::Done => "the application has closed, or answered, before",
        };
        PyRuntimeError::new_err(format!("{sent} was sent, but {expected}"))
    }

    /// The application has ended, well or not. Says what went wrong, once, and lets go of everything.
    pub(in crate::worker) fn end(&self, py: Python<'_>, outcome: PyResult<()>) {
        let socket = self.socket.take();
        let gone = self.gone.get() || socket.as_ref().is_some_and(is_gone);
        let phase = self.phase.get();
        if let Some(socket) = socket.as_ref().filter(|_| phase == Phase::Open) {
            let code = if outcome.is_ok() {
                CloseCode::NORMAL
            } else {
                CloseCode::INTERNAL_ERROR
            };
            // It fails only where it was closed before.
            let _ = socket.close(Close::new(code));
        }
        if let Some(what) = fault(py, &outcome, phase, gone) {
            self.report(py, what, outcome.err());
        }
        // Dropped before the handshake is answered, it makes a 500; a response is cut off.
        drop(socket);
        self.receiving.wake();
        self.sending.wake();
    }

    fn report(&self, py: Python<'_>, what: &str, error: Option<PyErr>) {
        let path = self.target.path();
        self.core
            .report(py, what, &self.id, &self.method, path, error);
    }
}

fn fault(py: Python<'_>, outcome: &PyResult<()>, phase: Phase, gone: bool) -> Option<&'static str> {
    let over = gone || phase == Phase::Done;
    match (outcome, phase) {
        (Err(error), _) if over && tells_of_disconnect(py, error) => None,
        (Ok(()), Phase::Open | Phase::Done) => None,
        (Ok(()), _) if gone => None,
        (Ok(()), Phase::Handshake) => Some(
            "the app returned without an answer to the WebSocket's handshake: answered with 500",
        ),
        (Ok(()), Phase::Denial) => {
            Some("the app returned before the end of its response: the connection was cut")
        }
        (Err(_), _) if gone => Some("the app raised after its WebSocket was closed"),
        (Err(_), Phase::Done) => Some("the app raised after it had closed its WebSocket"),
        (Err(_), Phase::Handshake) => {
            Some("the app raised before the WebSocket's handshake was answered: answered with 500")
        }
        (Err(_), Phase::Open) => Some("the app raised: its WebSocket was closed with 1011"),
        (Err(_), Phase::Denial) => {
            Some("the app raised within its response: the connection was cut")
        }
    }
}

/// Whether this only tells of the end: the error that send() has raised, or what Starlette, FastAPI and
/// Litestar make of `websocket.disconnect`, in an application that has nothing to add.
fn tells_of_disconnect(py: Python<'_>, error: &PyErr) -> bool {
    is_consequence(py, error)
        || error
            .get_type(py)
            .name()
            .is_ok_and(|name| name == "WebSocketDisconnect")
}

fn is_gone(socket: &WebSocket) -> bool {
    if socket.is_accepted() {
        let mut cx = Context::from_waker(Waker::noop());
        let room = socket.poll_room(&mut cx);
        return matches!(room, Poll::Ready(Err(SendError::Disconnected)));
    }
    socket.responder().is_closed()
}

impl Source for Call {
    fn poll_message(&self, py: Python<'_>) -> Poll<PyResult<Py<PyAny>>> {
        if !self.connected.replace(true) {
            let message = typed(py, intern!(py, "websocket.connect"));
            return Poll::Ready(message.map(|message| message.into_any().unbind()));
        }
        let polled = match self.socket.borrow().as_ref() {
            None => Poll::Ready(Err(Close::new(CloseCode::ABNORMAL))),
            Some(socket) => {
                let mut cx = Context::from_waker(self.receiving.waker());
                socket.poll_receive(&mut cx)
            }
        };
        polled.map(|received| match received {
            Ok(received) => receive(py, &received),
            Err(close) => self.disconnect(py, &close),
        })
    }

    fn poll_room(&self) -> Poll<PyResult<()>> {
        self.room(self.sending.waker())
    }

    fn wait(&self, py: Python<'_>, event: Event) -> PyResult<Py<PyAny>> {
        let waiting = Py::new(py, Waiting::new(Rc::clone(&self.core.stepper)))?;
        let wakeup = match event {
            Event::Message => &self.receiving,
            Event::Room => &self.sending,
        };
        wakeup.waiters().add(py, waiting.clone_ref(py));
        Ok(waiting.into_any())
    }
}

fn typed<'py>(py: Python<'py>, kind: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyDict>> {
    let message = PyDict::new(py);
    message.set_item(intern!(py, "type"), kind)?;
    Ok(message)
}

/// The message for what was received.
fn receive(py: Python<'_>, received: &Received) -> PyResult<Py<PyAny>> {
    let message = typed(py, intern!(py, "websocket.receive"))?;
    match received {
        Received::Text(text) => {
            message.set_item(intern!(py, "text"), PyString::new(py, text))?;
        }
        Received::Binary(bytes) => {
            message.set_item(intern!(py, "bytes"), PyBytes::new(py, bytes))?;
        }
    }
    Ok(message.into_any().unbind())
}
