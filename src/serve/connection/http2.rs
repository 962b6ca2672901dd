//! One connection that speaks HTTP/2.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http2::Builder;

use super::Worker;
use super::gate::Gate;
use super::service::Requests;
use super::traffic::{Expired, Traffic};
use super::watch::Watch;
use crate::serve::reactor::Handle;
use crate::serve::settings::Settings;

/// Requests of a connection at once.
const STREAMS: u32 = 128;
/// Streams that a client may open and reset before anyone has looked at them (rapid reset).
const RESETS: usize = 32;
/// Streams that may end in an error of the client's making.
const ERRORS: usize = 256;
/// Bytes that a response may wait with in hyper.
const SEND_BUFFER: usize = 64 * 1024;
/// Bytes that a request's body may come ahead, and those of all bodies of a connection.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Time for a client to go after it was told that the connection ends.
const FAREWELL: Duration = Duration::from_secs(1);

pub(super) fn builder(settings: &Settings, handle: &Handle) -> Builder<Handle> {
    let mut builder = Builder::new(handle.clone());
    builder
        .timer(handle.timer())
        .auto_date_header(settings.date_header)
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(ERRORS)
        .enable_connect_protocol()
        .max_header_list_size(u32::try_from(settings.limits.head).unwrap_or(u32::MAX))
        .max_send_buf_size(SEND_BUFFER)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    builder
}

pub(super) async fn serve(
    worker: &Rc<Worker>,
    mut gate: Gate,
    requests: Requests,
    traffic: &Traffic,
) {
    gate.open();
    let mut connection = worker.http2.serve_connection(gate, requests);
    let mut watch = Watch::default();
    // When the connection is over, once the client has been told.
    let mut over = None;
    poll_fn(|cx| {
        traffic.renew_budget();
        if over.is_none() && worker.is_draining() {
            Pin::new(&mut connection).graceful_shutdown();
            over = Some(None);
        }
        if Pin::new(&mut connection).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if traffic.is_flooded() {
            return Poll::Ready(());
        }
        let now = traffic.now();
        loop {
            let most = worker.settings.max_requests_per_connection;
            let last = most > 0 && traffic.asked() >= most;
            let deadline = match (over.flatten(), traffic.stream_deadline(&worker.settings)) {
                (Some(end), _) if end <= now => {
                    if traffic.unanswered() == 0 {
                        return Poll::Ready(());
                    }
                    // A request has crossed the farewell: it is served, as in a drain.
                    over = Some(None);
                    continue;
                }
                (Some(end), _) => end,
                (None, Some((deadline, Expired::Write))) if deadline <= now => {
                    return Poll::Ready(());
                }
                (None, Some((deadline, Expired::Idle))) if deadline <= now => {
                    over = Some(Some(now + FAREWELL));
                    Pin::new(&mut connection).graceful_shutdown();
                    if Pin::new(&mut connection).poll(cx).is_ready() {
                        return Poll::Ready(());
                    }
                    continue;
                }
                (None, Some((deadline, _))) => deadline,
                (None, None) => return Poll::Pending,
            };
            if last && over.is_none() {
                over = Some(None);
                Pin::new(&mut connection).graceful_shutdown();
                cx.waker().wake_by_ref();
            }
            watch.set(&worker.handle, deadline, cx);
            return Poll::Pending;
        }
    })
    .await;
}
