//! A connection before the application is up: read only as far as it takes to tell whether it is a probe.

use std::io;
use std::task::{Context, Poll, ready};

use http::{Method, StatusCode, Uri};

use super::closing::{close_after, plain_answer};
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
    /// It is no probe: it waits.
    waits: bool,
}

/// What a connection has shown itself to be.
enum Wish {
    /// Not enough to tell.
    Unknown,
    Probe(Method),
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
            waits: false,
        })
    }

    /// Ready with the method of a probe that is here to its end, or when the client is gone. Never ready
    /// for anything else.
    pub(in crate::serve) fn poll_probe(
        &mut self,
        cx: &mut Context<'_>,
        health: &Health,
        scratch: &Scratch,
    ) -> Poll<io::Result<Method>> {
        if self.waits {
            return Poll::Pending;
        }
        ready!(self.transport.poll_handshake(cx))?;
        loop {
            match self.wish(health) {
                Wish::Probe(method) => return Poll::Ready(Ok(method)),
                Wish::Other => {
                    self.waits = true;
                    return Poll::Pending;
                }
                Wish::Unknown => {}
            }
            let mut scratch = scratch.borrow_mut();
            let count = ready!(self.transport.poll_receive(cx, &mut scratch))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            self.received.extend_from_slice(&scratch[..count]);
        }
    }

    fn wish(&mut self, health: &Health) -> Wish {
        if self.transport.is_http_2() {
            return Wish::Other;
        }
        let Some(end) = self.received.iter().position(|byte| *byte == b'\n') else {
            return if self.received.len() <= LONGEST_LINE {
                Wish::Unknown
            } else {
                Wish::Other
            };
        };
        let Some(method) = probe(&self.received[..end], health) else {
            return Wish::Other;
        };
        let progress = self.scanner.advance(&self.received[self.judged..]);
        self.judged += progress.judged;
        match progress.refusal {
            // The server itself refuses it, once it is up.
            Some(_) => Wish::Other,
            None if self.scanner.heads() > 0 => Wish::Probe(method),
            None => Wish::Unknown,
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

/// Answers a probe and closes: the next one comes over a connection that the server itself takes.
pub(in crate::serve) async fn answer_probe(
    handle: &Handle,
    settings: &Settings,
    id: &RequestId,
    visitor: Visitor,
    scratch: Scratch,
    method: &Method,
    body: &str,
) {
    let (status, more) = (
        StatusCode::SERVICE_UNAVAILABLE,
        "cache-control: no-store\r\n",
    );
    let mut answer = plain_answer(settings, id, status, MEDIA_TYPE, more, body);
    if method == Method::HEAD {
        answer.truncate(answer.len() - body.len());
    }
    let limit = settings.write_timeout;
    close_after(handle, limit, visitor.transport, scratch, &answer, true).await;
}
