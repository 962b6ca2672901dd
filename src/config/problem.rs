//! A mistake in a configuration: what is wrong, where, and what to do.

use super::field::Field;
use super::secrets;
use super::source::Place;
use super::value::Mistake;

/// How bad a mistake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// There is no valid configuration.
    Error,
    /// Suspicious, but the configuration stands.
    Warning,
    /// Worth knowing, nothing to do.
    Note,
}

/// What kind of mistake; a report groups and silences by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// Unknown keys, unreadable values, contradictions.
    Invalid,
    /// A variable with the product's prefix that is no field.
    UnknownVariable,
    /// `secret_key` is empty outside development. The rule `secret_key` judges it in a check.
    EmptySecretKey,
}

/// A note at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What is to see there.
    pub text: String,
}

/// A mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad.
    pub weight: Weight,
    /// What kind.
    pub kind: ProblemKind,
    /// Field or key it is about, where there is one.
    pub field: Option<String>,
    /// One line: what is wrong.
    pub message: String,
    /// Where; the first one is the place that caused it.
    pub labels: Vec<Label>,
    /// Why it matters.
    pub why: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

impl Problem {
    /// A mistake that leaves no valid configuration.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            weight: Weight::Error,
            kind: ProblemKind::Invalid,
            field: None,
            message: message.into(),
            labels: Vec::new(),
            why: None,
            help: None,
        }
    }

    /// Something suspicious.
    #[must_use]
    pub fn warning(message: impl Into<String>) -> Self {
        Self {
            weight: Weight::Warning,
            ..Self::error(message)
        }
    }

    /// A value that does not fit its field, without what must not be shown of it. `written` is what
    /// gave the value: a key, a variable, a flag.
    #[must_use]
    pub fn of_mistake(
        written: &str,
        field: &Field,
        mistake: Mistake,
        place: impl Into<Option<Place>>,
    ) -> Self {
        let mistake = secrets::hide_in(field, mistake);
        Self {
            help: mistake.help,
            ..Self::error(format!("{written} must be {}", mistake.expected))
        }
        .field(field.name)
        .at(place, mistake.found)
    }

    /// Names the field.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>) -> Self {
        self.field = Some(name.into());
        self
    }

    /// Sets the kind.
    #[must_use]
    pub fn kind(mut self, kind: ProblemKind) -> Self {
        self.kind = kind;
        self
    }

    /// Points at a place, if there is one.
    #[must_use]
    pub fn at(mut self, place: impl Into<Option<Place>>, text: impl Into<String>) -> Self {
        if let Some(place) = place.into() {
            self.labels.push(Label {
                place,
                text: text.into(),
            });
        }
        self
    }

    /// Says why it matters.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Puts what was found into the text where there is no place to say it at.
    #[must_use]
    pub fn why_without_place(mut self, found: impl Into<String>) -> Self {
        if self.labels.is_empty() {
            self.message = format!("{}: {}", self.message, found.into());
        }
        self
    }

    /// Says what to do, if there is something to say.
    #[must_use]
    pub fn note(self, note: &str) -> Self {
        if note.is_empty() {
            self
        } else {
            self.help(note)
        }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
