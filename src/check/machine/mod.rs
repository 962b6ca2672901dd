//! Facts about the machine the server would run on, as plain data that rules are written against.
//!
//! Nothing here judges: each module looks (at files, sockets, limits) and says what it saw, so that a
//! rule is a pure function and its tests build the facts by hand.

pub mod accounts;
pub mod bind;
pub mod gather;
pub mod limits;
pub mod tls;

use std::path::PathBuf;

/// What the machine is like. What was not looked at is absent, and rules that need it are silent.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// The working directory of the check.
    pub folder: Option<PathBuf>,
    /// Where the server would listen.
    pub listening: Option<Listening>,
    /// The TLS files, where both are configured.
    pub tls: Option<tls::TlsFacts>,
    /// CPUs, memory, open files.
    pub limits: Option<limits::LimitFacts>,
}

/// What happened when listening was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listening {
    /// On `host` and `port`.
    Tcp(bind::TcpFacts),
    /// On `uds`.
    Unix(bind::UnixFacts),
}
