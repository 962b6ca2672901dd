//! What an application's end and a connection's end of a WebSocket share: messages in, frames out.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::close::{Close, CloseCode, Violation};
use super::decoder::{Decoder, Event, Message};
use super::deflate::Deflater;
use super::frame::{self, Opcode};
use super::offer::Agreement;
use crate::serve::application::SendError;

/// Bytes that may wait on either side; beyond it the one who makes them has to wait.
const QUEUE: usize = 64 * 1024;
/// Messages that may wait for the application.
const MESSAGES: usize = 64;

/// Both directions of one WebSocket.
pub(in crate::serve) struct Channel {
    inner: RefCell<Inner>,
}

#[derive(Default)]
struct Inner {
    accepted: bool,
    agreement: Option<Agreement>,
    /// Made when the first message is worth it.
    deflater: Option<Deflater>,
    incoming: VecDeque<Message>,
    incoming_bytes: usize,
    /// Frames for the client; the first `sent` bytes are with it.
    outgoing: Vec<u8>,
    sent: usize,
    /// Our close frame is out, or behind what is to go out: nothing may follow it.
    close_sent: bool,
    /// Nothing that the client sends is read any more.
    input_over: bool,
    /// What the client has done wrong behind messages that the application has not taken yet: they are
    /// answered first.
    violation: Option<Violation>,
    /// What the application is told behind the messages.
    end: Option<Close>,
    /// The application itself has ended it.
    left: bool,
    /// The connection's side looks at everything before it rests: it need not be woken.
    attended: bool,
    connection: Option<Waker>,
    receiver: Option<Waker>,
    room: Option<Waker>,
}

impl Channel {
    pub(in crate::serve) fn new() -> Rc<Self> {
        Rc::new(Self {
            inner: RefCell::default(),
        })
    }

    /// Whether the application has accepted the handshake.
    pub(in crate::serve) fn is_accepted(&self) -> bool {
        self.inner.borrow().accepted
    }

    // The application's side.

    pub(super) fn accept(&self, agreement: Option<Agreement>) {
        let mut inner = self.inner.borrow_mut();
        inner.accepted = true;
        inner.agreement = agreement;
    }

    pub(super) fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Result<Message, Close>> {
        let (received, connection) = {
            let mut inner = self.inner.borrow_mut();
            let full = inner.is_full();
            if let Some(message) = inner.incoming.pop_front() {
                inner.incoming_bytes -= message.as_bytes().len();
                let goes_on = full && !inner.is_full();
                (Ok(message), goes_on.then(|| inner.call()).flatten())
            } else {
                let violated = inner.violation.take().map(|found| inner.violated(found));
                let Some(end) = inner.end.clone() else {
                    wait(&mut inner.receiver, cx);
                    return Poll::Pending;
                };
                (Err(end), violated.and_then(|()| inner.call()))
            }
        };
        wake(connection);
        Poll::Ready(received)
    }

