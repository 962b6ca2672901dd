//! The application's end of a WebSocket.

use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::HeaderMap;
use http::header::{
    CONTENT_LENGTH, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
};

use super::channel::Channel;
use super::close::{Close, CloseCode, LONGEST_REASON};
use super::decoder::Message;
use super::frame::Opcode;
use super::handshake::Handshake;
use crate::serve::application::{Responder, SendError};

/// Headers of the handshake, which are the server's.
const HANDSHAKE_HEADERS: [HeaderName; 5] = [
    SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION,
];

/// What an application sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

/// Why a handshake was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcceptError {
    /// The client is gone, or the handshake is answered already.
    Send(SendError),
    /// The client has not offered this subprotocol.
    Subprotocol,
    /// This header is the server's.
    Header(HeaderName),
}

impl fmt::Display for AcceptError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(error) => error.fmt(formatter),
            Self::Subprotocol => {
                formatter.write_str("the subprotocol is none of those that the client has offered")
            }
            Self::Header(name) => write!(formatter, "the header {name} is the server's to send"),
        }
    }
}

impl std::error::Error for AcceptError {}

impl From<SendError> for AcceptError {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

/// The application's end of a WebSocket. Dropped before the handshake is answered, it makes a 500;
/// dropped while it is open, it closes with 1011.
pub struct WebSocket {
    channel: Rc<Channel>,
    responder: Responder,
    handshake: Handshake,
}

impl WebSocket {
    pub(in crate::serve) fn new(
        channel: Rc<Channel>,
        responder: Responder,
        handshake: Handshake,
    ) -> Self {
        Self {
            channel,
            responder,
            handshake,
        }
    }

    /// What the client has offered, in its order.
    #[must_use]
    pub fn subprotocols(&self) -> &[String] {
        &self.handshake.subprotocols
    }

    /// Answers the handshake: from here on messages flow. Headers of the connection are left out,
    /// and so is Content-Length: no body follows.
    ///
    /// # Errors
    /// The client is gone, the handshake is answered, the subprotocol was not offered, or a header is
    /// one of the handshake itself.
    pub fn accept(
        &self,
        subprotocol: Option<&str>,
        mut headers: HeaderMap,
    ) -> Result<(), AcceptError> {
        let offered = &self.handshake.subprotocols;
        if subprotocol.is_some_and(|name| !offered.iter().any(|offer| offer == name)) {
            return Err(AcceptError::Subprotocol);
        }
        let own = headers.keys().find(|name| HANDSHAKE_HEADERS.contains(name));
        if let Some(name) = own {
            return Err(AcceptError::Header(name.clone()));
        }
        headers.remove(CONTENT_LENGTH);
        self.responder.switch(headers, |headers| {
            self.channel.accept(self.handshake.agreement);
            self.handshake.accept(subprotocol, headers)
        })?;
        Ok(())
    }

    /// The way to answer the handshake in HTTP instead.
    #[must_use]
    pub fn responder(&self) -> &Responder {
        &self.responder
    }

    /// Whether the handshake was accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.channel.is_accepted()
    }

    /// The next message, or how it has ended.
    pub fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Result<Message, Close>> {
        if !self.is_accepted() {
            let closed = self.responder.poll_closed(cx);
            return closed.map(|()| Err(Close::new(CloseCode::ABNORMAL)));
        }
        self.channel.poll_receive(cx)
    }

    /// Sends a message. It is always taken: [`WebSocket::poll_room`] says when to go on.
    ///
    /// # Errors
    /// The client is gone, or the handshake is not accepted, or the application has closed.
    pub fn send(&self, data: Data<'_>) -> Result<(), SendError> {
        match data {
            Data::Text(text) => self.channel.send(Opcode::Text, text.as_bytes()),
            Data::Binary(bytes) => self.channel.send(Opcode::Binary, bytes),
        }
    }

    /// Ready when a further message would not have to wait, or when the client is gone.
    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.channel.poll_room(cx)
    }

    /// Closes. A reason beyond 123 bytes is cut at a character. Nothing happens where the client is
    /// gone, or has closed.
    ///
    /// # Errors
    /// The handshake is not accepted, or this was called before.
    pub fn close(&self, mut close: Close) -> Result<(), SendError> {
        if close.reason.len() > LONGEST_REASON {
            let end = (0..=LONGEST_REASON)
                .rev()
                .find(|at| close.reason.is_char_boundary(*at));
            close.reason.truncate(end.unwrap_or_default());
        }
        self.channel.leave(close)
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        if self.is_accepted() {
            // Closed before: then this is nothing new.
            let _ = self.channel.leave(Close::new(CloseCode::INTERNAL_ERROR));
        }
    }
}
