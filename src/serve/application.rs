//! The seam between the server and what it serves: a request in, its body pulled, a response pushed.
//!
//! Everything here happens on the reactor's thread. An application may finish a request inside of
//! [`Application::call`]; then no task is woken and no time passes. If not, it keeps the request's
//! [`RequestBody`] and [`Responder`] and goes on when the wakers it left there are called.

use std::any::Any;
use std::cell::OnceCell;
use std::net::SocketAddr;
use std::rc::Rc;

use http::request::Parts;
use http::{HeaderMap, StatusCode};

use super::reactor::Peer;
use super::request_id::RequestId;
use super::tls::TlsSession;
use super::websocket::WebSocket;

pub use super::exchange::{Disconnected, RequestBody, Responder, SendError, has_interim_responses};

/// What is served.
pub trait Application {
    /// Takes a request. Called on the reactor's thread, while a connection is polled: it must not block,
    /// and must not turn the reactor.
    fn call(&self, request: Request);

    /// Takes a WebSocket's handshake, likewise. An application that has no WebSockets refuses it (403).
    fn connect(&self, request: WebSocketRequest) {
        let responder = request.socket.responder();
        // It fails only where the client is gone.
        let _ = responder
            .start(StatusCode::FORBIDDEN, HeaderMap::new())
            .and_then(|()| responder.finish());
    }
}

/// One request, on its way.
pub struct Request {
    /// Method, target, version and headers; the Host header is the target's where that names a host.
    pub head: Parts,
    /// Its name in logs and in the response.
    pub id: RequestId,
    /// The client, as far as it is known: what a trusted proxy says, else the peer; None for a Unix socket.
    pub client: Option<SocketAddr>,
    /// Whether the client's connection is encrypted, as far as it is known.
    pub secure: bool,
    /// Where it came from.
    pub connection: Rc<ConnectionInfo>,
    /// The body, to be pulled.
    pub body: RequestBody,
    /// Where the response goes.
    pub responder: Responder,
}

/// One WebSocket's handshake, on its way.
pub struct WebSocketRequest {
    /// As of a [`Request`].
    pub head: Parts,
    /// Its name in logs and in the response.
    pub id: RequestId,
    /// The client, as far as it is known.
    pub client: Option<SocketAddr>,
    /// Whether the client's connection is encrypted, as far as it is known.
    pub secure: bool,
    /// Where it came from.
    pub connection: Rc<ConnectionInfo>,
    /// The WebSocket, to be accepted or not.
    pub socket: WebSocket,
}

/// What all requests of a connection share.
#[derive(Debug)]
pub struct ConnectionInfo {
    /// The other end of the socket: a proxy, where there is one.
    pub peer: Peer,
    /// This end of the socket; None for a Unix socket.
    pub local: Option<SocketAddr>,
    /// What its handshake has settled; None where it is not encrypted.
    pub tls: Option<TlsSession>,
    /// What the application keeps for the life of the connection; the server does not look at it.
    pub kept: OnceCell<Box<dyn Any>>,
}
