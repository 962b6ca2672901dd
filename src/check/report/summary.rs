//! The end of a report: what was checked, and what it comes to.

use super::paint::Role;
use super::{Options, printable};
use crate::check::finding::{Finding, Severity};
use crate::check::judge::Verdict;
use crate::check::rule::Tool;
use crate::config::{AppConfig, Model, ServerConfig};

/// `1 route`, `2 routes`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}

/// The last lines of the full report.
pub(super) fn lines(verdict: &Verdict, options: &Options) -> Vec<String> {
    let style = &options.style;
    let shown: Vec<&Finding> = options.shown(verdict).collect();
    let failing = options.failing(verdict);
    let mut lines = Vec::new();
    if verdict.deploy && failing {
        lines.extend(to_change(&shown, options));
        lines.push(String::new());
    }
    if shown.is_empty() {
        let (subject, posture) = subject(verdict);
        let rules = count(verdict.rules_run, "rule", "rules");
        let end = format!(": {subject}, {rules},{posture} in {}", elapsed(verdict));
        lines.push(style.paint(Role::Good, "ready") + &end);
    } else {
        let (subject, posture) = subject(verdict);
        let tail = if has_no_app(verdict) {
            "; the app did not import, so nothing of it was judged".to_owned()
        } else {
            import(verdict)
        };
        lines.push(format!(
            "checked {subject}{posture} in {}{tail}",
            elapsed(verdict)
        ));
        let (word, role) = if failing {
            ("not ready", Role::Severity(Severity::Error))
        } else {
            ("ready", Role::Good)
        };
        let number = |severity| shown.iter().filter(|one| one.severity == severity).count();
        let mut end = format!(
            ": {}, {}",
            count(number(Severity::Error), "error", "errors"),
            count(number(Severity::Warning), "warning", "warnings")
        );
        if number(Severity::Info) > 0 {
            end += &format!(", {}", count(number(Severity::Info), "note", "notes"));
        }
        if failing && number(Severity::Error) == 0 {
            end += " (warnings count as errors here)";
        }
        lines.push(style.paint(role, word) + &end);
    }
    lines.extend(
        left_out(verdict, options)
            .into_iter()
            .map(|line| style.paint(Role::Faint, &line)),
    );
    lines
}

/// What was judged, and as what.
fn subject(verdict: &Verdict) -> (String, String) {
    if verdict.import_ms.is_none() || has_no_app(verdict) {
        let settings = match verdict.tool {
            Tool::Chirp => AppConfig::fields().len(),
            Tool::Pounce => ServerConfig::fields().len(),
        };
        return (count(settings, "setting", "settings"), String::new());
    }
    let subject = format!(
        "{}, {} middleware",
        count(verdict.routes, "route", "routes"),
        verdict.middleware
    );
    let posture = match verdict.tool {
        Tool::Chirp => format!(" as {}", verdict.posture.as_str()),
        Tool::Pounce => String::new(),
    };
    (subject, posture)
}

/// Whether an app was asked for and there is none.
fn has_no_app(verdict: &Verdict) -> bool {
    let is_failure = |one: &Finding| one.rule == "import" && one.severity == Severity::Error;
    verdict.findings.iter().any(is_failure)
}

fn elapsed(verdict: &Verdict) -> String {
    format!("{} ms", verdict.elapsed.as_millis().max(1))
}

fn import(verdict: &Verdict) -> String {
    match verdict.import_ms {
        Some(import) => format!(" (import {:.0} ms)", import.max(1.0)),
        None => String::new(),
    }
}

/// What a deployment waits for: the worst first, a line a rule.
fn to_change(shown: &[&Finding], options: &Options) -> Vec<String> {
    let mut groups: Vec<(&Finding, usize)> = Vec::new();
    for finding in shown.iter().filter(|one| one.severity != Severity::Info) {
        let same = |group: &&mut (&Finding, usize)| {
            group.0.rule == finding.rule && group.0.severity == finding.severity
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.1 += 1,
            None => groups.push((finding, 1)),
        }
    }
    let style = &options.style;
    let numbers = groups.iter().map(|(_, number)| number.to_string().len());
    let (numbers, rules) = (
        numbers.max().unwrap_or(1),
        groups.iter().map(|(one, _)| one.rule.len()).max(),
    );
    let mut lines = vec![style.paint(Role::Strong, "to change before this is deployed:")];
    for (finding, number) in groups {
        let word = match (finding.severity, number) {
            (Severity::Error, 1) => "error",
            (Severity::Error, _) => "errors",
            (_, 1) => "warning",
            (_, _) => "warnings",
        };
        let rule = finding.rule;
        let mut message = printable::line(&finding.message, style.unicode);
        if number > 1 {
            message += &format!(", and {} more", number - 1);
        }
        lines.push(format!(
            "  {number:>numbers$} {}  {rule:width$}  {message}",
            style.paint(Role::Severity(finding.severity), &format!("{word:8}")),
            width = rules.unwrap_or(0)
        ));
    }
    lines
}

/// What the report knows and does not show.
fn left_out(verdict: &Verdict, options: &Options) -> Vec<String> {
    let mut lines = Vec::new();
    let notes = verdict.count(Severity::Info);
    if !options.include_info && notes > 0 {
        let notes = count(notes, "note", "notes");
        lines.push(format!("{notes} hidden: --include-info"));
    }
    if verdict.ignored > 0 {
        let ignored = count(verdict.ignored, "finding", "findings");
        lines.push(format!("{ignored} ignored"));
    }
    if let Some(baseline) = &options.baseline {
        let known = verdict
            .findings
            .iter()
            .enumerate()
            .filter(|(index, finding)| options.wants(finding) && !baseline.is_new(*index))
            .count();
        let known = count(known, "known finding", "known findings");
        let gone = baseline.removed.len();
        lines.push(format!("baseline: {known} not shown, {gone} gone"));
    }
    lines
}
