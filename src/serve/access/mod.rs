//! The access log: one line a request, written in batches, that no request can forge.

mod line;

use std::cell::{Cell, RefCell};
use std::future::{Future as _, poll_fn};
use std::io::Write;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use http::{Method, StatusCode, Uri, Version};

use super::reactor::{Handle, Peer};
use super::request_id::RequestId;

pub use line::{Format, Line, Stamp};

/// After this long the log looks at the clock of the machine again, which may have been set.
const CLOCK: Duration = Duration::from_secs(1);
/// The status that stands for a client that went before there was one (as nginx has it).
const CLIENT_GONE: u16 = 499;

/// Under load, lines wait so long for others: writing each by itself would cost a request a system call.
const GATHER: Duration = Duration::from_millis(20);
/// Bytes that wait for nothing.
const FULL: usize = 64 * 1024;

/// Lines on their way to the log.
pub struct AccessLog {
    format: Format,
    lines: RefCell<Vec<u8>>,
    stamp: RefCell<Stamp>,
    writer: RefCell<Option<Waker>>,
    clock: Cell<(Instant, SystemTime)>,
    sink: RefCell<Box<dyn Write>>,
}

impl AccessLog {
    /// A log to `sink`. A line that comes alone is written at once, at the end of the reactor's batch in
    /// which it came up; lines that follow one another closely are written together. An error of the sink
    /// loses them, and nothing else.
    pub fn start(handle: &Handle, format: Format, sink: impl Write + 'static) -> Rc<Self> {
        let log = Rc::new(Self {
            format,
            lines: RefCell::default(),
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
                log.flush();
                pause.reset(inner.now() + GATHER);
            }
            Poll::Pending
        }));
        log
    }

    /// Writes what waits.
    pub fn flush(&self) {
        let mut lines = self.lines.borrow_mut();
        if lines.is_empty() {
            return;
        }
        let mut sink = self.sink.borrow_mut();
        let _ = sink.write_all(&lines).and_then(|()| sink.flush());
        lines.clear();
    }

    pub(super) fn write(&self, line: &Line<'_>) {
        let mut lines = self.lines.borrow_mut();
        let before = lines.len();
        line.append(self.format, &mut self.stamp.borrow_mut(), &mut lines);
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
}

impl Drop for Entry {
    fn drop(&mut self) {
        let now = Instant::now();
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
        });
    }
}
