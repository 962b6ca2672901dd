//! The preflight: rules over configuration, app and machine, their findings, and reports of them.

pub mod finding;
mod ignore;
pub mod judge;
pub mod machine;
pub mod position;
pub mod report;
pub mod rule;
pub mod rules;

pub use finding::{Finding, Severity};
pub use judge::{Ignore, Verdict, failing, judge};
pub use rule::{Context, Rule, Scope, Tool};
