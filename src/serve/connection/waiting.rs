//! A connection before the application is up: read only as far as it takes to tell whether it is a probe.

use std::io;
use std::task::{Context, Poll, ready};

use http::{Method, StatusCode, Uri};

use super::closing::{PLAIN, close_after, plain_answer};
use super::gate::Scratch;
use super::transport::Transport;
use crate::serve::health::{Health, MEDIA_TYPE};
use crate::serve::http::scanner::{Limits, Scanner};
use crate::serve::reactor::{Detached, Handle, Peer, Stream};
use crate::serve::request_id::RequestId;
use crate::serve::settings::Settings;
use crate::serve::tls::{DetachedSession, Identity, TlsStream};

/// A request line that is longer is no probe's.
const LONGEST_LINE: usize = 4096;

/// A connection that waits for the application, on its way to another reactor.
pub struct Waiting {
    pub(super) socket: Detached,
    pub(super) session: Option<Box<DetachedSession>>,
    /// What the client has sent and nobody has judged.
    pub(super) received: Vec<u8>,
    pub(super) peer: Peer,
}

impl Waiting {
    /// Its transport on this reactor.
    pub(super) fn attach(
        socket: Detached,
        session: Option<Box<DetachedSession>>,
        handle: &Handle,
    ) -> io::Result<Transport> {
        let stream = Stream::attach(handle, socket)?;
        Ok(match session {
            None => Transport::Plain(stream),
            Some(session) => Transport::Tls(Box::new(TlsStream::resume(stream, *session))),
        })
    }
}

/// A connection that may be a probe.
pub(in crate::serve) struct Visitor {
    transport: Transport,
    peer: Peer,
    received: Vec<u8>,
    scanner: Scanner,
    judged: usize,
}

/// What a connection has shown itself to be.
pub(in crate::serve) enum Wish {
    /// A probe that is here to its end.
    Probe(Method),
    /// Anything else: the server's, once it is up.
    Other,
}

impl Visitor {
    pub(in crate::serve) fn new(
        stream: Stream,
        peer: Peer,
        tls: Option<&Identity>,
        limits: Limits,
    ) -> io::Result<Self> {
        Ok(Self {
            transport: match tls {
                None => Transport::Plain(stream),
                Some(identity) => {
                    Transport::Tls(Box::new(TlsStream::new(stream, identity.clone())?))
                }
            },
            peer,
            received: Vec::new(),
            scanner: Scanner::new(limits),
            judged: 0,
        })
    }

    /// Ready when it is known what the client wants, or that it is gone.
    pub(in crate::serve) fn poll_wish(
        &mut self,
        cx: &mut Context<'_>,
        health: &Health,
        scratch: &Scratch,
    ) -> Poll<io::Result<Wish>> {
        ready!(self.transport.poll_handshake(cx))?;
        loop {
            if let Some(wish) = self.wish(health) {
                return Poll::Ready(Ok(wish));
            }
            let mut scratch = scratch.borrow_mut();
            let count = ready!(self.transport.poll_receive(cx, &mut scratch))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            self.received.extend_from_slice(&scratch[..count]);
        }
    }

    /// None: there is not enough to tell.
    fn wish(&mut self, health: &Health) -> Option<Wish> {
        if self.transport.is_http_2() {
            return Some(Wish::Other);
        }
        let Some(end) = self.received.iter().position(|byte| *byte == b'\n') else {
            return (self.received.len() > LONGEST_LINE).then_some(Wish::Other);
        };
        let Some(method) = probe(&self.received[..end], health) else {
            return Some(Wish::Other);
        };
        let progress = self.scanner.advance(&self.received[self.judged..]);
        self.judged += progress.judged;
        match progress.refusal {
            // The server itself refuses it, once it is up.
            Some(_) => Some(Wish::Other),
            None => (self.scanner.heads() > 0).then_some(Wish::Probe(method)),
        }
    }

    /// Gives up its place in this reactor.
    pub(in crate::serve) fn leave(self) -> Waiting {
        let (stream, session) = match self.transport {
            Transport::Plain(stream) => (stream, None),
            Transport::Tls(tls) => {
                let (stream, session) = tls.into_parts();
                (stream, Some(Box::new(session)))
            }
        };
        Waiting {
            socket: stream.detach(),
            session,
            received: self.received,
            peer: self.peer,
        }
    }
}

/// The method of a request line that asks for the health endpoint.
fn probe(line: &[u8], health: &Health) -> Option<Method> {
    let mut words = std::str::from_utf8(line).ok()?.trim_end().split(' ');
    let method = Method::from_bytes(words.next()?.as_bytes()).ok()?;
    let target: Uri = words.next()?.parse().ok()?;
    let version = words.next()?;
    let asked = version.starts_with("HTTP/1.") && health.is_asked(&method, target.path());
    asked.then_some(method)
}

/// What a probe is answered with.
pub(in crate::serve) fn probe_answer(
    settings: &Settings,
    id: &RequestId,
    method: &Method,
    body: &str,
) -> Vec<u8> {
    let (status, more) = (
        StatusCode::SERVICE_UNAVAILABLE,
        "cache-control: no-store\r\n",
    );
    let mut answer = plain_answer(settings, id, status, MEDIA_TYPE, more, body);
    if method == Method::HEAD {
        answer.truncate(answer.len() - body.len());
    }
    answer
}

/// What those are answered with for whom there is no room to wait.
pub(in crate::serve) fn crowded_answer(settings: &Settings, id: &RequestId) -> Vec<u8> {
    plain_answer(
        settings,
        id,
        StatusCode::SERVICE_UNAVAILABLE,
        PLAIN,
        "retry-after: 5\r\n",
        "the server is starting, and too many wait for it already\n",
    )
}

/// Answers a visitor and closes: the next request comes over a connection that the server itself takes.
pub(in crate::serve) async fn dismiss(
    handle: &Handle,
    settings: &Settings,
    visitor: Visitor,
    scratch: Scratch,
    answer: &[u8],
) {
    let limit = settings.write_timeout;
    close_after(handle, limit, visitor.transport, scratch, answer, true).await;
}
