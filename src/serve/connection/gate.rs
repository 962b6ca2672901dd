//! The stream that hyper reads and writes: bytes come through only once they are judged.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};

use super::traffic::Traffic;
use super::transport::Transport;
use crate::serve::http::scanner::{Limits, Place, Progress, Scanner};
use crate::serve::tls::TlsSession;

/// Bytes received at once.
pub(crate) const RECEIVE: usize = 64 * 1024;
/// Bytes kept while it is open which protocol they belong to.
const HELD: usize = 64 * 1024;

/// Up to so many bytes a copy is cheaper than a system call for several buffers.
const FLAT: usize = 4 * 1024;

/// Memory that all connections of a thread receive into, one after the other.
pub(crate) type Scratch = Rc<RefCell<Box<[u8]>>>;

/// What hyper sees of a connection.
pub(super) struct Gate {
    transport: Transport,
    /// None: what passes is not HTTP/1.
    scanner: Option<Scanner>,
    /// Received and not yet passed on; the first `judged` bytes may pass.
    held: Vec<u8>,
    judged: usize,
    ended: bool,
    /// hyper has had one poll since the end was received.
    put_off: bool,
    scratch: Scratch,
    traffic: Rc<Traffic>,
}

impl Gate {
    /// A gate behind which this much has been received.
    pub(super) fn new(
        transport: Transport,
        scratch: Scratch,
        traffic: Rc<Traffic>,
        held: Vec<u8>,
    ) -> Self {
        Self {
            transport,
            scanner: None,
            held,
            judged: 0,
            ended: false,
            put_off: false,
            scratch,
            traffic,
        }
    }