    pub(super) fn send(&self, opcode: Opcode, payload: &[u8]) -> Result<(), SendError> {
        let connection = {
            let mut inner = self.inner.borrow_mut();
            inner.check_open()?;
            inner.write_message(opcode, payload);
            inner.call()
        };
        wake(connection);
        Ok(())
    }

    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let mut inner = self.inner.borrow_mut();
        inner.check_open()?;
        if inner.unsent() < QUEUE {
            return Poll::Ready(Ok(()));
        }
        wait(&mut inner.room, cx);
        Poll::Pending
    }

    /// The application ends it. Where it is over already there is nothing left to do.
    pub(super) fn leave(&self, close: Close) -> Result<(), SendError> {
        let mut inner = self.inner.borrow_mut();
        if !inner.accepted || inner.left {
            return Err(SendError::OutOfOrder);
        }
        inner.left = true;
        inner.incoming.clear();
        inner.incoming_bytes = 0;
        drop(inner);
        self.close(close);
        Ok(())
    }

    // The connection's side.

    /// Begins a look at the channel; `waker` is called for what comes up after it.
    pub(in crate::serve) fn attend(&self, waker: &Waker) {
        let mut inner = self.inner.borrow_mut();
        inner.attended = true;
        match &mut inner.connection {
            Some(present) => present.clone_from(waker),
            None => inner.connection = Some(waker.clone()),
        }
    }

    /// Ends a look.
    pub(in crate::serve) fn rest(&self) {
        self.inner.borrow_mut().attended = false;
    }

    /// A decoder for what the client sends.
    pub(in crate::serve) fn decoder(&self, limit: u64) -> Decoder {
        Decoder::new(limit, self.inner.borrow().agreement)
    }

    /// Decodes for as long as there is room for what comes of it; how many bytes were taken.
    pub(in crate::serve) fn receive(&self, decoder: &mut Decoder, bytes: &mut [u8]) -> usize {
        let mut inner = self.inner.borrow_mut();
        let mut at = 0;
        while inner.takes() {
            let (taken, found) = decoder.advance(&mut bytes[at..]);
            at += taken;
            match found {
                Ok(Some(event)) => inner.handle(event),
                Ok(None) => return at,
                Err(violation) => {
                    inner.input_over = true;
                    if inner.incoming.is_empty() || inner.close_sent {
                        inner.violated(violation);
                    } else {
                        inner.violation = Some(violation);
                    }
                }
            }
        }
        if inner.input_over { bytes.len() } else { at }
    }

    /// Whether more of the client's bytes are asked for.
    pub(in crate::serve) fn takes(&self) -> bool {
        self.inner.borrow().takes()
    }

    /// Wakes the application's side where there is something for it.
    pub(in crate::serve) fn deliver(&self) {
        let (receiver, room) = {
            let mut inner = self.inner.borrow_mut();
            let news = inner.end.is_some() || !inner.incoming.is_empty();
            let room = inner.end.is_some() || inner.unsent() < QUEUE;
            (
                news.then(|| inner.receiver.take()).flatten(),
                room.then(|| inner.room.take()).flatten(),
            )
        };
        wake(receiver);
        wake(room);
    }

    /// Has `write` take bytes for the client, until nothing is left or it takes no more.
    pub(in crate::serve) fn flush<E>(
        &self,
        mut write: impl FnMut(&[u8]) -> Poll<Result<usize, E>>,
    ) -> Poll<Result<(), E>> {
        let mut inner = self.inner.borrow_mut();
        while inner.unsent() > 0 {
            match write(&inner.outgoing[inner.sent..]) {
                Poll::Ready(Ok(count)) => inner.sent += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    inner.forget_sent();
                    return Poll::Pending;
                }
            }
        }
        inner.sent = 0;
        inner.outgoing.clear();
        // What one large message needed is not kept.
        inner.outgoing.shrink_to(QUEUE);
        Poll::Ready(Ok(()))
    }

    /// Whether there is something to flush.
    pub(in crate::serve) fn has_output(&self) -> bool {
        self.inner.borrow().unsent() > 0
    }

    pub(in crate::serve) fn ping(&self) {
        let mut inner = self.inner.borrow_mut();
        if !inner.close_sent {
            frame::write(&mut inner.outgoing, Opcode::Ping, false, b"");
        }
    }

    /// The server ends it, if it is not at its end already.
    pub(in crate::serve) fn close(&self, close: Close) {
        let (receiver, connection) = {
            let mut inner = self.inner.borrow_mut();
            inner.write_close(&close);
            inner.end.get_or_insert(close);
            (inner.receiver.take(), inner.call())
        };
        wake(receiver);
        wake(connection);
    }

    /// Closes for what the client has done wrong, though the application has not taken what came before;
    /// whether there was such a thing.
    pub(in crate::serve) fn enforce(&self) -> bool {
        let mut inner = self.inner.borrow_mut();
        let violation = inner.violation.take();
        violation.is_some_and(|violation| {
            inner.violated(violation);
            true
        })
    }

    /// Whether one side's close frame is all that is waited for: that of the client, or ours behind what
    /// the application still has to take.
    pub(in crate::serve) fn waits_for_close(&self) -> bool {
        let inner = self.inner.borrow();
        inner.close_sent != inner.input_over
    }

    /// Whether both sides have said that it is over, or the client can say nothing that counts.
    pub(in crate::serve) fn is_over(&self) -> bool {
        let inner = self.inner.borrow();
        inner.close_sent && inner.input_over && inner.unsent() == 0
    }

    /// The connection is gone.
    pub(in crate::serve) fn lose(&self) {
        {
            let mut inner = self.inner.borrow_mut();
            inner.input_over = true;
            inner.close_sent = true;
            inner.outgoing = Vec::new();
            inner.sent = 0;
            inner.connection = None;
            inner
                .end
                .get_or_insert_with(|| Close::new(CloseCode::ABNORMAL));
        }
        self.deliver();
    }
}

