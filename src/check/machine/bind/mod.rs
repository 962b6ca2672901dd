//! Whether the server could listen where it is told to, right now, and who is in the way.

#[cfg(target_os = "linux")]
mod command;
#[cfg(target_os = "linux")]
mod proc_net;
mod process;
mod tcp;
mod unix_path;
#[cfg(unix)]
mod unix_socket;

pub use process::{Holder, Process};
pub use tcp::{Attempt, BindOutcome, Resolution, TcpFacts, examine_tcp};
pub use unix_path::{PathProblem, UnixFacts, UnixOutcome, examine_unix};
