//! What the parts of one connection know of each other: how far it is, and what it waits for.

use std::cell::{Cell, RefCell, RefMut};
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

use http::HeaderValue;

use super::websocket::Session;
use crate::serve::exchange::Exchange;
use crate::serve::http::refusal::Refusal;
use crate::serve::http::scanner::Place;
use crate::serve::reactor::Handle;
use crate::serve::settings::Settings;

/// Receive calls of one poll; then other connections have their turn.
const RECEIVES: u32 = 16;

/// Requests of a connection that the client has given up while the application is still at them. A client
/// that resets streams as fast as it opens them could start any number (rapid reset).
const ABANDONED: usize = 128;

/// Shared by the gate, the service, the response bodies and the future of one connection.
pub(super) struct Traffic {
    handle: Handle,
    /// Requests that have passed the gate, and those whose response is with hyper to its end.
    asked: Cell<u64>,
    answered: Cell<u64>,
    /// hyper has nothing left to write.
    flushed: Cell<bool>,
    /// An interim response, to be written before whatever hyper writes next.
    interim: RefCell<Vec<u8>>,
    place: Cell<Place>,
    /// When the place changed or a response ended, whichever was later.
    since: Cell<Instant>,
    /// Since when the client takes nothing.
    blocked: Cell<Option<Instant>>,
    /// The next head may not pass.
    refused_head: Cell<Option<Refusal>>,
    /// The body of the last request may not pass any further.
    refused_body: Cell<Option<Refusal>>,
    /// The last request asked for another protocol, and was answered in HTTP.
    stays: Cell<bool>,
    cut: Cell<bool>,
    /// The answer to the last request over HTTP/1 was to leave HTTP.
    session: RefCell<Option<Session>>,
    /// A stream that left HTTP takes nothing.
    stalled: Cell<bool>,
    receives: Cell<u32>,
    /// Live streams, over HTTP/2.
    streams: RefCell<Vec<Weak<Exchange>>>,
    /// How many there are when they are counted next.
    count_at: Cell<usize>,
    /// The client gives up too many.
    floods: Cell<bool>,
    /// When they are looked at next.
    look: Cell<Instant>,
}

/// Which limit a connection has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expired {
    /// A request head is not complete.
    Head,
    /// There is no request.
    Idle,
    /// A response is not taken.
    Write,
}

impl Traffic {
    pub(super) fn new(handle: Handle) -> Rc<Self> {
        let now = handle.now();
        Rc::new(Self {
            handle,
            asked: Cell::new(0),
            answered: Cell::new(0),
            flushed: Cell::new(true),
            interim: RefCell::default(),
            place: Cell::new(Place::Between),
            since: Cell::new(now),
            blocked: Cell::new(None),
            refused_head: Cell::new(None),
            refused_body: Cell::new(None),
            stays: Cell::new(false),
            cut: Cell::new(false),
            session: RefCell::default(),
            stalled: Cell::new(false),
            receives: Cell::new(RECEIVES),
            look: Cell::new(now),
            streams: RefCell::default(),
            count_at: Cell::new(2 * ABANDONED),
            floods: Cell::new(false),
        })
    }

    pub(super) fn now(&self) -> Instant {
        self.handle.now()
    }

    /// A poll of the connection begins.
    pub(super) fn renew_budget(&self) {
        self.receives.set(RECEIVES);
    }

    /// Takes one receive call from the budget; false when it is used up.
    pub(super) fn may_receive(&self) -> bool {
        let left = self.receives.get();
        self.receives.set(left.saturating_sub(1));
        left > 0
    }

    /// How far the gate is.
    pub(super) fn at(&self, asked: u64, place: Place) {
        self.asked.set(asked);
        if self.place.replace(place) != place {
            self.since.set(self.now());
        }
    }

    /// A request of a protocol that the gate does not follow.
    pub(super) fn ask(&self, exchange: &Rc<Exchange>) {
        self.asked.set(self.asked.get() + 1);
        let mut streams = self.streams.borrow_mut();
        if streams.len() >= self.count_at.get() {
            streams.retain(|stream| stream.strong_count() > 0);
            self.count_at.set(2 * ABANDONED.max(streams.len()));
            let live = streams.iter().filter_map(Weak::upgrade);
            let abandoned = live.filter(|stream| stream.is_abandoned()).count();
            self.floods.set(abandoned >= ABANDONED);
        }
        streams.push(Rc::downgrade(exchange));
    }

    /// Whether the client gives up more requests than the application can end.
    pub(super) fn is_flooded(&self) -> bool {
        self.floods.get()
    }

    pub(super) fn asked(&self) -> u64 {
        self.asked.get()
    }

    pub(super) fn answered(&self) -> u64 {
        self.answered.get()
    }

    pub(super) fn unanswered(&self) -> u64 {
        self.asked.get() - self.answered.get()
    }

    /// A response is with hyper to its end, or will never be.
    pub(super) fn answer(&self) {
        self.answered.set(self.answered.get() + 1);
        self.flushed.set(false);
        self.since.set(self.now());
    }

    /// A connection of streams has sent something: it is not idle while an answer is on its way.
    pub(super) fn progress(&self) {
        self.since.set(self.now());
    }

    /// hyper was given something to write.
    pub(super) fn fill(&self) {
        self.flushed.set(false);
    }

