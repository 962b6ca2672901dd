//! The application's end of a response.

use std::fmt;
use std::fs::File;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::file::FileBody;
use super::{Exchange, Failure, ResponseHead, wait};

/// Headers that belong to the connection, which is the server's.
const CONNECTION_HEADERS: [HeaderName; 6] = [
    CONNECTION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Why something of a response was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// The client is gone.
    Disconnected,
    /// The response was already started, or is not started yet, or is at its end.
    OutOfOrder,
    /// An application does not send this status: 1xx, or out of range.
    Status,
    /// Content-Length is repeated or not a number.
    ContentLength,
    /// More or less body than Content-Length has promised; the response is cut off.
    BodyLength,
    /// A file could not be read to the end that was announced; the response is cut off.
    File(io::ErrorKind),
}

impl fmt::Display for SendError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::File(kind) = self {
            return write!(formatter, "the file can not be read to its end: {kind}");
        }
        formatter.write_str(match self {
            Self::Disconnected => "the client is gone",
            Self::OutOfOrder => "the response is not at a point where this may be sent",
            Self::Status => "an informational status is not a response",
            Self::ContentLength => "Content-Length is repeated or not a number",
            Self::BodyLength => "the body is not as long as Content-Length says",
            Self::File(_) => "the file can not be read to its end",
        })
    }
}

impl std::error::Error for SendError {}

/// The application's end of a response. Dropped before the response is whole, it counts as failed: 500
/// when nothing was started, else the response is cut off.
pub struct Responder {
    pub(super) exchange: Rc<Exchange>,
}

impl Responder {
    pub(in crate::serve) fn new(exchange: Rc<Exchange>) -> Self {
        Self { exchange }
    }

    /// Sets status and headers. They leave with the first piece of the body, or with its end.
    /// Headers of the connection (Connection, Transfer-Encoding, Upgrade, …) are left out.
    ///
    /// # Errors
    /// The client is gone, the response was started before, or status or Content-Length are no good.
    pub fn start(&self, status: StatusCode, mut headers: HeaderMap) -> Result<(), SendError> {
        let mut inner = self.exchange.inner.borrow_mut();
        inner.check_open()?;
        if inner.started {
            return Err(SendError::OutOfOrder);
        }
        if status.is_informational() {
            return Err(SendError::Status);
        }
        strip_connection_headers(&mut headers);
        inner.promised = content_length(&headers)?;
        // RFC 9110 15.3.5, 15.3.6, 15.4.5.
        let contentless = matches!(
            status,
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
        );
        inner.bodiless = inner.head_request || contentless;
        if contentless {
            headers.remove(CONTENT_LENGTH);
        }
        inner.started = true;
        inner.head = Some(ResponseHead { status, headers });
        Ok(())
    }

