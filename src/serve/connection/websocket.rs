//! A connection, or a stream of HTTP/2, that has become a WebSocket.

use std::future::poll_fn;
use std::io;
use std::ops::Deref;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use hyper::rt::{Read as _, ReadBuf, Write as _};
use hyper::upgrade::{OnUpgrade, Upgraded};

use super::Worker;
use super::closing::close_after;
use super::gate::Gate;
use super::service::End;
use super::transport::Transport;
use super::watch::Watch;
use crate::serve::websocket::{Channel, Close, Decoder};

/// Receive calls of one poll; then other connections have their turn.
const RECEIVES: u32 = 16;

/// The connection's hold on a channel. Let go of, wherever that is, the application hears of the end: a
/// client can leave between the handshake's answer and the first frame.
pub(super) struct Hold(Rc<Channel>);

impl Deref for Hold {
    type Target = Channel;

    fn deref(&self) -> &Channel {
        &self.0
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.lose();
    }
}

/// A WebSocket that asks to be accepted.
pub(super) struct Switch {
    channel: Hold,
    /// The stream that it becomes; over HTTP/1 it is the connection.
    on_upgrade: Option<OnUpgrade>,
}

impl Switch {
    pub(super) fn new(channel: Rc<Channel>, on_upgrade: Option<OnUpgrade>) -> Self {
        Self {
            channel: Hold(channel),
            on_upgrade,
        }
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.channel.is_accepted()
    }

    /// Hands an accepted WebSocket to what carries it.
    pub(super) fn start(self, worker: &Rc<Worker>, end: End) {
        let session = Session {
            channel: self.channel,
            end,
        };
        if let Some(upgrade) = self.on_upgrade {
            let stream = serve_stream(Rc::clone(worker), upgrade, session);
            worker.handle.spawn(stream);
        } else {
            let traffic = Rc::clone(&session.end.traffic);
            traffic.switch(session);
        }
    }
}

/// An accepted WebSocket that waits for its connection.
pub(super) struct Session {
    channel: Hold,
    /// The request whose answer it is: over when the WebSocket is.
    pub(super) end: End,
}

/// What carries frames.
trait Wire {
    fn poll_receive(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl Wire for Transport {
    fn poll_receive(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Self::poll_receive(self, cx, buffer)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Self::poll_send(self, cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::poll_flush(self, cx)
    }
}

/// A stream of HTTP/2.
impl Wire for Upgraded {
    fn poll_receive(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(self).poll_read(cx, buffer.unfilled()))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self).poll_write(cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self).poll_flush(cx)
    }
}

/// How the connection's part ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Everything was said: what is sent reaches the client, then it is closed.
    Closed,
    /// The client is gone.
    Gone,
    /// The client takes or says nothing.
    Silent,
}

/// Serves a connection that was one of HTTP/1.1, to its end.
pub(super) async fn serve(worker: &Rc<Worker>, gate: Gate, early: &[u8], session: Session) {
    let (mut transport, scratch, held) = gate.into_parts();
    let early = [early, &held].concat();
    let ending = Driver::run(worker, &mut transport, &session, early).await;
    match ending {
        Ending::Closed => {
            let patience = worker.settings.write_timeout;
            close_after(&worker.handle, patience, transport, scratch, &[], true).await;
        }
        Ending::Gone => {}
        Ending::Silent => transport.reset_on_close(),
    }
}

/// Serves a stream of HTTP/2, to its end.
pub(super) async fn serve_stream(worker: Rc<Worker>, upgrade: OnUpgrade, session: Session) {
    let Ok(mut stream) = upgrade.await else {
        return;
    };
    let key = worker.sessions.borrow_mut().insert(None);
    poll_fn(|cx| {
        if let Some(waker) = worker.sessions.borrow_mut().get_mut(key) {
            *waker = Some(cx.waker().clone());
        }
        Poll::Ready(())
    })
    .await;
    let ending = Driver::run(&worker, &mut stream, &session, Vec::new()).await;
    worker.sessions.borrow_mut().try_remove(key);
    if ending == Ending::Silent {
        // A stream alone can not be reset from here.
        session.end.traffic.stall();
    }
    // Dropped, the stream ends behind what is sent.
}

/// Carries bytes between a wire and a channel.
struct Driver<'a, W> {
    worker: &'a Worker,
    wire: &'a mut W,
    channel: &'a Channel,
    end: &'a End,
    decoder: Decoder,
    /// Received, with no room yet for what comes of it; from `at` on.
    rest: Vec<u8>,
    at: usize,
    told_of_drain: bool,
    /// Since when the client takes nothing.
    blocked: Option<Instant>,
    /// When it was last heard, or nobody listened.
    heard: Instant,
    /// It was asked for a sign of life since.
    asked: bool,
    /// Since when its close frame is waited for.
    closing: Option<Instant>,
    watch: Watch,
}

