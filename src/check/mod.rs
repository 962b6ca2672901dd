//! The preflight: rules over configuration, app and machine, their findings, and reports of them.

mod app_code;
mod content_security_policy;
pub mod finding;
mod ignore;
pub mod judge;
pub mod machine;
mod mutating;
pub mod paths;
pub mod preflight;
mod remedy;
pub mod report;
pub mod rule;
pub mod rules;
mod secrecy;

pub use finding::{Finding, Severity};
pub use rule::{Context, Rule, Scope, Tool};
