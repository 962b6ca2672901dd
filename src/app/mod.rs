//! The app as it looks from outside: targets, interpreters, the probe and its snapshot.

pub mod position;
pub mod snapshot;
