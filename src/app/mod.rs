//! The app as it looks from outside: targets, interpreters, the probe and its snapshot.

pub mod interpreter;
pub mod position;
pub mod probe;
pub mod snapshot;
pub mod target;
