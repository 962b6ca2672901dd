//! How a server and its workers end.

use std::fmt;
use std::io;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use rustix::process::WaitStatus;

use super::sockets::ListenError;

/// A server that ended as it was told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// After its requests, or when the time for that was over.
    Stopped,
    /// At once, by a second signal.
    Forced,
}

/// A server that did not come up, or could not go on.
#[derive(Debug)]
pub enum Failure {
    /// A socket could not be opened.
    Listen(ListenError),
    /// The file for the process id could not be written.
    PidFile(PathBuf, io::Error),
    /// The interpreter could not be started.
    Spawn(PathBuf, io::Error),
    /// A worker of the first generation ended before it served.
    NotUp {
        /// Its slot.
        slot: usize,
        /// What it said, else how it ended.
        why: String,
        /// Its exit code, where it had one.
        code: Option<i32>,
    },
    /// A worker's replacements crash again and again.
    CrashLoop {
        /// Their slot.
        slot: usize,
        /// Crashes in a row.
        times: usize,
        /// How the last one ended.
        why: String,
    },
    /// The system refused something else.
    System(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(error) => error.fmt(f),
            Self::PidFile(path, error) => {
                write!(
                    f,
                    "the pid file {} cannot be written: {error}",
                    path.display()
                )
            }
            Self::Spawn(program, error) => {
                write!(f, "{} cannot be started: {error}", program.display())
            }
            Self::NotUp { slot, why, .. } => write!(f, "worker {slot} did not come up: {why}"),
            Self::CrashLoop { slot, times, why } => write!(
                f,
                "worker {slot} crashed {times} times in a row, the last time: {why}; the server ends"
            ),
            Self::System(error) => write!(f, "the system refused: {error}"),
        }
    }
}

impl std::error::Error for Failure {}

/// `ended with exit code 3`, `was ended by SIGKILL`.
pub(super) fn describe(status: Option<WaitStatus>) -> String {
    let Some(status) = status else {
        return "is running".to_owned();
    };
    if let Some(signal) = status.terminating_signal() {
        return match Signal::try_from(signal) {
            Ok(Signal::SIGKILL) => {
                "was ended by SIGKILL, as the system does when memory runs out".to_owned()
            }
            Ok(known) => format!("was ended by {known}"),
            Err(_) => format!("was ended by signal {signal}"),
        };
    }
    match status.exit_status() {
        Some(0) => "ended by itself".to_owned(),
        Some(code) => format!("ended with exit code {code}"),
        None => "ended".to_owned(),
    }
}
