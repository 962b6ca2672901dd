//! Facts about the machine, gathered before rules look at them.

/// What the machine is like.
#[derive(Debug, Clone, Default)]
pub struct Machine {}
