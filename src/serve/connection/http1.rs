//! One connection that speaks HTTP/1.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use hyper::server::conn::http1::Builder;

use super::Worker;
use super::closing::{close_after, last_answer};
use super::gate::Gate;
use super::service::Requests;
use super::traffic::{Expired, Traffic};
use super::watch::Watch;
use super::websocket;
use crate::serve::http::refusal::Refusal;
use crate::serve::settings::Settings;

/// What hyper reads at most before it has a head; it asks for at least this much itself.
const BUFFER: usize = 64 * 1024;
/// Header lines that hyper parses without an allocation.
const HEADERS_ON_STACK: usize = 100;

/// hyper with the limits of the gate in front of it, which come first, and without time limits of its own.
pub(super) fn builder(settings: &Settings) -> Builder {
    let mut builder = Builder::new();
    builder
        .auto_date_header(settings.date_header)
        .header_read_timeout(None)
        .max_buf_size(BUFFER + settings.limits.head)
        // An empty line in front may be added to the head.
        .max_header_size(settings.limits.head + 2);
    if settings.limits.headers > HEADERS_ON_STACK {
        builder.max_headers(settings.limits.headers);
    }
    builder
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// hyper is through.
    Served,
    /// The next head is refused, and everything before it is answered.
    Refused(Refusal),
    Expired(Expired),
}

pub(super) async fn serve(
    worker: &Rc<Worker>,
    mut gate: Gate,
    requests: Requests,
    traffic: &Traffic,
) {
    let peer = requests.peer();
    gate.judge(worker.settings.limits);
    let mut connection = worker.http1.serve_connection(gate, requests);
    let mut watch = Watch::default();
    let mut draining = false;
    let end = poll_fn(|cx| {
        traffic.renew_budget();
        // hyper answers what it can by itself; its errors are ends of the connection.
        if Pin::new(&mut connection).poll(cx).is_ready() {
            return Poll::Ready(End::Served);
        }
        // A request that is on its way is still served: its answer ends the connection.
        if worker.closes_idle() && !draining && traffic.is_idle() {
            draining = true;
            Pin::new(&mut connection).graceful_shutdown();
            cx.waker().wake_by_ref();
        }
        if traffic.waits_in_vain() {
            // hyper believes that the socket will wake it; but what comes next is here already.
            cx.waker().wake_by_ref();
        }
        if let Some(refusal) = traffic.refused_head().filter(|_| traffic.is_quiet()) {
            return Poll::Ready(End::Refused(refusal));
        }
        match traffic.deadline(&worker.settings) {
            Some((deadline, expired)) if deadline <= traffic.now() => {
                Poll::Ready(End::Expired(expired))
            }
            Some((deadline, _)) => {
                watch.set(&worker.handle, deadline, cx);
                Poll::Pending
            }
            None => Poll::Pending,
        }
    })
    .await;
    let parts = connection.into_parts();
    if let Some(session) = traffic.take_session()
        && end == End::Served
        && traffic.is_flushed()
    {
        return websocket::serve(worker, parts.io, &parts.read_buf, session).await;
    }
    let gate = parts.io;
    let more = gate.expects_more();
    let refusal = match end {
        End::Served if traffic.is_cut() => return gate.reset(),
        End::Expired(Expired::Write) => return gate.reset(),
        End::Served if gate.has_ended() || !traffic.is_flushed() => return,
        End::Served | End::Expired(Expired::Idle) => None,
        End::Refused(refusal) => Some(refusal),
        End::Expired(Expired::Head) => Some(Refusal::HeadTimeout),
    };
    let answer =
        refusal.map(|refusal| last_answer(worker, peer, refusal.status(), "", refusal.reason()));
    let (transport, scratch) = gate.into_transport();
    close_after(
        &worker.handle,
        worker.settings.write_timeout,
        transport,
        scratch,
        &answer.unwrap_or_default(),
        more,
    )
    .await;
}