    /// Adds a piece of the body; an empty one sends the head off. It is always taken: [`Responder::poll_room`] says when to go on.
    ///
    /// # Errors
    /// The client is gone, the response is not started or at its end, or longer than it may be.
    pub fn send(&self, data: Bytes) -> Result<(), SendError> {
        let waker = {
            let mut inner = self.exchange.inner.borrow_mut();
            inner.check_open()?;
            if !inner.started || inner.finished {
                return Err(SendError::OutOfOrder);
            }
            inner.begun = true;
            if !inner.bodiless && !data.is_empty() {
                if !inner.keeps_promise(data.len()) {
                    drop(inner);
                    self.exchange.fail(Failure::Application);
                    return Err(SendError::BodyLength);
                }
                inner.queued += data.len();
                inner.queue.push_back(data);
            }
            inner.protocol.take()
        };
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Sends a file as the body: as many of its first bytes as Content-Length says, without one all that it
    /// has now. It is read as the client takes it; [`Responder::poll_room`] says when it is through. The
    /// response ends with it, unless there is `more`: trailers.
    ///
    /// # Errors
    /// The client is gone, the response is not started or its body has begun, or the file is shorter than
    /// Content-Length says, and nothing of the response is sent.
    pub fn send_file(&self, file: File, more: bool) -> Result<(), SendError> {
        let size = file
            .metadata()
            .map_err(|error| SendError::File(error.kind()))?
            .len();
        let waker = {
            let mut inner = self.exchange.inner.borrow_mut();
            inner.check_open()?;
            if !inner.started || inner.begun {
                return Err(SendError::OutOfOrder);
            }
            let length = inner.promised.unwrap_or(size);
            if !inner.bodiless {
                if size < length {
                    drop(inner);
                    self.exchange.fail(Failure::Application);
                    return Err(SendError::BodyLength);
                }
                inner.promised = inner.promised.map(|_| 0);
            }
            inner.begun = true;
            if inner.bodiless || length == 0 {
                inner.finished = !more;
            } else {
                inner.file = Some(FileBody::new(file, length));
                inner.ends_with_file = !more;
            }
            inner.protocol.take()
        };
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Tells the client of links in an interim response (103 Early Hints, RFC 8297), where the protocol has
    /// such and nothing of the body was sent. Elsewhere it does nothing: it is only a hint.
    ///
    /// # Errors
    /// The client is gone, or the response is at its end, or a file is being sent.
    pub fn hint(&self, links: impl IntoIterator<Item = HeaderValue>) -> Result<(), SendError> {
        let waker = {
            let mut inner = self.exchange.inner.borrow_mut();
            inner.check_open()?;
            if !inner.interim || inner.begun {
                return Ok(());
            }
            inner.links.extend(links);
            inner.protocol.take()
        };
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Ends the response.
    ///
    /// # Errors
    /// The client is gone, the response is not started or at its end, or shorter than it should be.
    pub fn finish(&self) -> Result<(), SendError> {
        self.end(None)
    }

    /// Ends the response with trailers, which reach clients that asked for them (`TE: trailers`).
    ///
    /// # Errors
    /// As [`Responder::finish`].
    pub fn finish_with_trailers(&self, trailers: HeaderMap) -> Result<(), SendError> {
        self.end(Some(trailers))
    }

    fn end(&self, trailers: Option<HeaderMap>) -> Result<(), SendError> {
        let waker = {
            let mut inner = self.exchange.inner.borrow_mut();
            inner.check_open()?;
            if !inner.started || inner.finished {
                return Err(SendError::OutOfOrder);
            }
            if !inner.bodiless && inner.promised.is_some_and(|left| left > 0) {
                drop(inner);
                self.exchange.fail(Failure::Application);
                return Err(SendError::BodyLength);
            }
            inner.begun = true;
            inner.finished = true;
            inner.trailers = trailers.filter(|_| !inner.bodiless).map(without_framing);
            inner.protocol.take()
        };
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Ready when a further piece would not have to wait, or when the client is gone.
    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let mut inner = self.exchange.inner.borrow_mut();
        if inner.file.is_none() {
            inner.check_open()?;
        }
        if inner.closed {
            return Poll::Ready(Err(SendError::Disconnected));
        }
        if inner.has_room() {
            return Poll::Ready(Ok(()));
        }
        wait(&mut inner.room, cx);
        Poll::Pending
    }

    /// Ready when nothing that is sent can reach the client any more: it is gone, or has it all.
    pub fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.exchange.inner.borrow_mut();
        if inner.closed || inner.failure.is_some() {
            return Poll::Ready(());
        }
        wait(&mut inner.gone, cx);
        Poll::Pending
    }

    /// Whether [`Responder::poll_closed`] would be ready. Who waits there goes on waiting.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        let inner = self.exchange.inner.borrow();
        inner.closed || inner.failure.is_some()
    }

    /// Whether anything of the body was sent, or its end.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.exchange.inner.borrow().begun
    }

    /// Whether status and headers are on their way to the client: giving up now cuts the response off.
    #[must_use]
    pub fn has_left(&self) -> bool {
        let inner = self.exchange.inner.borrow();
        inner.started && inner.head.is_none()
    }

    /// Gives up: 500 when nothing was started, else the response is cut off.
    pub fn fail(&self) {
        self.exchange.fail(Failure::Application);
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.exchange.fail(Failure::Application);
    }
}

/// Trailers must not say how a message is framed or where it goes (RFC 9110 6.5.1).
fn without_framing(mut trailers: HeaderMap) -> HeaderMap {
    for name in CONNECTION_HEADERS.iter().chain(&[CONTENT_LENGTH, HOST]) {
        trailers.remove(name);
    }
    trailers
}

pub(super) fn strip_connection_headers(headers: &mut HeaderMap) {
    // Looking once is cheaper than removing what is hardly ever there.
    if headers.keys().any(|name| CONNECTION_HEADERS.contains(name)) {
        for name in &CONNECTION_HEADERS {
            headers.remove(name);
        }
    }
}

fn content_length(headers: &HeaderMap) -> Result<Option<u64>, SendError> {
    let mut values = headers.get_all(CONTENT_LENGTH).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let digits = value
        .to_str()
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match (digits.and_then(|text| text.parse().ok()), values.next()) {
        (Some(length), None) => Ok(Some(length)),
        _ => Err(SendError::ContentLength),
    }
}
