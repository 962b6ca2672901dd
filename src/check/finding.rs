//! Findings: what a rule has to say about the user's setup.

use crate::app::snapshot::Position;
use crate::config::field::Model;
use crate::config::{Place, Problem, Resolved, Weight};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It will not work, or must not go in front of users.
    Error,
    /// It works, and will hurt.
    Warning,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// As reports spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl From<Weight> for Severity {
    fn from(weight: Weight) -> Self {
        match weight {
            Weight::Error => Self::Error,
            Weight::Warning => Self::Warning,
            Weight::Note => Self::Info,
        }
    }
}

/// Where a label points: into a text that is known, or into a Python file that a report will open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// A place in a registered text.
    Place(Place),
    /// A position that the probe saw.
    Python(Position),
}

impl From<Place> for Spot {
    fn from(place: Place) -> Self {
        Self::Place(place)
    }
}

impl From<Position> for Spot {
    fn from(position: Position) -> Self {
        Self::Python(position)
    }
}

/// A note at a spot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub spot: Spot,
    /// What is to see there.
    pub text: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Id of the rule; the JSON report's `category`.
    pub rule: &'static str,
    /// How bad.
    pub severity: Severity,
    /// One line, lower case, no full stop: what is wrong.
    pub message: String,
    /// Where; the first one is the place that caused it.
    pub labels: Vec<Label>,
    /// Why it matters.
    pub why: Option<String>,
    /// What to do, a line each.
    pub help: Vec<String>,
    /// The route it is about.
    pub route: Option<String>,
    /// More, for those who want it (the JSON report's `details`).
    pub details: Option<String>,
    /// The setting it is about.
    pub field: Option<String>,
}

impl Finding {
    /// A finding without a place.
    #[must_use]
    pub fn new(rule: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity,
            message: message.into(),
            labels: Vec::new(),
            why: None,
            help: Vec::new(),
            route: None,
            details: None,
            field: None,
        }
    }

    /// An error.
    #[must_use]
    pub fn error(rule: &'static str, message: impl Into<String>) -> Self {
        Self::new(rule, Severity::Error, message)
    }

    /// A warning.
    #[must_use]
    pub fn warning(rule: &'static str, message: impl Into<String>) -> Self {
        Self::new(rule, Severity::Warning, message)
    }

    /// What is wrong with a setting: `label` stands where the setting was made, or behind the message where
    /// nobody made it.
    #[must_use]
    pub fn of_setting<M: Model>(
        rule: &'static str,
        resolved: &Resolved<M>,
        field: &str,
        severity: Severity,
        message: &str,
        label: impl Into<String>,
    ) -> Self {
        let label = label.into();
        let finding = match resolved.place(field) {
            Some(place) => Self::new(rule, severity, message).at(Some(place), label),
            None => Self::new(rule, severity, format!("{message}: {label}")),
        };
        finding.field(field)
    }

    /// Points at a spot, if there is one.
    #[must_use]
    pub fn at<S: Into<Spot>>(mut self, spot: Option<S>, text: impl Into<String>) -> Self {
        if let Some(spot) = spot {
            self.labels.push(Label {
                spot: spot.into(),
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

    /// Says what to do; may be called again for a further line.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Names the route.
    #[must_use]
    pub fn route(mut self, route: impl Into<String>) -> Self {
        self.route = Some(route.into());
        self
    }

    /// Adds details.
    #[must_use]
    pub fn details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }

    /// Names the setting.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// A mistake in the configuration as a finding of `rule`.
    #[must_use]
    pub fn of_problem(rule: &'static str, problem: &Problem) -> Self {
        Self {
            labels: problem
                .labels
                .iter()
                .map(|label| Label {
                    spot: label.place.clone().into(),
                    text: label.text.clone(),
                })
                .collect(),
            why: problem.why.clone(),
            help: problem.help.iter().cloned().collect(),
            field: problem.field.clone(),
            ..Self::new(rule, problem.weight.into(), problem.message.clone())
        }
    }
}
