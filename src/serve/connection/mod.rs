//! One connection after the other: which protocol it speaks, its limits, its end.

mod closing;
mod gate;
mod head;
mod http1;
mod http2;
mod service;
mod traffic;
mod transport;
mod waiting;
mod watch;
mod websocket;

use std::cell::{Cell, OnceCell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use http::{StatusCode, Version};
use slab::Slab;

use super::access::{AccessLog, ConnectionEntry};
use super::application::{Application, ConnectionInfo};
use super::health::{Health, State};
use super::reactor::{Handle, Peer, Stream};
use super::request_id::RequestIds;
use super::settings::Settings;
use super::tls::{TlsAcceptor, TlsStream};
use super::websocket::CloseCode;
use closing::{close_after, last_answer};
use gate::Gate;
use service::Requests;
use traffic::Traffic;
use transport::Transport;

pub(super) use gate::{RECEIVE, Scratch};
pub use waiting::Waiting;
pub(super) use waiting::{Visitor, Wish, crowded_answer, dismiss, probe_answer};

/// What a client that knows that we speak HTTP/2 begins with (RFC 9113 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Time for the first request of a connection, once the server drains.
const GRACE: Duration = Duration::from_secs(1);

/// What all connections of a thread share.
pub(super) struct Worker {
    pub(super) handle: Handle,
    pub(super) settings: Settings,
    pub(super) application: Rc<dyn Application>,
    pub(super) ids: RequestIds,
    access: Option<Rc<AccessLog>>,
    http1: hyper::server::conn::http1::Builder,
    http2: hyper::server::conn::http2::Builder<Handle>,
    scratch: Scratch,
    pub(super) health: Option<Health>,
    /// Nothing new is begun.
    draining: Cell<bool>,
    /// Idle connections are closed.
    closing: Cell<bool>,
    /// The tasks of live connections, to be told of a drain.
    connections: RefCell<Slab<Option<Waker>>>,
    /// Those of WebSockets that are streams of a connection.
    sessions: RefCell<Slab<Option<Waker>>>,
    /// What WebSockets are closed with in a drain.
    farewell: Cell<CloseCode>,
}

impl Worker {
    pub(super) fn new(
        handle: Handle,
        settings: Settings,
        application: Rc<dyn Application>,
        access: Option<Rc<AccessLog>>,
    ) -> Self {
        Self {
            http1: http1::builder(&settings),
            http2: http2::builder(&settings, &handle),
            scratch: Rc::new(RefCell::new(vec![0; RECEIVE].into_boxed_slice())),
            ids: RequestIds::default(),
            health: Health::new(&settings, State::Ok),
            draining: Cell::new(false),
            closing: Cell::new(false),
            connections: RefCell::default(),
            sessions: RefCell::default(),
            farewell: Cell::new(CloseCode::GOING_AWAY),
            handle,
            settings,
            application,
            access,
        }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// Whether connections on which nothing is under way are closed.
    pub(super) fn closes_idle(&self) -> bool {
        self.closing.get()
    }

    pub(super) fn farewell(&self) -> CloseCode {
        self.farewell.get()
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.borrow().len()
    }

    /// Has every connection end with what it is doing, and WebSockets with this code, unless they were told
    /// another before.
    pub(super) fn drain(&self, farewell: CloseCode) {
        self.closing.set(true);
        self.retire(farewell);
    }

    /// Has every connection end with its next response, and WebSockets with this code.
    pub(super) fn retire(&self, farewell: CloseCode) {
        if !self.draining.replace(true) {
            self.farewell.set(farewell);
        }
        let (connections, sessions) = (self.connections.borrow(), self.sessions.borrow());
        let wakers: Vec<_> = connections
            .iter()
            .chain(sessions.iter())
            .filter_map(|(_, waker)| waker.clone())
            .collect();
        drop((connections, sessions));
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// Counts a connection for as long as it lives.
pub(super) struct Attendance {
    worker: Rc<Worker>,
    key: usize,
}

impl Attendance {
    pub(super) fn new(worker: &Rc<Worker>) -> Self {
        Self {
            key: worker.connections.borrow_mut().insert(None),
            worker: Rc::clone(worker),
        }
    }

    /// Has the current task told of a drain.
    async fn follow(&self) {
        poll_fn(|cx| {
            if let Some(waker) = self.worker.connections.borrow_mut().get_mut(self.key) {
                *waker = Some(cx.waker().clone());
            }
            Poll::Ready(())
        })
        .await;
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        self.worker.connections.borrow_mut().try_remove(self.key);
    }
}

/// The transport of an accepted socket; None when its TLS session can not begin.
fn transport(stream: Stream, tls: Option<&TlsAcceptor>) -> Option<Transport> {
    match tls {
        None => Some(Transport::Plain(stream)),
        Some(acceptor) => {
            let tls = TlsStream::new(stream, acceptor.current()).ok()?;
            Some(Transport::Tls(Box::new(tls)))
        }
    }
}

/// Serves one connection to its end.
pub(super) async fn serve(
    attendance: Attendance,
    stream: Stream,
    peer: Peer,
    tls: Option<TlsAcceptor>,
) {
    let Some(transport) = transport(stream, tls.as_ref()) else {
        return;
    };
    serve_from(attendance, transport, peer, Vec::new()).await;
}

/// Serves a connection that came before the application was up.
pub(super) async fn resume(attendance: Attendance, waiting: Waiting) {
    let Waiting {
        socket,
        session,
        received,
        peer,
    } = waiting;
    // Otherwise it is gone already.
    if let Ok(transport) = Waiting::attach(socket, session, &attendance.worker.handle) {
        serve_from(attendance, transport, peer, received).await;
    }
}

/// Serves a connection of which this much is received.
async fn serve_from(attendance: Attendance, transport: Transport, peer: Peer, received: Vec<u8>) {
    attendance.follow().await;
    let worker = Rc::clone(&attendance.worker);
    let local = transport.local_address();
    let traffic = Traffic::new(worker.handle.clone());
    let log = worker.access.as_ref();
    let encrypted = matches!(transport, Transport::Tls(_));
    let entry = log.and_then(|log| ConnectionEntry::open(log, peer, encrypted));
    let mut gate = Gate::new(
        transport,
        Rc::clone(&worker.scratch),
        Rc::clone(&traffic),
        received,
    );
    // Over TLS HTTP/2 is spoken by agreement only (RFC 9113 3.2).
    let known = worker.settings.http2 && !encrypted;
    let Some(http_2) = begin(&worker, &mut gate, known).await else {
        return;
    };
    let tls = gate.tls();
    let info = Rc::new(ConnectionInfo {
        peer,
        local,
        tls,
        kept: OnceCell::new(),
    });
    let requests = Requests::new(Rc::clone(&worker), info, Rc::clone(&traffic));
    if http_2 {
        http2::serve(&worker, gate, requests, &traffic).await;
    } else {
        http1::serve(&worker, gate, requests, &traffic).await;
    }
    if let Some(entry) = entry {
        entry.version.set(Some(if http_2 {
            Version::HTTP_2
        } else {
            Version::HTTP_11
        }));
        entry.requests.set(traffic.asked());
    }
}

/// What the first bytes of a connection begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    Undecided,
    Http1,
    Http2,
    /// It would be HTTP/2, and is an error of the connection from the start.
    Invalid,
}

impl Opening {
    /// Judges what has come, where it `may` be HTTP/2, or it is `agreed` that it is.
    fn of(bytes: &[u8], may: bool, agreed: bool) -> Self {
        let (preface, frames) = bytes.split_at(bytes.len().min(PREFACE.len()));
        if !may || !PREFACE.starts_with(preface) {
            return match bytes {
                [] => Self::Undecided,
                // hyper tells the client what is wrong.
                _ if agreed => Self::Http2,
                _ => Self::Http1,
            };
        }
        // SETTINGS follow, and they are no acknowledgement (RFC 9113 3.4); hyper takes anything.
        match frames {
            // One bit of the stream's number is reserved (RFC 9113 4.1).
            [_, _, _, 4, flags, 0 | 0x80, 0, 0, 0, ..] if flags & 1 == 0 => Self::Http2,
            _ if frames.len() < 9 => Self::Undecided,
            _ => Self::Invalid,
        }
    }
}

/// Waits for the handshake and the first bytes; whether they begin HTTP/2, which clients may know of without
/// an agreement. None: there are none in time, or none that begin anything.
async fn begin(worker: &Worker, gate: &mut Gate, known: bool) -> Option<bool> {
    let mut sleep = worker
        .handle
        .sleep_until(worker.handle.now() + worker.settings.header_timeout);
    let mut draining = false;
    poll_fn(|cx| {
        if worker.closes_idle() && !std::mem::replace(&mut draining, true) {
            // The client could not know: its first request may be on the way.
            let grace = worker.handle.now() + GRACE;
            sleep.reset(grace.min(sleep.deadline()));
        }
        if pin!(&mut sleep).poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        let agreed = match gate.poll_handshake(cx) {
            Poll::Ready(Ok(agreed)) => agreed,
            Poll::Ready(Err(_)) => return Poll::Ready(None),
            Poll::Pending => return Poll::Pending,
        };
        loop {
            match Opening::of(gate.held(), known || agreed, agreed) {
                Opening::Http1 => return Poll::Ready(Some(false)),
                Opening::Http2 => return Poll::Ready(Some(true)),
                Opening::Invalid => return Poll::Ready(None),
                Opening::Undecided if gate.has_ended() => return Poll::Ready(None),
                Opening::Undecided => {}
            }
            match gate.poll_begin(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

/// Tells a client that there are too many, and closes.
pub(super) async fn turn_away(
    worker: Rc<Worker>,
    stream: Stream,
    peer: Peer,
    tls: Option<TlsAcceptor>,
) {
    let Some(transport) = transport(stream, tls.as_ref()) else {
        return;
    };
    let answer = last_answer(
        &worker,
        peer,
        StatusCode::SERVICE_UNAVAILABLE,
        "retry-after: 5\r\n",
        "the server has too many connections",
    );
    close_after(
        &worker.handle,
        worker.settings.write_timeout,
        transport,
        Rc::clone(&worker.scratch),
        &answer,
        true,
    )
    .await;
}
