//! The access log: one line a request, written in batches, that no request can forge.

mod connection;
mod line;

use std::cell::{Cell, RefCell};
use std::future::{Future as _, poll_fn};
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use http::{Method, StatusCode, Uri, Version};

use super::reactor::{Handle, Peer};
use super::request_id::RequestId;

pub(super) use connection::ConnectionEntry;
pub use line::{Format, Line, Stamp};

/// After this long the log looks at the clock of the machine again, which may have been set.
const CLOCK: Duration = Duration::from_secs(1);
/// The status that stands for a client that went before there was one (as nginx has it).
const CLIENT_GONE: u16 = 499;

/// Under load, lines wait so long for others: writing each by itself would cost a request a system call.
const GATHER: Duration = Duration::from_millis(20);
/// Bytes that wait for nothing.
const FULL: usize = 64 * 1024;
/// Bytes that wait for a sink that takes none; lines beyond them are lost.
const MOST: usize = 1024 * 1024;
/// Time after which such a sink is tried again: somebody reads a pipe that took something just now.
const SOON: Duration = Duration::from_millis(2);
/// Time between two tries of one that has taken nothing for long.
const SELDOM: Duration = Duration::from_millis(100);
/// Time that it has, in all, when the log ends.
const LAST: Duration = Duration::from_millis(500);

/// What a log tells, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telling {
    /// The form of its lines.
    pub format: Format,
    /// Whether every request has a line.
    pub requests: bool,
    /// Requests whose response takes longer than this to begin have one that says so.
    pub slow: Option<Duration>,
    /// Whether the life of connections is told.
    pub connections: bool,
}

impl From<Format> for Telling {
    /// Every request, and nothing else.
    fn from(format: Format) -> Self {
        Self {
            format,
            requests: true,
            slow: None,
            connections: false,
        }
    }
}

/// Lines on their way to the log.
pub struct AccessLog {
    telling: Telling,
    /// Connections that were told of.
    connections: Cell<u64>,
    lines: RefCell<Vec<u8>>,
    lost: Cell<u64>,
    stamp: RefCell<Stamp>,
    writer: RefCell<Option<Waker>>,
    clock: Cell<(Instant, SystemTime)>,
    sink: RefCell<Box<dyn Write>>,
    /// What is left of [`LAST`].
    last: Cell<Duration>,
}

/// What a try to write came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Try {
    /// Nothing waits any more.
    Through,
    /// The sink took a part.
    Part,
    /// It took nothing.
    Nothing,
}

/// When the sink is tried next, by what the tries before came to.
#[derive(Debug, Default)]
struct Pace(Duration);

impl Pace {
    fn after(&mut self, tried: Try) -> Duration {
        self.0 = match tried {
            Try::Through => Duration::ZERO,
            Try::Part => SOON,
            Try::Nothing => (self.0 * 2).clamp(SOON, SELDOM),
        };
        if tried == Try::Through {
            GATHER
        } else {
            self.0
        }
    }
}

impl AccessLog {
    /// A log to `sink`. A line that comes alone is written at once, at the end of the reactor's batch in
    /// which it came up; lines that follow one another closely are written together. An error of the sink
    /// loses them, and nothing else; where it takes nothing for now they wait, up to a limit.
    pub fn start(
        handle: &Handle,
        telling: impl Into<Telling>,
        sink: impl Write + 'static,
    ) -> Rc<Self> {
        let log = Rc::new(Self {
            telling: telling.into(),
            connections: Cell::new(0),
            lines: RefCell::default(),
            lost: Cell::new(0),
            stamp: RefCell::default(),
            writer: RefCell::default(),
            clock: Cell::new((Instant::now(), SystemTime::now())),
            sink: RefCell::new(Box::new(sink)),
            last: Cell::new(LAST),
        });
        let kept = Rc::downgrade(&log);
        let mut pause = handle.sleep_until(handle.now());
        let mut pace = Pace::default();
        let inner = handle.clone();
        handle.spawn(poll_fn(move |cx| {
            let Some(log) = kept.upgrade() else {
                return Poll::Ready(());
            };
            *log.writer.borrow_mut() = Some(cx.waker().clone());
            let waiting = log.lines.borrow().len();
            if waiting >= FULL || (waiting > 0 && pin!(&mut pause).poll(cx).is_ready()) {
                let tried = log.write_out();
                pause.reset(inner.now() + pace.after(tried));
                if tried != Try::Through {
                    // Nobody else would wake this.
                    let _ = pin!(&mut pause).poll(cx);
                }
            }
            Poll::Pending
        }));
        log
    }

