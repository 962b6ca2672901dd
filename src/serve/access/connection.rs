//! The life of a connection in the log: a line when it is accepted, and one at its end.

use std::cell::Cell;
use std::io::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use http::Version;

use super::line::{append_milliseconds, append_peer, protocol};
use super::{AccessLog, Format, Stamp};
use crate::serve::reactor::Peer;

/// A connection whose end is told when this is dropped.
pub(in crate::serve) struct ConnectionEntry {
    log: Rc<AccessLog>,
    number: u64,
    peer: Peer,
    tls: bool,
    started: Instant,
    /// None where it ended before that was known.
    pub(in crate::serve) version: Cell<Option<Version>>,
    /// Requests that it had.
    pub(in crate::serve) requests: Cell<u64>,
}

impl ConnectionEntry {
    /// Tells of a new connection; None where the log does not want to know.
    pub(in crate::serve) fn open(log: &Rc<AccessLog>, peer: Peer, tls: bool) -> Option<Self> {
        if !log.telling.connections {
            return None;
        }
        let number = log.connections.get() + 1;
        log.connections.set(number);
        let entry = Self {
            log: Rc::clone(log),
            number,
            peer,
            tls,
            started: Instant::now(),
            version: Cell::new(None),
            requests: Cell::new(0),
        };
        entry.tell(entry.started, None);
        Some(entry)
    }

    fn tell(&self, now: Instant, lasted: Option<Duration>) {
        let time = self.log.time(now);
        self.log.add(|stamp, out| {
            match self.log.telling.format {
                Format::Text => self.text(stamp, time, lasted, out),
                Format::Json => self.json(stamp, time, lasted, out),
            }
            out.push(b'\n');
        });
    }

    // Writing to memory does not fail, so the results below are nothing to look at.

    fn text(
        &self,
        stamp: &mut Stamp,
        time: SystemTime,
        lasted: Option<Duration>,
        out: &mut Vec<u8>,
    ) {
        stamp.append(time, out);
        out.push(b' ');
        append_peer(self.peer, out);
        let _ = write!(out, " connection {}", self.number);
        let Some(lasted) = lasted else {
            out.extend_from_slice(if self.tls {
                b" opened, over TLS"
            } else {
                b" opened"
            });
            return;
        };
        let requests = self.requests.get();
        let plural = if requests == 1 { "" } else { "s" };
        let _ = write!(out, " closed after {requests} request{plural}, ");
        append_milliseconds(lasted, out);
        out.extend_from_slice(b"ms");
    }

    fn json(
        &self,
        stamp: &mut Stamp,
        time: SystemTime,
        lasted: Option<Duration>,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(b"{\"timestamp\":\"");
        stamp.append(time, out);
        let event = if lasted.is_some() { "closed" } else { "opened" };
        let _ = write!(
            out,
            "\",\"level\":\"info\",\"event\":\"connection_{event}\",\"connection\":{},\"peer\":\"",
            self.number
        );
        append_peer(self.peer, out);
        let _ = write!(out, "\",\"tls\":{}", self.tls);
        if let Some(lasted) = lasted {
            if let Some(version) = self.version.get() {
                let _ = write!(out, ",\"http_version\":\"{}\"", protocol(version));
            }
            let _ = write!(
                out,
                ",\"requests\":{},\"duration_ms\":",
                self.requests.get()
            );
            append_milliseconds(lasted, out);
        }
        out.push(b'}');
    }
}

impl Drop for ConnectionEntry {
    fn drop(&mut self) {
        let now = Instant::now();
        self.tell(now, Some(now.saturating_duration_since(self.started)));
    }
}
