//! What a worker's own parts tell its people, beside requests.

use std::fmt;
use std::sync::Arc;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something went as it should.
    Info,
    /// Something did not, and the server goes on.
    Error,
}

type Tell = dyn Fn(Level, &str) + Send + Sync;

/// Where events go: the worker's log. Called from any thread.
#[derive(Clone)]
pub struct Report(Arc<Tell>);

impl Report {
    /// A report to this function.
    pub fn new(tell: impl Fn(Level, &str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Tells of an event, in one line without an end.
    pub fn tell(&self, level: Level, message: &str) {
        (self.0)(level, message);
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Report")
    }
}
