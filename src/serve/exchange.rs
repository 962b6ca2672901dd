//! One request and its response between the application's side and the protocol's side.

mod body;
mod file;
mod responder;
mod switch;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use http_body::Frame;

use super::http::refusal::Refusal;
use super::http::value::trim_values;
use file::FileBody;

pub use body::{Disconnected, RequestBody};
pub(super) use body::{LINGER, discard};
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

/// Bytes of a slice: what a stream of HTTP/2 takes at once, and a client must take within the time limit.
const SLICE: usize = 16 * 1024;

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
    /// The response has no body, whatever the application sends: HEAD, 204, 205, 304.
    bodiless: bool,
    head_request: bool,
    /// Pieces go out one slice at a time: the protocol takes each whole, whatever the client's window.
    sliced: bool,
    /// Bytes that Content-Length still promises.
    promised: Option<u64>,
    queue: VecDeque<Bytes>,
    queued: usize,
    /// What of a file follows the queue.
    file: Option<FileBody>,
    /// The response ends with the file.
    ends_with_file: bool,
    /// Why the file is not sent to its end.
    file_fault: Option<SendError>,
    trailers: Option<HeaderMap>,
    /// The protocol has interim responses; and the links of one that is to be sent.
    interim: bool,
    links: Vec<HeaderValue>,
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
    pub(super) fn new(method: &Method, version: Version) -> Rc<Self> {
        Rc::new(Self {
            inner: RefCell::new(Inner {
                head_request: method == Method::HEAD,
                sliced: version == Version::HTTP_2,
                interim: has_interim_responses(version),
                ..Inner::default()
            }),
        })
    }

    /// Gives a whole answer of the server itself, in the application's place.
    pub(super) fn answer(&self, (status, headers, body): (StatusCode, HeaderMap, Bytes)) {
        let mut inner = self.inner.borrow_mut();
        inner.head = Some(ResponseHead { status, headers });
        inner.started = true;
        inner.begun = true;
        inner.finished = true;
        if !inner.head_request {
            inner.queued = body.len();
            inner.queue.push_back(body);
        }
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
            let chunk = if let Some(mut chunk) = inner.queue.pop_front() {
                if inner.sliced && chunk.len() > SLICE {
                    let rest = chunk.split_off(SLICE);
                    inner.queue.push_front(rest);
                }
                inner.queued -= chunk.len();
                chunk
            } else if inner.file.is_some() {
                match inner.poll_file(cx) {
                    Poll::Pending => {
                        // The disk is not all that this waits for: the response may fail meanwhile.
                        wait(&mut inner.protocol, cx);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(piece)) => piece,
                    Poll::Ready(Err(failure)) => {
                        drop(inner);
                        self.fail(failure);
                        return Poll::Ready(Some(Err(failure)));
                    }
                }
            } else if inner.finished {
                let mut trailers = inner.trailers.take();
                if let Some(trailers) = trailers.as_mut().filter(|_| inner.sliced) {
                    trim_values(trailers);
                }
                return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
            } else {
                wait(&mut inner.protocol, cx);
                return Poll::Pending;
            };
            let room = inner.has_room().then(|| inner.room.take()).flatten();
            (Frame::data(chunk), room)
        };
        if let Some(waker) = room {
            waker.wake();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    /// The bytes that are left to take of a response that is whole; None where it is not, yet.
    pub(super) fn remaining(&self) -> Option<u64> {
        let inner = self.inner.borrow();
        let file = inner.file.as_ref().filter(|_| inner.ends_with_file);
        let known = inner.finished || file.is_some();
        let whole = known && inner.trailers.is_none() && inner.failure.is_none();
        whole.then(|| inner.queued as u64 + file.map_or(0, FileBody::left))
    }

    /// The links of an interim response that is to be sent now.
    pub(super) fn take_links(&self) -> Vec<HeaderValue> {
        std::mem::take(&mut self.inner.borrow_mut().links)
    }

    /// The protocol's side has taken an answer of the server itself.
    pub(super) fn touch(&self, now: Instant) {
        self.inner.borrow_mut().taken_at = Some(now);
    }

    /// Whether it is one stream of several, over HTTP/2.
    pub(super) fn is_stream(&self) -> bool {
        self.inner.borrow().sliced
    }

    pub(super) fn is_head_request(&self) -> bool {
        self.inner.borrow().head_request
    }

    /// Whether there is something that the client should take, and has not since this long. What was taken
    /// last may still be on its way, until the protocol's side lets go.
    pub(super) fn is_stalled(&self, now: Instant, limit: Duration) -> bool {
        let inner = self.inner.borrow();
        let waited = inner
            .taken_at
            .is_some_and(|since| now.saturating_duration_since(since) >= limit);
        let due =
            inner.queued > 0 || inner.file.is_some() || inner.finished || inner.failure.is_some();
        due && !inner.closed && waited
    }

    /// Whether the client has gone while the application is still at the response.
    pub(super) fn is_abandoned(&self) -> bool {
        let inner = self.inner.borrow();
        // A refusal ends the response, not the application, which may still be at work.
        let ended = matches!(inner.failure, Some(Failure::Application));
        inner.closed && !inner.finished && !ended
    }

    /// The protocol's side lets go: the response is through, or the client is gone.
    pub(super) fn close(&self) {
        let wakers = {
            let mut inner = self.inner.borrow_mut();
            inner.closed = true;
            inner.queue.clear();
            inner.queued = 0;
            inner.file = None;
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
            inner.file = None;
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

/// Whether an informational response can be sent over this version here: HTTP/1.0 has none, and over HTTP/2
/// hyper offers no way to send one.
#[must_use]
pub fn has_interim_responses(version: Version) -> bool {
    version == Version::HTTP_11
}

impl Inner {
    /// Whether a further piece of the body would not have to wait.
    fn has_room(&self) -> bool {
        self.queued < QUEUE && self.file.is_none()
    }

    /// The next piece of the file, which is there and not at its end.
    fn poll_file(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Failure>> {
        let Some(file) = &mut self.file else {
            return Poll::Pending;
        };
        let fault = match file.poll_piece(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(piece))) => {
                if file.left() == 0 {
                    self.file = None;
                    self.finished = self.ends_with_file;
                }
                return Poll::Ready(Ok(piece));
            }
            Poll::Ready(Some(Err(error))) => error.kind(),
            // The last piece has taken the file away; here it would end too early.
            Poll::Ready(None) => io::ErrorKind::UnexpectedEof,
        };
        self.file_fault = Some(SendError::File(fault));
        Poll::Ready(Err(Failure::Application))
    }

    pub(super) fn check_open(&self) -> Result<(), SendError> {
        if let Some(fault) = self.file_fault {
            return Err(fault);
        }
        if self.finished || self.file.is_some() {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_response_that_fails_does_not_wait_for_the_disk() {
        let exchange = Exchange::new(&Method::GET, Version::HTTP_11);
        exchange.inner.borrow_mut().file = Some(FileBody::stuck(tempfile::tempfile().unwrap()));
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        assert!(exchange.poll_frame(&mut cx, Instant::now()).is_pending());
        exchange.fail(Failure::Application);
        assert!(woken.0.load(Ordering::Relaxed));
        let frame = exchange.poll_frame(&mut cx, Instant::now());
        assert!(matches!(
            frame,
            Poll::Ready(Some(Err(Failure::Application)))
        ));
    }
}