    /// Ready when plain bytes can flow; true when they are HTTP/2 by agreement.
    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        ready!(self.transport.poll_handshake(cx))?;
        Poll::Ready(Ok(self.transport.is_http_2()))
    }

    /// What the handshake has settled; None where there was none.
    pub(super) fn tls(&self) -> Option<TlsSession> {
        self.transport.tls()
    }

    /// What is received and kept.
    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    /// Receives a further piece and keeps it.
    pub(super) fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = self.scratch.borrow_mut();
        let count = ready!(self.transport.poll_receive(cx, &mut scratch))?;
        self.ended = count == 0;
        self.held.extend_from_slice(&scratch[..count]);
        Poll::Ready(Ok(()))
    }

    /// Lets everything pass as it is.
    pub(super) fn open(&mut self) {
        self.judged = self.held.len();
    }

    /// Judges what passes as HTTP/1.
    pub(super) fn judge(&mut self, limits: Limits) {
        self.scanner = Some(Scanner::new(limits));
        self.judge_held();
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether the client may still be sending something that nobody will read.
    pub(super) fn expects_more(&self) -> bool {
        let between = self.place() == Place::Between;
        let clean = between && self.held.is_empty() && self.traffic.refused_head().is_none();
        !self.ended && !clean
    }

    /// Has the connection reset instead of ended, so that a cut response can not be taken for a whole one.
    pub(super) fn reset(&self) {
        self.transport.reset_on_close();
    }

    /// With what is held back.
    pub(super) fn into_parts(self) -> (Transport, Scratch, Vec<u8>) {
        (self.transport, self.scratch, self.held)
    }

    pub(super) fn into_transport(self) -> (Transport, Scratch) {
        (self.transport, self.scratch)
    }

    fn place(&self) -> Place {
        self.scanner.as_ref().map_or(Place::Held, |scanner| {
            scanner.place(&self.held[self.judged..])
        })
    }

    /// Judges what is held, behind what is already judged.
    fn judge_held(&mut self) {
        let Some(scanner) = &mut self.scanner else {
            self.judged = self.held.len();
            return;
        };
        let progress = scanner.advance(&self.held[self.judged..]);
        self.judged += progress.judged;
        let rest = &self.held[self.judged..];
        note(&self.traffic, scanner, progress, rest);
    }

    /// Receives into `cursor` what may pass of it, and holds the rest.
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        cursor: &mut ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.traffic.may_receive() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut scratch = self.scratch.borrow_mut();
        let room = cursor.remaining().min(scratch.len());
        let count = ready!(self.transport.poll_receive(cx, &mut scratch[..room]))?;
        let piece = &scratch[..count];
        self.ended = count == 0;
        match &mut self.scanner {
            None => cursor.put_slice(piece),
            // The common case: nothing is copied but to hyper.
            Some(scanner) if self.held.is_empty() => {
                let progress = scanner.advance(piece);
                let (passing, rest) = piece.split_at(progress.judged);
                note(&self.traffic, scanner, progress, rest);
                cursor.put_slice(passing);
                self.held.extend_from_slice(rest);
            }
            Some(_) => {
                self.held.extend_from_slice(piece);
                drop(scratch);
                self.judge_held();
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether hyper is not told yet that the client has ended its side: it would throw away an answer
    /// that is there already, or half written, while the client may still read. An answer that has to
    /// be waited for is given up: mostly the client is gone.
    fn puts_off_end(&mut self, cx: &mut Context<'_>) -> bool {
        if self.scanner.is_none() || self.traffic.is_quiet() {
            return false;
        }
        if !self.traffic.is_flushed() {
            // The flush wakes.
            return true;
        }
        let first = !std::mem::replace(&mut self.put_off, true);
        if first {
            cx.waker().wake_by_ref();
        }
        first
    }

    /// Whether hyper gets an error, because the body that it reads is refused.
    fn is_body_refused(&self) -> bool {
        // Behind earlier requests hyper still reads for the sake of those, to learn of the client's end.
        self.traffic.refused_body().is_some() && self.traffic.unanswered() <= 1
    }
}

/// Tells the others how far the gate is.
fn note(traffic: &Traffic, scanner: &Scanner, progress: Progress, rest: &[u8]) {
    let place = scanner.place(rest);
    traffic.at(scanner.heads(), place);
    match progress.refusal {
        Some(refusal) if place == Place::Body => traffic.refuse_body(refusal),
        Some(refusal) => traffic.refuse_head(refusal),
        None => {}
    }
}

impl Read for Gate {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        loop {
            if gate.judged > 0 {
                let count = gate.judged.min(cursor.remaining());
                cursor.put_slice(&gate.held[..count]);
                gate.held.drain(..count);
                gate.judged -= count;
                return Poll::Ready(Ok(()));
            }
            if gate.is_body_refused() {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            if gate.traffic.refused_head().is_some() || gate.traffic.refused_body().is_some() {
                // The connection's future answers, once what came before is answered.
                return Poll::Pending;
            }
            if gate.place() == Place::Held && gate.scanner.is_some() {
                if gate.traffic.take_stay() {
                    if let Some(scanner) = &mut gate.scanner {
                        scanner.resume();
                    }
                    gate.judge_held();
                    continue;
                }
                if gate.held.len() >= HELD {
                    return Poll::Pending;
                }
            }
            if gate.ended {
                if gate.puts_off_end(cx) {
                    return Poll::Pending;
                }
                return Poll::Ready(Ok(()));
            }
            let before = cursor.remaining();
            ready!(gate.poll_fill(cx, &mut cursor))?;
            if cursor.remaining() < before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl Gate {
    /// Writes the interim response that is waiting. Nothing of hyper's is half written then.
    fn poll_interim(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut interim = self.traffic.interim();
        while !interim.is_empty() {
            let sent = self.transport.poll_send(cx, &interim);
            let count = ready!(self.sent(sent))?;
            interim.drain(..count);
        }
        Poll::Ready(Ok(()))
    }

    /// Notes how much of `offered` bytes the transport has taken.
    fn wrote(&self, taken: &Poll<io::Result<usize>>, offered: usize) {
        if self.scanner.is_none() && taken.is_ready() {
            self.traffic.progress();
        }
        if matches!(taken, Poll::Ready(Ok(count)) if *count < offered) {
            self.traffic.fill();
        }
    }

    fn sent<T>(&self, sent: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match sent {
            Poll::Pending => self.traffic.block(),
            Poll::Ready(_) => self.traffic.unblock(),
        }
        sent
    }
}

impl Write for Gate {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let gate = self.get_mut();
        ready!(gate.poll_interim(cx))?;
        let sent = gate.transport.poll_send(cx, buffer);
        gate.wrote(&sent, buffer.len());
        gate.sent(sent)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        ready!(gate.poll_interim(cx))?;
        let flushed = gate.transport.poll_flush(cx);
        if flushed.is_ready() {
            if gate.ended && !gate.traffic.is_flushed() {
                cx.waker().wake_by_ref();
            }
            gate.traffic.flush();
        }
        gate.sent(flushed)
    }

    /// Over HTTP/1 nothing: how the socket is closed is decided when hyper is through with it.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        match gate.scanner {
            Some(_) => Poll::Ready(Ok(())),
            None => gate.transport.poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let gate = self.get_mut();
        ready!(gate.poll_interim(cx))?;
        let total = buffers.iter().map(|buffer| buffer.len()).sum();
        let sent = if total <= FLAT && buffers.len() > 1 {
            let mut scratch = gate.scratch.borrow_mut();
            let mut filled = 0;
            for buffer in buffers {
                scratch[filled..filled + buffer.len()].copy_from_slice(buffer);
                filled += buffer.len();
            }
            gate.transport.poll_send(cx, &scratch[..filled])
        } else {
            gate.transport.poll_send_vectored(cx, buffers)
        };
        gate.wrote(&sent, total);
        gate.sent(sent)
    }
}
