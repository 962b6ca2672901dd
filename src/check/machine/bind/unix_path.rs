//! Whether a Unix socket could be made at a path, and what is there already.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::process::Holder;

/// What is to be seen about the path of a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnixFacts {
    /// The path as configured.
    pub path: PathBuf,
    /// What the server would meet there.
    pub outcome: UnixOutcome,
}

/// What the server would meet at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum UnixOutcome {
    /// Nothing is there and the folder takes a new socket.
    Free,
    /// A socket file is there that nobody listens on any more.
    Stale {
        /// Owner of the file.
        uid: u32,
        /// Whether we may remove it.
        removable: bool,
    },
    /// A server answers.
    Live {
        /// Who, as far as it can be seen; empty where the system does not tell.
        holders: Vec<Holder>,
    },
    /// A socket is there that we may not connect to, so it cannot be told whether it is live.
    Closed {
        /// Owner of the file.
        uid: u32,
        /// Its permission bits.
        mode: u32,
    },
    /// The path cannot be used.
    Unusable {
        /// Why.
        problem: PathProblem,
    },
}

/// Why a path cannot be used for a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum PathProblem {
    /// More bytes than the system's addresses hold.
    TooLong {
        /// Bytes of the path.
        bytes: usize,
        /// The most it may have.
        limit: usize,
    },
    /// The folder does not exist.
    FolderMissing {
        /// The folder.
        folder: PathBuf,
    },
    /// Something on the way is a file.
    FolderIsFile {
        /// The nearest part of the path that is not a folder.
        file: PathBuf,
    },
    /// We may not make files in the folder.
    FolderNotWritable {
        /// The folder.
        folder: PathBuf,
        /// Our effective user id.
        uid: u32,
    },
    /// The folder is on a file system that is mounted read-only.
    ReadOnly {
        /// The folder.
        folder: PathBuf,
    },
    /// Something that is no socket is there; the server must not remove it.
    NotASocket {
        /// `file`, `folder`, `link`, `pipe` or `device`.
        what: String,
    },
    /// A path without a name at its end, `/` or `..`.
    NoName,
    /// An abstract name (`@name`) on a system other than Linux, or sockets on Windows.
    Unsupported,
    /// Something else.
    Other {
        /// The system's message.
        message: String,
    },
}

/// Looks at a path, and knocks if a socket is there. A name that begins with `@` is abstract (Linux):
/// it has no file, and is tried by binding it for an instant.
#[must_use]
pub fn examine_unix(path: &Path) -> UnixFacts {
    UnixFacts {
        path: path.to_owned(),
        outcome: outcome(path),
    }
}

#[cfg(unix)]
fn outcome(path: &Path) -> UnixOutcome {
    super::unix_socket::outcome(path)
}

#[cfg(not(unix))]
fn outcome(_path: &Path) -> UnixOutcome {
    UnixOutcome::Unusable {
        problem: PathProblem::Unsupported,
    }
}
