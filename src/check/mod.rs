//! The preflight: rules over configuration, app and machine, their findings, and reports of them.

pub mod finding;
pub mod machine;
pub mod paths;
pub mod rule;
pub mod rules;

pub use finding::{Finding, Severity};
pub use rule::{Context, Rule, Scope, Tool};
