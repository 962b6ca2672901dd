//! Reports: one verdict in five formats, one file each.

pub mod baseline;
mod concise;
mod excerpt;
mod full;
mod github;
mod json;
mod paint;
mod place;
mod printable;
mod sarif;
mod summary;

#[cfg(test)]
mod testing;

use super::finding::{Finding, Severity};
use super::judge::{self, Verdict};
use crate::config::Sources;

pub use baseline::{BaselineError, BaselineResult};

/// How a verdict is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// For people: each finding with its source line.
    #[default]
    Full,
    /// One line a finding.
    Concise,
    /// One JSON document.
    Json,
    /// Annotations of a GitHub workflow.
    Github,
    /// SARIF 2.1.0.
    Sarif,
}

impl Format {
    /// Every format, in the order of `--help`.
    pub const ALL: [Self; 5] = [
        Self::Full,
        Self::Concise,
        Self::Json,
        Self::Github,
        Self::Sarif,
    ];

    /// As `--output-format` spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Concise => "concise",
            Self::Json => "json",
            Self::Github => "github",
            Self::Sarif => "sarif",
        }
    }
}

/// What the reader's terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// ANSI colours.
    pub color: bool,
    /// Characters beyond ASCII; without them everything else is replaced.
    pub unicode: bool,
    /// Columns.
    pub width: usize,
}

impl Default for Style {
    /// No colours, Unicode, 80 columns.
    fn default() -> Self {
        Self {
            color: false,
            unicode: true,
            width: 80,
        }
    }
}

/// What belongs into a report.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// For the formats that people read.
    pub style: Style,
    /// Report notes too.
    pub include_info: bool,
    /// Warnings fail the check.
    pub warnings_as_errors: bool,
    /// The comparison with an earlier report: only what is new counts.
    pub baseline: Option<BaselineResult>,
}

impl Options {
    /// Findings that a report shows: notes only where they are wanted, and with a baseline only what
    /// is new.
    fn shown<'a>(&'a self, verdict: &'a Verdict) -> impl Iterator<Item = &'a Finding> {
        verdict
            .findings
            .iter()
            .enumerate()
            .filter(|(index, finding)| self.counts(*index, finding))
            .map(|(_, finding)| finding)
    }

    fn counts(&self, index: usize, finding: &Finding) -> bool {
        self.wants(finding)
            && self
                .baseline
                .as_ref()
                .is_none_or(|baseline| baseline.is_new(index))
    }

    fn wants(&self, finding: &Finding) -> bool {
        self.include_info || finding.severity != Severity::Info
    }

    /// Whether the check fails: by anything bad enough that is not in the baseline.
    #[must_use]
    pub fn failing(&self, verdict: &Verdict) -> bool {
        let strict = self.warnings_as_errors || verdict.deploy;
        self.shown(verdict)
            .any(|finding| judge::fails(finding.severity, strict))
    }
}

/// Writes a verdict. The text ends with a newline, except where there is nothing to say.
#[must_use]
pub fn render(format: Format, verdict: &Verdict, sources: &Sources, options: &Options) -> String {
    match format {
        Format::Full => full::render(verdict, sources, options),
        Format::Concise => concise::render(verdict, sources, options),
        Format::Json => json::render(verdict, sources, options),
        Format::Github => github::render(verdict, sources, options),
        Format::Sarif => sarif::render(verdict, sources, options),
    }
}
