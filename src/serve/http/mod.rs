//! The strict check in front of hyper: what it accepts, hyper and the application see; nothing else.

mod head;
mod line;
pub mod refusal;
pub mod scanner;
pub(crate) mod target;
pub(crate) mod value;
