//! Colours of the parts that are not a snippet; the snippets' are miette's.

use super::Style;
use crate::check::finding::Severity;

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// As bad as that.
    Severity(Severity),
    /// What is wrong, and the verdict.
    Strong,
    /// `why`, `help` and the like.
    Key,
    /// What is there for the second look.
    Faint,
    /// All is well.
    Good,
}

impl Style {
    /// The text in its colour, or as it is.
    pub(super) fn paint(&self, role: Role, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let code = match role {
            Role::Severity(Severity::Error) => "31",
            Role::Severity(Severity::Warning) => "33",
            Role::Severity(Severity::Info) | Role::Key => "36",
            Role::Strong => "1",
            Role::Faint => "2",
            Role::Good => "32",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