    /// hyper has written everything.
    pub(super) fn flush(&self) {
        self.flushed.set(true);
    }

    pub(super) fn is_flushed(&self) -> bool {
        self.flushed.get()
    }

    /// Has the links of a response to come sent ahead of it (103 Early Hints), unless something else is half
    /// written: then the hint is not worth waiting for.
    pub(super) fn interject(&self, links: &[HeaderValue]) {
        if links.is_empty() || !self.flushed.get() {
            return;
        }
        let mut interim = self.interim.borrow_mut();
        interim.extend_from_slice(b"HTTP/1.1 103 Early Hints\r\n");
        for link in links {
            interim.extend_from_slice(b"link: ");
            interim.extend_from_slice(link.as_bytes());
            interim.extend_from_slice(b"\r\n");
        }
        interim.extend_from_slice(b"\r\n");
    }

    /// What is to be written before anything else.
    pub(super) fn interim(&self) -> RefMut<'_, Vec<u8>> {
        self.interim.borrow_mut()
    }

    /// A response is cut off.
    pub(super) fn cut(&self) {
        self.cut.set(true);
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.get()
    }

    /// The connection becomes a WebSocket, once the answer is written.
    pub(super) fn switch(&self, session: Session) {
        self.session.replace(Some(session));
    }

    pub(super) fn take_session(&self) -> Option<Session> {
        self.session.take()
    }

    /// Has a connection of streams end for the sake of one.
    pub(super) fn stall(&self) {
        self.stalled.set(true);
        self.look.set(self.now());
    }

    /// Whether every request is answered and every answer is written.
    pub(super) fn is_quiet(&self) -> bool {
        self.unanswered() == 0 && self.flushed.get()
    }

    /// Whether nothing is under way, not even the beginning of a request.
    pub(super) fn is_idle(&self) -> bool {
        self.is_quiet() && self.place.get() == Place::Between
    }

    /// Whether the gate can go on behind a request that asked for another protocol.
    pub(super) fn waits_in_vain(&self) -> bool {
        self.stays.get() && self.place.get() == Place::Held && self.is_quiet()
    }

    pub(super) fn block(&self) {
        if self.blocked.get().is_none() {
            self.blocked.set(Some(self.now()));
        }
    }

    pub(super) fn unblock(&self) {
        self.blocked.set(None);
    }

    pub(super) fn refuse_head(&self, refusal: Refusal) {
        self.refused_head.set(Some(refusal));
    }

    pub(super) fn refused_head(&self) -> Option<Refusal> {
        self.refused_head.get()
    }

    pub(super) fn refuse_body(&self, refusal: Refusal) {
        self.refused_body.set(Some(refusal));
    }

    pub(super) fn refused_body(&self) -> Option<Refusal> {
        self.refused_body.get()
    }

    /// The request behind which the gate waits was answered in HTTP.
    pub(super) fn stay(&self) {
        self.stays.set(true);
    }

    /// Whether it was, once.
    pub(super) fn take_stay(&self) -> bool {
        self.stays.take()
    }

    /// The next limit of a connection that speaks HTTP/1.
    pub(super) fn deadline(&self, settings: &Settings) -> Option<(Instant, Expired)> {
        let write = self
            .blocked
            .get()
            .map(|since| (since + settings.write_timeout, Expired::Write));
        let since = self.since.get();
        let read = match self.place.get() {
            _ if !self.is_quiet() => None,
            Place::Head => Some((since + settings.header_timeout, Expired::Head)),
            // The first request is not waited for as long as others may be.
            Place::Between if self.asked() == 0 => {
                Some((since + settings.header_timeout, Expired::Idle))
            }
            Place::Between => Some((since + settings.keep_alive_timeout, Expired::Idle)),
            Place::Body | Place::Held => None,
        };
        earlier(write, read)
    }

    /// The next limit of a connection that speaks HTTP/2.
    pub(super) fn stream_deadline(&self, settings: &Settings) -> Option<(Instant, Expired)> {
        if self.unanswered() > 0 {
            // Streams have windows of their own: whether one is stuck is looked at from time to time.
            if self.look.get() <= self.now() && !self.has_stalled_stream(settings.write_timeout) {
                self.look.set(self.now() + settings.write_timeout / 2);
            }
            return Some((self.look.get(), Expired::Write));
        }
        let limit = if self.asked() == 0 {
            settings.header_timeout
        } else {
            settings.keep_alive_timeout
        };
        let idle = Some((self.since.get() + limit, Expired::Idle));
        let write = self
            .blocked
            .get()
            .map(|since| (since + settings.write_timeout, Expired::Write));
        earlier(write, idle)
    }

    fn has_stalled_stream(&self, limit: Duration) -> bool {
        if self.stalled.get() {
            return true;
        }
        let now = self.now();
        let mut streams = self.streams.borrow_mut();
        streams.retain(|stream| stream.strong_count() > 0);
        streams
            .iter()
            .filter_map(Weak::upgrade)
            .any(|exchange| exchange.is_stalled(now, limit))
    }
}

fn earlier(
    one: Option<(Instant, Expired)>,
    other: Option<(Instant, Expired)>,
) -> Option<(Instant, Expired)> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if one.0 <= other.0 { one } else { other }),
        (one, other) => one.or(other),
    }
}
