//! The body of a request, pulled by the application.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use hyper::body::Incoming;

use super::Exchange;
use crate::serve::http::refusal::Refusal;
use crate::serve::reactor::{Handle, Sleep};

/// The body of a request did not come whole: the client is gone, broke the protocol, or sent too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disconnected;

impl fmt::Display for Disconnected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the client is gone")
    }
}

impl std::error::Error for Disconnected {}

/// Time in which what comes of a body that nobody wants is taken and thrown away: a client in the middle of
/// it, as proxies are, looks for the answer only once the body is sent, and takes a reset for a failure.
pub(in crate::serve) const LINGER: Duration = Duration::from_secs(2);

/// The body of a request. Nothing is read from the socket but what is asked for here, and one buffer.
pub struct RequestBody {
    incoming: Unread,
    exchange: Rc<Exchange>,
    handle: Handle,
    /// Bytes that may still come.
    left: u64,
    /// Time that may still be spent waiting.
    patience: Duration,
    waiting: Option<(Instant, Sleep)>,
}

impl RequestBody {
    pub(in crate::serve) fn new(
        incoming: Incoming,
        exchange: Rc<Exchange>,
        handle: Handle,
        left: u64,
        patience: Duration,
    ) -> Self {
        Self {
            incoming: Unread {
                incoming: Some(incoming),
                handle: exchange.is_stream().then(|| handle.clone()),
            },
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
            let Some(incoming) = &mut self.incoming.incoming else {
                return Poll::Ready(None);
            };
            let frame = match Pin::new(incoming).poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => return self.poll_patience(cx),
            };
            if let Some((since, _)) = self.waiting.take() {
                let waited = self.handle.now().saturating_duration_since(since);
                self.patience = self.patience.saturating_sub(waited);
            }
            let data = match frame.map(|frame| frame.map(Frame::into_data)) {
                None => return Poll::Ready(None),
                Some(Err(_)) => {
                    // A client that has only ended its side still reads whose fault it was.
                    self.exchange.refuse(Refusal::BodyIncomplete);
                    return Poll::Ready(Some(Err(Disconnected)));
                }
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
        self.incoming
            .incoming
            .as_ref()
            .is_none_or(Incoming::is_end_stream)
    }
}

/// What is left of a body when the application is through with it.
struct Unread {
    incoming: Option<Incoming>,
    /// None over HTTP/1: there the connection sees to it.
    handle: Option<Handle>,
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let (Some(handle), Some(incoming)) = (&self.handle, self.incoming.take()) {
            discard(incoming, handle);
        }
    }
}

/// Throws away what comes of the body of a stream, for a while: else the stream would be reset behind its
/// answer, and some clients then lose the answer.
pub(in crate::serve) fn discard(mut incoming: Incoming, handle: &Handle) {
    if incoming.is_end_stream() {
        return;
    }
    let mut sleep = handle.sleep_until(handle.now() + LINGER);
    handle.spawn(async move {
        poll_fn(|cx| {
            loop {
                match Pin::new(&mut incoming).poll_frame(cx) {
                    Poll::Ready(Some(Ok(_))) => {}
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return Pin::new(&mut sleep).poll(cx),
                }
            }
        })
        .await;
    });
}
