//! One request and its response between the application's side and the protocol's side.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, Method, StatusCode};
use http_body::{Body as _, Frame};
use hyper::body::Incoming;

use super::http::refusal::Refusal;
use super::reactor::{Handle, Sleep};

/// Bytes that may wait for the socket; beyond it the application should wait.
const QUEUE: usize = 64 * 1024;

/// Headers that belong to the connection, which is the server's.
const CONNECTION_HEADERS: [HeaderName; 5] = [
    CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Status and headers of a response.
pub(super) struct ResponseHead {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

/// How an exchange ended before its response was whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The application gave up.
    Application,
    /// The request is not worth answering otherwise.
    Refused(Refusal),
}

/// The state that both sides share.
pub(super) struct Exchange {
    inner: RefCell<Inner>,
}

#[derive(Default)]
struct Inner {
    head: Option<ResponseHead>,
    started: bool,
    /// The response has no body, whatever the application sends: HEAD, 204, 304.
    bodiless: bool,
    head_request: bool,
    /// Bytes that Content-Length still promises.
    promised: Option<u64>,
    queue: VecDeque<Bytes>,
    queued: usize,
    trailers: Option<HeaderMap>,
    finished: bool,
    failure: Option<Failure>,
    /// The protocol's side has let go.
    closed: bool,
    taken_at: Option<Instant>,
    protocol: Option<Waker>,
    room: Option<Waker>,
    gone: Option<Waker>,
}

impl Exchange {
    pub(super) fn new(method: &Method) -> Rc<Self> {
        Rc::new(Self {
            inner: RefCell::new(Inner {
                head_request: method == Method::HEAD,
                ..Inner::default()
            }),
        })
    }

    /// The head, once something of the body is there or it is known that nothing comes.
    pub(super) fn poll_head(&self, cx: &mut Context<'_>) -> Poll<Result<ResponseHead, Failure>> {
        let mut inner = self.inner.borrow_mut();
        if let Some(failure) = inner.failure {
            return Poll::Ready(Err(failure));
        }
        if inner.finished || inner.queued > 0 {
            if let Some(head) = inner.head.take() {
                return Poll::Ready(Ok(head));
            }
        }
        wait(&mut inner.protocol, cx);
        Poll::Pending
    }

    /// The next frame of the response's body.
    pub(super) fn poll_frame(
        &self,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let (frame, room) = {
            let mut inner = self.inner.borrow_mut();
            inner.taken_at = Some(now);
            if let Some(failure) = inner.failure {
                return Poll::Ready(Some(Err(failure)));
            }
            let Some(chunk) = inner.queue.pop_front() else {
                if !inner.finished {
                    wait(&mut inner.protocol, cx);
                    return Poll::Pending;
                }
                let trailers = inner.trailers.take();
                return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
            };
            inner.queued -= chunk.len();
            let room = (inner.queued < QUEUE).then(|| inner.room.take()).flatten();
            (Frame::data(chunk), room)
        };
        if let Some(waker) = room {
            waker.wake();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    /// Whether everything was taken; and if the response is whole, its bytes that are left.
    pub(super) fn remaining(&self) -> Option<usize> {
        let inner = self.inner.borrow();
        let whole = inner.finished && inner.trailers.is_none() && inner.failure.is_none();
        whole.then_some(inner.queued)
    }

    /// Whether there is something to take that nobody has taken since this long.
    pub(super) fn is_stalled(&self, now: Instant, limit: Duration) -> bool {
        let inner = self.inner.borrow();
        let waited = inner
            .taken_at
            .is_some_and(|since| now.saturating_duration_since(since) >= limit);
        inner.queued > 0 && !inner.closed && waited
    }

    /// The protocol's side lets go: the response is through, or the client is gone.
    pub(super) fn close(&self) {
        let wakers = {
            let mut inner = self.inner.borrow_mut();
            inner.closed = true;
            inner.queue.clear();
            inner.queued = 0;
            [inner.room.take(), inner.gone.take()]
        };
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn fail(&self, failure: Failure) {
        let wakers = {
            let mut inner = self.inner.borrow_mut();
            if inner.finished || inner.failure.is_some() {
                return;
            }
            inner.failure = Some(failure);
            [inner.protocol.take(), inner.room.take(), inner.gone.take()]
        };
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Has the request answered by the server itself, if it is not answered yet, and cut off otherwise.
    pub(super) fn refuse(&self, refusal: Refusal) {
        self.fail(Failure::Refused(refusal));
    }
}

fn wait(place: &mut Option<Waker>, cx: &Context<'_>) {
    match place {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *place = Some(cx.waker().clone()),
    }
}

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
}

impl fmt::Display for SendError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Disconnected => "the client is gone",
            Self::OutOfOrder => "the response is not at a point where this may be sent",
            Self::Status => "an informational status is not a response",
            Self::ContentLength => "Content-Length is repeated or not a number",
            Self::BodyLength => "the body is not as long as Content-Length says",
        })
    }
}

