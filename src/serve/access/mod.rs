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
/// Time between two tries of such a sink.
const PAUSE: Duration = Duration::from_millis(100);
/// Time that it has when the log ends.
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
        });
        let kept = Rc::downgrade(&log);
        let mut pause = handle.sleep_until(handle.now());
        let inner = handle.clone();
        handle.spawn(poll_fn(move |cx| {
            let Some(log) = kept.upgrade() else {
                return Poll::Ready(());
            };
            *log.writer.borrow_mut() = Some(cx.waker().clone());
            let waiting = log.lines.borrow().len();
            if waiting >= FULL || (waiting > 0 && pin!(&mut pause).poll(cx).is_ready()) {
                let through = log.write_out();
                pause.reset(inner.now() + if through { GATHER } else { PAUSE });
                if !through {
                    // Nobody else would wake this.
                    let _ = pin!(&mut pause).poll(cx);
                }
            }
            Poll::Pending
        }));
        log
    }

    /// Writes what waits, and gives the sink a little time to take it.
    pub fn flush(&self) {
        let deadline = Instant::now() + LAST;
        while !self.write_out() && Instant::now() < deadline {
            std::thread::sleep(GATHER);
        }
    }

    /// Writes what the sink takes; whether that was all.
    fn write_out(&self) -> bool {
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
        lines.is_empty()
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
    struct Gate(Rc<RefCell<(bool, Vec<u8>)>>);

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
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

    #[test]
    fn lines_wait_for_a_sink_that_is_full_up_to_a_limit() {
        let reactor = Reactor::new().unwrap();
        let gate = Gate::default();
        let log = AccessLog::start(&reactor.handle(), Format::Text, gate.clone());
        let line = [[b'x'; 1023].as_slice(), b"\n"].concat();
        for _ in 0..1026 {
            log.add(|_, lines| lines.extend(&line));
        }
        assert!(!log.write_out());
        gate.0.borrow_mut().0 = true;
        log.flush();
        let taken = &gate.0.borrow().1;
        assert_eq!(taken[..MOST], line.repeat(1024));
        let told = String::from_utf8_lossy(&taken[MOST..]).into_owned();
        assert!(
            told.ends_with(" 2 lines of the access log were lost: nobody read it\n"),
            "{told}"
        );
    }
}