    /// Writes what waits, and gives the sink a little time to take it. What was waited before counts: a log
    /// that is flushed twice holds its end up once.
    pub fn flush(&self) {
        while self.write_out() != Try::Through && !self.last.get().is_zero() {
            std::thread::sleep(GATHER);
            self.last.set(self.last.get().saturating_sub(GATHER));
        }
    }

    /// Writes what the sink takes.
    fn write_out(&self) -> Try {
        let mut lines = self.lines.borrow_mut();
        let mut sink = self.sink.borrow_mut();
        let mut written = 0;
        while written < lines.len() {
            match sink.write(&lines[written..]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Nobody is left to be told.
                Ok(0) | Err(_) => written = lines.len(),
                Ok(count) => written += count,
            }
            let lost = if written == lines.len() {
                self.lost.take()
            } else {
                0
            };
            if lost > 0 {
                let now = self.time(Instant::now());
                let stamp = &mut self.stamp.borrow_mut();
                line::append_lost(self.telling.format, stamp, now, lost, &mut lines);
            }
        }
        let _ = sink.flush();
        lines.drain(..written);
        match (lines.is_empty(), written) {
            (true, _) => Try::Through,
            (false, 0) => Try::Nothing,
            (false, _) => Try::Part,
        }
    }

    pub(super) fn write(&self, line: &Line<'_>) {
        if self.telling.requests || line.slow {
            self.add(|stamp, lines| line.append(self.telling.format, stamp, lines));
        }
    }

    /// Whether it has lines of requests.
    pub(super) fn tells_requests(&self) -> bool {
        self.telling.requests || self.telling.slow.is_some()
    }

    fn add(&self, append: impl FnOnce(&mut Stamp, &mut Vec<u8>)) {
        let mut lines = self.lines.borrow_mut();
        let before = lines.len();
        if before >= MOST {
            self.lost.set(self.lost.get() + 1);
            return;
        }
        append(&mut self.stamp.borrow_mut(), &mut lines);
        let due = before == 0 || (before < FULL && lines.len() >= FULL);
        drop(lines);
        let writer = self.writer.borrow();
        if let Some(writer) = writer.as_ref().filter(|_| due) {
            writer.wake_by_ref();
        }
    }

    /// The machine's time at this instant.
    pub(super) fn time(&self, now: Instant) -> SystemTime {
        let (instant, time) = self.clock.get();
        let since = now.saturating_duration_since(instant);
        if since < CLOCK {
            return time + since;
        }
        let time = SystemTime::now();
        self.clock.set((now, time));
        time
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.flush();
        // The writing task holds no reference: it ends when it is woken.
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }
}