impl std::error::Error for SendError {}

/// The application's end of a response. Dropped before the response is whole, it counts as failed: 500
/// when nothing was started, else the response is cut off.
pub struct Responder {
    exchange: Rc<Exchange>,
}

impl Responder {
    pub(super) fn new(exchange: Rc<Exchange>) -> Self {
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
        for name in &CONNECTION_HEADERS {
            headers.remove(name);
        }
        inner.promised = content_length(&headers)?;
        let statusless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        inner.bodiless = inner.head_request || statusless;
        if statusless {
            headers.remove(CONTENT_LENGTH);
        }
        inner.started = true;
        inner.head = Some(ResponseHead { status, headers });
        Ok(())
    }

    /// Adds a piece of the body. It is always taken; [`Responder::poll_room`] says when to go on.
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
            if inner.bodiless || data.is_empty() {
                return Ok(());
            }
            if let Some(promised) = inner.promised {
                let Some(left) = promised.checked_sub(data.len() as u64) else {
                    drop(inner);
                    self.exchange.fail(Failure::Application);
                    return Err(SendError::BodyLength);
                };
                inner.promised = Some(left);
            }
            inner.queued += data.len();
            inner.queue.push_back(data);
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
            inner.finished = true;
            inner.trailers = trailers.filter(|_| !inner.bodiless);
            inner.protocol.take()
        };
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Ready when a further piece would not have to wait, or when the client is gone.
    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let mut inner = self.exchange.inner.borrow_mut();
        inner.check_open()?;
        if inner.queued < QUEUE {
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

    /// Whether status and headers are set.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.exchange.inner.borrow().started
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

impl Inner {
    fn check_open(&self) -> Result<(), SendError> {
        if self.finished {
            return Err(SendError::OutOfOrder);
        }
        if self.closed || self.failure.is_some() {
            return Err(SendError::Disconnected);
        }
        Ok(())
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

/// The body of a request did not come whole: the client is gone, broke the protocol, or sent too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disconnected;

impl fmt::Display for Disconnected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the client is gone")
    }
}

impl std::error::Error for Disconnected {}

/// The body of a request. Nothing is read from the socket but what is asked for here, and one buffer.
pub struct RequestBody {
    incoming: Incoming,
    exchange: Rc<Exchange>,
    handle: Handle,
    /// Bytes that may still come.
    left: u64,
    /// Time that may still be spent waiting.
    patience: Duration,
    waiting: Option<(Instant, Sleep)>,
}

impl RequestBody {
    pub(super) fn new(
        incoming: Incoming,
        exchange: Rc<Exchange>,
        handle: Handle,
        left: u64,
        patience: Duration,
    ) -> Self {
        Self {
            incoming,
            exchange,
            handle,
            left,
            patience,
            waiting: None,
        }
    }

    /// The next piece; None at the end. Trailers are passed over.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Disconnected>>> {
        loop {
            let frame = match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => return self.poll_patience(cx),
            };
            if let Some((since, _)) = self.waiting.take() {
                let waited = self.handle.now().saturating_duration_since(since);
                self.patience = self.patience.saturating_sub(waited);
            }
            let data = match frame.map(|frame| frame.map(Frame::into_data)) {
                None => return Poll::Ready(None),
                Some(Err(_)) => return Poll::Ready(Some(Err(Disconnected))),
                Some(Ok(Err(_trailers))) => continue,
                Some(Ok(Ok(data))) => data,
            };
            let Some(left) = self.left.checked_sub(data.len() as u64) else {
                self.exchange.refuse(Refusal::BodyTooLarge);
                return Poll::Ready(Some(Err(Disconnected)));
            };
            self.left = left;
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(data)));
            }
        }
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Disconnected>>> {
        let (_, sleep) = self.waiting.get_or_insert_with(|| {
            let now = self.handle.now();
            (now, self.handle.sleep_until(now + self.patience))
        });
        if Pin::new(sleep).poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.exchange.refuse(Refusal::BodyTimeout);
        Poll::Ready(Some(Err(Disconnected)))
    }

    /// Whether nothing more can come.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.incoming.is_end_stream()
    }
}
