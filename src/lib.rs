//! pounce: one typed configuration, a preflight that judges it, and a server that runs on it.

pub mod app;
pub mod check;
pub mod cli;
pub mod config;
#[cfg(unix)]
pub mod serve;