/// A request whose line is written when this is dropped.
pub(super) struct Entry {
    pub(super) log: Rc<AccessLog>,
    pub(super) started: Instant,
    pub(super) method: Method,
    pub(super) target: Uri,
    pub(super) version: Version,
    pub(super) id: RequestId,
    pub(super) peer: Peer,
    pub(super) client: Option<SocketAddr>,
    pub(super) status: Cell<Option<StatusCode>>,
    pub(super) bytes: Cell<u64>,
    /// When its response began, if it was not whole then.
    pub(super) began: Cell<Option<Instant>>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let now = Instant::now();
        // What is streamed takes its time; what counts is when it began.
        let waited = self.began.get().unwrap_or(now);
        let waited = waited.saturating_duration_since(self.started);
        self.log.write(&Line {
            time: self.log.time(now),
            method: self.method.as_str(),
            path: self.target.path(),
            version: self.version,
            status: self
                .status
                .get()
                .map_or(CLIENT_GONE, |status| status.as_u16()),
            bytes: self.bytes.get(),
            duration: now.saturating_duration_since(self.started),
            id: self.id.as_str(),
            peer: self.peer,
            client: self.client,
            refusal: None,
            slow: self.log.telling.slow.is_some_and(|limit| waited > limit),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::serve::reactor::Reactor;

    /// Takes nothing until it is opened.
    #[derive(Clone, Default)]
    struct Gate(Rc<RefCell<(bool, Vec<u8>)>>, Rc<Cell<usize>>);

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.set(self.1.get() + 1);
            let (open, taken) = &mut *self.0.borrow_mut();
            if !*open {
                return Err(ErrorKind::WouldBlock.into());
            }
            taken.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A pipe whose reader empties it between two tries.
    #[derive(Clone, Default)]
    struct Emptied(Rc<RefCell<Vec<u8>>>, bool);

    impl Write for Emptied {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if !self.1 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let count = bytes.len().min(FULL);
            self.0.borrow_mut().extend(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.1 = false;
            Ok(())
        }
    }

    #[test]
    fn a_sink_that_is_read_loses_nothing() {
        let mut reactor = Reactor::new().unwrap();
        let sink = Emptied::default();
        let log = AccessLog::start(&reactor.handle(), Format::Text, sink.clone());
        let line = [[b'x'; 1023].as_slice(), b"\n"].concat();
        // Soon more waits than one write takes, so that no line wakes the writer.
        let added = |turn| if turn == 0 { 256 } else { 60 };
        for turn in 0..300 {
            for _ in 0..added(turn) {
                log.add(|_, lines| lines.extend(&line));
            }
            // The next try is due before this ends.
            reactor.turn(Some(5 * SOON)).unwrap();
        }
        log.flush();
        let whole = line.repeat((0..300).map(added).sum());
        assert!(*sink.0.borrow() == whole, "lines are lost");
    }

    #[test]
    fn a_sink_that_takes_nothing_is_tried_less_and_less_often() {
        let mut pace = Pace::default();
        assert_eq!(pace.after(Try::Through), GATHER);
        assert_eq!(pace.after(Try::Part), SOON);
        let mut before = SOON;
        while before < SELDOM {
            let next = pace.after(Try::Nothing);
            assert!(next > before);
            before = next;
        }
        assert_eq!(pace.after(Try::Nothing), SELDOM);
        assert_eq!(pace.after(Try::Part), SOON);
    }

    #[test]
    fn the_end_of_a_log_waits_once() {
        let reactor = Reactor::new().unwrap();
        let gate = Gate::default();
        let log = AccessLog::start(&reactor.handle(), Format::Text, gate.clone());
        log.add(|_, lines| lines.extend(b"line\n"));
        log.flush();
        let tries = gate.1.get();
        assert!(tries > 1);
        drop(log);
        assert_eq!(gate.1.get(), tries + 1);
    }

    #[test]
    fn lines_wait_for_a_sink_that_is_full_up_to_a_limit() {
        let reactor = Reactor::new().unwrap();
        let gate = Gate::default();
        let log = AccessLog::start(&reactor.handle(), Format::Text, gate.clone());
        let line = [[b'x'; 1023].as_slice(), b"\n"].concat();
        for _ in 0..1026 {
            log.add(|_, lines| lines.extend(&line));
        }
        assert_eq!(log.write_out(), Try::Nothing);
        gate.0.borrow_mut().0 = true;
        log.flush();
        let taken = &gate.0.borrow().1;
        assert_eq!(taken[..MOST], line.repeat(1024));
        let told = String::from_utf8_lossy(&taken[MOST..]).into_owned();
        assert!(
            told.ends_with(
                " 2 lines of the access log were lost: too much of it waited to be read\n"
            ),
            "{told}"
        );
    }
}
