//! One request and its response between the application's side and the protocol's side.

mod body;
mod responder;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body::Frame;

use super::http::refusal::Refusal;

pub use body::{Disconnected, RequestBody};
pub use responder::{Responder, SendError};

/// Bytes that may wait for the socket; beyond it the application should wait.
const QUEUE: usize = 64 * 1024;

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
    /// The application has sent something of the body, or its end: the head may leave.
    begun: bool,
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
        if inner.begun
            && let Some(head) = inner.head.take()
        {
            return Poll::Ready(Ok(head));
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

    /// Whether the client has gone while the application is still at the response.
    pub(super) fn is_abandoned(&self) -> bool {
        let inner = self.inner.borrow();
        inner.closed && !inner.finished && inner.failure.is_none()
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

impl Inner {
    pub(super) fn check_open(&self) -> Result<(), SendError> {
        if self.finished {
            return Err(SendError::OutOfOrder);
        }
        if self.closed || self.failure.is_some() {
            return Err(SendError::Disconnected);
        }
        Ok(())
    }

    /// Counts off what Content-Length has promised; false when it is less than this.
    pub(super) fn keeps_promise(&mut self, length: usize) -> bool {
        match self
            .promised
            .map(|promised| promised.checked_sub(length as u64))
        {
            None => true,
            Some(None) => false,
            Some(left) => {
                self.promised = left;
                true
            }
        }
    }
}
