//! Signals of the supervisor, as bytes in pipes that its poll waits for.

use std::io::{self, PipeReader, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use nix::sys::signal::{SigSet, Signal};
use signal_hook::SigId;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::low_level::{pipe, unregister};

use super::terminal::{Hangup, Terminal};

/// What came since the last look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Received {
    /// Whether the server was told to stop.
    pub(super) stop: bool,
    /// Whether it was told to reload.
    pub(super) reload: bool,
}

/// The handlers, in force until this is dropped.
pub(super) struct Signals {
    stop: PipeReader,
    reload: PipeReader,
    hangup: PipeReader,
    child: PipeReader,
    handlers: Vec<SigId>,
    terminal: Terminal,
}

impl Signals {
    pub(super) fn install() -> io::Result<Self> {
        // Whether SIGHUP is ignored is known only before it is handled.
        let terminal = Terminal::look();
        let mut handlers = Vec::new();
        let mut channel = |signals: &[i32]| -> io::Result<PipeReader> {
            let (reader, writer) = io::pipe()?;
            rustix::io::ioctl_fionbio(&reader, true)?;
            for signal in signals {
                handlers.push(pipe::register_raw(*signal, writer.try_clone()?.into())?);
            }
            Ok(reader)
        };
        Ok(Self {
            stop: channel(&[SIGTERM, SIGINT])?,
            reload: channel(&[SIGUSR1])?,
            hangup: channel(&[SIGHUP])?,
            child: channel(&[SIGCHLD])?,
            handlers,
            terminal,
        })
    }

    /// What to wait for.
    pub(super) fn descriptors(&self) -> [BorrowedFd<'_>; 4] {
        [&self.stop, &self.reload, &self.hangup, &self.child].map(AsFd::as_fd)
    }

    /// What has come, to be asked about once a second.
    pub(super) fn receive(&mut self, now: Instant) -> Received {
        let mut stop = came(&self.stop);
        let mut reload = came(&self.reload);
        match self.terminal.hangup(came(&self.hangup), now) {
            Hangup::None => {}
            Hangup::Asked => reload = true,
            Hangup::Closed => stop = true,
        }
        // It has done its work: the supervisor looks after its children whenever it wakes.
        came(&self.child);
        Received { stop, reload }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for handler in self.handlers.drain(..) {
            unregister(handler);
        }
    }
}

fn came(mut pipe: &PipeReader) -> bool {
    let mut bytes = [0; 64];
    let mut any = false;
    while let Ok(1..) = pipe.read(&mut bytes) {
        any = true;
    }
    any
}

/// Runs `start` with the signals blocked that a worker handles: a child inherits that, so that none
/// can end it before its own handlers stand.
pub(super) fn blocked<T>(start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let set = SigSet::from_iter([
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
    ]);
    let before = set.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK)?;
    let started = start();
    before.thread_set_mask()?;
    started
}

/// What a supervisor is told by signals.
const HEARD: [Signal; 4] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGHUP,
    Signal::SIGUSR1,
];

/// Keeps signals from this thread until a supervisor's handlers stand in it.
///
/// # Errors
/// Where the system refuses a mask.
pub fn hold() -> io::Result<()> {
    Ok(SigSet::from_iter(HEARD).thread_block()?)
}

/// Lets them through again, whoever has blocked them: a parent can have, too.
pub(super) fn release() -> io::Result<()> {
    Ok(SigSet::from_iter(HEARD).thread_unblock()?)
}