impl<'a, W: Wire> Driver<'a, W> {
    /// Runs to the end of the WebSocket.
    async fn run(
        worker: &'a Worker,
        wire: &'a mut W,
        session: &'a Session,
        rest: Vec<u8>,
    ) -> Ending {
        let mut driver = Self {
            worker,
            wire,
            channel: &session.channel,
            end: &session.end,
            decoder: session
                .channel
                .decoder(worker.settings.websocket.max_message_size),
            rest,
            at: 0,
            told_of_drain: false,
            blocked: None,
            heard: worker.handle.now(),
            asked: false,
            closing: None,
            watch: Watch::default(),
        };
        let ending = poll_fn(|cx| driver.poll(cx)).await;
        // Its last bytes may take their time.
        session.channel.lose();
        ending
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        self.channel.attend(cx.waker());
        let ended = self.advance(cx);
        self.channel.rest();
        ended
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        if self.worker.is_draining() && !std::mem::replace(&mut self.told_of_drain, true) {
            self.channel.close(Close::new(self.worker.farewell()));
        }
        for round in 0.. {
            let paused = !self.channel.takes();
            let received = match self.poll_input(cx) {
                Poll::Ready(Ok(true)) => true,
                Poll::Ready(Ok(false) | Err(_)) => return Poll::Ready(Ending::Gone),
                Poll::Pending => false,
            };
            // Here the application goes on, with no step between: it may send.
            self.channel.deliver();
            if let Poll::Ready(Err(_)) = self.poll_output(cx) {
                return Poll::Ready(Ending::Gone);
            }
            if self.channel.is_over() && self.blocked.is_none() {
                return Poll::Ready(Ending::Closed);
            }
            self.channel.deliver();
            // Either side may have made room for the other.
            let output = self.channel.has_output() && self.blocked.is_none();
            let input = received || (paused && self.channel.takes());
            if !input && !output {
                break;
            }
            if round >= RECEIVES {
                cx.waker().wake_by_ref();
                break;
            }
        }
        self.poll_deadline(cx)
    }

    /// Receives once and decodes it; false at the end of the client's bytes.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if !self.channel.takes() {
            // It is not the client's fault that nobody listens.
            self.heard = self.worker.handle.now();
            return Poll::Pending;
        }
        if self.at < self.rest.len() {
            self.at += self
                .channel
                .receive(&mut self.decoder, &mut self.rest[self.at..]);
            if self.at == self.rest.len() {
                self.rest = Vec::new();
                self.at = 0;
            }
            return Poll::Ready(Ok(true));
        }
        let mut scratch = self.worker.scratch.borrow_mut();
        let count = ready!(self.wire.poll_receive(cx, &mut scratch))?;
        if count == 0 {
            return Poll::Ready(Ok(false));
        }
        self.heard = self.worker.handle.now();
        self.asked = false;
        let bytes = &mut scratch[..count];
        let taken = self.channel.receive(&mut self.decoder, bytes);
        self.rest.extend_from_slice(&bytes[taken..]);
        Poll::Ready(Ok(true))
    }

    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.channel.has_output() && self.blocked.is_none() {
            return Poll::Ready(Ok(()));
        }
        let (wire, end) = (&mut *self.wire, self.end);
        let mut moved = false;
        let mut sent = self.channel.flush(|bytes| {
            let sent = wire.poll_send(cx, bytes);
            if let Poll::Ready(Ok(count)) = sent {
                end.count(count);
                moved = true;
            }
            sent
        });
        if let Poll::Ready(Ok(())) = sent {
            sent = wire.poll_flush(cx);
        }
        match sent {
            Poll::Ready(_) => self.blocked = None,
            Poll::Pending if moved || self.blocked.is_none() => {
                self.blocked = Some(self.worker.handle.now());
            }
            Poll::Pending => {}
        }
        sent
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        let now = self.worker.handle.now();
        let settings = &self.worker.settings;
        let mut next = None;
        if let Some(blocked) = self.blocked {
            let deadline = blocked + settings.write_timeout;
            if deadline <= now {
                return Poll::Ready(Ending::Silent);
            }
            next = Some(deadline);
        }
        if self.channel.waits_for_close() {
            let since = *self.closing.get_or_insert(now);
            let deadline = since + settings.websocket.close_timeout;
            if deadline <= now && !self.channel.enforce() {
                return Poll::Ready(Ending::Closed);
            }
            if self.channel.has_output() && self.blocked.is_none() {
                cx.waker().wake_by_ref();
            }
            next = earlier(next, deadline);
        } else if self.channel.takes() {
            let mut deadline = self.heard + settings.websocket.ping_interval;
            if deadline <= now {
                if std::mem::replace(&mut self.asked, true) {
                    return Poll::Ready(Ending::Silent);
                }
                self.channel.ping();
                self.heard = now;
                deadline = now + settings.websocket.ping_interval;
                cx.waker().wake_by_ref();
            }
            next = earlier(next, deadline);
        }
        if let Some(deadline) = next {
            self.watch.set(&self.worker.handle, deadline, cx);
        }
        Poll::Pending
    }
}

fn earlier(one: Option<Instant>, other: Instant) -> Option<Instant> {
    Some(one.map_or(other, |one| one.min(other)))
}
