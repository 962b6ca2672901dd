//! The end of a connection: a last answer of the server itself, and a close that does not cut it off.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::{Poll, ready};
use std::time::{Duration, Instant, SystemTime};

use http::{StatusCode, Version};

use super::Worker;
use super::gate::Scratch;
use super::transport::Transport;
use crate::serve::access::Line;
use crate::serve::exchange::LINGER;
use crate::serve::reactor::{Handle, Peer};
use crate::serve::request_id::RequestId;
use crate::serve::settings::Settings;

pub(super) const PLAIN: &str = "text/plain; charset=utf-8";
/// Receive calls of one poll; then other connections have their turn.
const RECEIVES: u32 = 16;

/// An answer of the server itself to what never became a request; the connection is closed after it.
pub(super) fn last_answer(
    worker: &Worker,
    peer: Peer,
    status: StatusCode,
    more: &str,
    text: &str,
) -> Vec<u8> {
    let id = worker.ids.next();
    let body = format!("{text}\n");
    let answer = plain_answer(&worker.settings, &id, status, PLAIN, more, &body);
    if let Some(log) = &worker.access {
        log.write(&Line {
            time: SystemTime::now(),
            method: "-",
            path: "-",
            version: Version::HTTP_11,
            status: status.as_u16(),
            bytes: body.len() as u64,
            duration: Duration::ZERO,
            id: id.as_str(),
            peer,
            client: None,
            refusal: Some(text),
            slow: false,
        });
    }
    answer
}

/// A whole answer over HTTP/1.1, with `more` header lines, that is the last one of its connection.
pub(super) fn plain_answer(
    settings: &Settings,
    id: &RequestId,
    status: StatusCode,
    media_type: &str,
    more: &str,
    body: &str,
) -> Vec<u8> {
    use std::io::Write as _;
    let mut answer = Vec::with_capacity(256);
    let reason = status.canonical_reason().unwrap_or_default();
    // Writing to memory does not fail.
    let _ = write!(answer, "HTTP/1.1 {} {reason}\r\n", status.as_str());
    if let Some(server) = &settings.server_header {
        answer.extend_from_slice(b"server: ");
        answer.extend_from_slice(server.as_bytes());
        answer.extend_from_slice(b"\r\n");
    }
    if settings.date_header {
        let _ = write!(
            answer,
            "date: {}\r\n",
            httpdate::fmt_http_date(SystemTime::now())
        );
    }
    let _ = write!(
        answer,
        "x-request-id: {}\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n{more}connection: close\r\n\r\n{body}",
        id.as_str(),
        body.len(),
    );
    answer
}

/// Sends `answer` and closes. A socket that is closed while received bytes wait unread is reset, and the
/// reset can overtake the answer: so where `more` may come, this side is shut first, and the rest is read
/// for a while.
pub(super) async fn close_after(
    handle: &Handle,
    write_timeout: Duration,
    mut transport: Transport,
    scratch: Scratch,
    answer: &[u8],
    more: bool,
) {
    let deadline = handle.now() + write_timeout.min(LINGER);
    within(handle, deadline, async {
        poll_fn(|cx| transport.poll_handshake(cx)).await?;
        send(&mut transport, answer).await?;
        poll_fn(|cx| transport.poll_shutdown(cx)).await?;
        if more {
            drain(&mut transport, &scratch).await?;
        }
        Ok(())
    })
    .await;
}

async fn send(transport: &mut Transport, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let sent = poll_fn(|cx| transport.poll_send(cx, bytes)).await?;
        bytes = &bytes[sent..];
    }
    Ok(())
}

async fn drain(transport: &mut Transport, scratch: &Scratch) -> io::Result<()> {
    poll_fn(|cx| {
        for _ in 0..RECEIVES {
            if ready!(transport.poll_receive(cx, &mut scratch.borrow_mut()))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Ends with the deadline at the latest; that a client is gone matters no more.
async fn within(handle: &Handle, deadline: Instant, closing: impl Future<Output = io::Result<()>>) {
    let mut sleep = handle.sleep_until(deadline);
    let mut closing = pin!(closing);
    poll_fn(|cx| {
        if closing.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        pin!(&mut sleep).poll(cx)
    })
    .await;
}