impl Inner {
    fn check_open(&self) -> Result<(), SendError> {
        if !self.accepted || self.left {
            Err(SendError::OutOfOrder)
        } else if self.end.is_some() {
            Err(SendError::Disconnected)
        } else {
            Ok(())
        }
    }

    fn unsent(&self) -> usize {
        self.outgoing.len() - self.sent
    }

    /// Lets go of what is with the client, where it is worth moving the rest: someone who always has more
    /// to send may never see the queue empty.
    fn forget_sent(&mut self) {
        if self.sent >= QUEUE {
            self.outgoing.drain(..self.sent);
            self.sent = 0;
        }
    }

    fn is_full(&self) -> bool {
        self.incoming_bytes >= QUEUE || self.incoming.len() >= MESSAGES
    }

    /// A client that takes no answers is not read either: pings alone could fill the memory.
    fn takes(&self) -> bool {
        !self.input_over && !self.is_full() && self.unsent() < QUEUE
    }

    /// The connection's waker, where it has to be called.
    fn call(&self) -> Option<Waker> {
        self.connection.clone().filter(|_| !self.attended)
    }

    fn write_message(&mut self, opcode: Opcode, payload: &[u8]) {
        let compressed = self.agreement.and_then(|agreement| {
            self.deflater
                .get_or_insert_with(|| Deflater::new(agreement))
                .deflate(payload)
        });
        let out = &mut self.outgoing;
        match compressed {
            Some(compressed) => frame::write(out, opcode, true, compressed),
            None => frame::write(out, opcode, false, payload),
        }
    }

    fn write_close(&mut self, close: &Close) {
        if !std::mem::replace(&mut self.close_sent, true) {
            frame::write(&mut self.outgoing, Opcode::Close, false, &close.payload());
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            // What comes behind our close frame was sent before the client had read it.
            Event::Message(_) if self.end.is_some() => {}
            Event::Message(message) => {
                self.incoming_bytes += message.as_bytes().len();
                self.incoming.push_back(message);
            }
            Event::Ping(payload) if !self.close_sent => {
                frame::write(&mut self.outgoing, Opcode::Pong, false, &payload);
            }
            Event::Ping(_) | Event::Pong => {}
            Event::Close(close) => {
                // The code comes back; the reason was the client's.
                self.write_close(&Close::new(close.code));
                self.input_over = true;
                self.end.get_or_insert(close);
            }
        }
    }

    fn violated(&mut self, violation: Violation) {
        let close = violation.close();
        self.write_close(&close);
        self.end.get_or_insert(close);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

fn wait(place: &mut Option<Waker>, cx: &Context<'_>) {
    match place {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *place = Some(cx.waker().clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn what_a_slow_client_has_taken_is_let_go_though_the_queue_never_empties() {
        let channel = Channel::new();
        channel.accept(None);
        let payload = [0; QUEUE];
        channel.send(Opcode::Binary, &payload).unwrap();
        for _ in 0..64 {
            channel.send(Opcode::Binary, &payload).unwrap();
            let mut takes = Some(payload.len());
            let flushed = channel.flush(|bytes| match takes.take() {
                Some(count) => Poll::Ready(Ok::<_, Infallible>(count.min(bytes.len()))),
                None => Poll::Pending,
            });
            assert!(flushed.is_pending());
        }
        let inner = channel.inner.borrow();
        assert!(inner.unsent() > QUEUE);
        assert!(inner.outgoing.len() < 4 * QUEUE, "{}", inner.outgoing.len());
    }
}
