//! The probe: imports the app in a child process of its interpreter and brings back a snapshot.
//!
//! Whatever is wrong with the user's setup, from a missing interpreter to a segfault of the app, is a
//! failure inside the snapshot. An error means that the probe itself could not do its work.

#[cfg(unix)]
mod child;
#[cfg(unix)]
mod interrupt;
mod program;
#[cfg(unix)]
mod trace;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::interpreter::Choice;
use super::snapshot::Snapshot;
use super::target::{Kind, Target};

#[cfg(unix)]
pub use interrupt::leave_signals;

/// Time limit where the command line gives none.
pub const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(30);

/// What to look at, and how.
#[derive(Debug, Clone)]
pub struct ProbeRequest {
    /// The app.
    pub target: Target,
    /// Whose command asks.
    pub kind: Kind,
    /// First folder of the module search path; also where `.venv` is looked for first.
    pub app_dir: PathBuf,
    /// Which Python.
    pub interpreter: Choice,
    /// How long importing may take; see [`DEFAULT_TIME_LIMIT`].
    pub time_limit: Duration,
    /// Configuration fields whose values are secrets.
    pub secret_fields: Vec<String>,
    /// AppConfig values below the keywords of the code, those that are not the default.
    pub base: Map<String, Json>,
    /// Variables set for the child in addition to this process's own.
    pub env: Vec<(OsString, OsString)>,
}

impl ProbeRequest {
    /// A request for a target with everything else at its default.
    #[must_use]
    pub fn new(target: Target, kind: Kind, app_dir: PathBuf) -> Self {
        Self {
            target,
            kind,
            app_dir,
            interpreter: Choice::Automatic,
            time_limit: DEFAULT_TIME_LIMIT,
            secret_fields: Vec::new(),
            base: Map::new(),
            env: Vec::new(),
        }
    }
}

/// Why the probe could not do its work.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProbeError {
    /// The folder of the app is none.
    AppDir(PathBuf, io::Error),
    /// A pipe or process could not be made.
    Process(io::Error),
    /// The answer is not the document that was expected.
    Answer(String),
    /// The probe's own Python code failed; the text is its traceback.
    Internal(String),
    /// This platform cannot probe apps.
    Platform,
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AppDir(folder, error) => {
                write!(
                    f,
                    "the app's folder {} cannot be used: {error}",
                    folder.display()
                )
            }
            Self::Process(error) => {
                write!(f, "the app's interpreter could not be watched: {error}")
            }
            Self::Answer(reason) => write!(f, "the probe's answer cannot be read: {reason}"),
            Self::Internal(traceback) => write!(
                f,
                "the probe failed itself, please report this:\n{traceback}"
            ),
            Self::Platform => write!(f, "looking at an app is not supported on this platform yet"),
        }
    }
}

impl std::error::Error for ProbeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::AppDir(_, error) | Self::Process(error) => Some(error),
            _ => None,
        }
    }
}

/// Imports the app of a request and describes it.
///
/// # Errors
/// See [`ProbeError`]; nothing about the user's app is an error.
#[cfg(unix)]
pub fn probe(request: &ProbeRequest) -> Result<Snapshot, ProbeError> {
    unix::probe(request)
}

/// Imports the app of a request and describes it.
///
/// # Errors
/// Always [`ProbeError::Platform`] here.
#[cfg(not(unix))]
pub fn probe(_request: &ProbeRequest) -> Result<Snapshot, ProbeError> {
    Err(ProbeError::Platform)
}

#[cfg(unix)]
mod unix;
