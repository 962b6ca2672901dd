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

/// What a deployment waits for: the worst first, a line a rule. One finding needs no list.
fn to_change(shown: &[&Finding], options: &Options) -> Vec<String> {
    let style = &options.style;
    let groups = by_rule(shown);
    if shown.len() < 2 || groups.is_empty() {
        return Vec::new();
    }
    let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or(0);
    let numbers = widest(&mut groups.iter().map(|group| group.number().len()));
    let rules = widest(&mut groups.iter().map(|group| group.first.rule.len()));
    let mut lines = vec![style.paint(Role::Strong, "to change before this is deployed:")];
    for group in &groups {
        let Group { first, more } = group;
        let mut message = printable::line(&first.message, style.unicode);
        if *more > 0 {
            message += &format!(", and {more} more");
        }
        let number = format!("{:<numbers$}", group.number());
        lines.push(format!(
            "  {}  {:rules$}  {message}",
            style.paint(Role::Severity(first.severity), &number),
            first.rule,
        ));
    }
    lines.push(String::new());
    lines
}

/// Findings of one rule that are equally bad.
struct Group<'a> {
    first: &'a Finding,
    more: usize,
}

impl Group<'_> {
    fn number(&self) -> String {
        let (one, many) = match self.first.severity {
            Severity::Error => ("error", "errors"),
            Severity::Warning | Severity::Info => ("warning", "warnings"),
        };
        count(self.more + 1, one, many)
    }
}

/// What has to change, in the order of the findings: the worst first.
fn by_rule<'a>(shown: &[&'a Finding]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for finding in shown.iter().filter(|one| one.severity != Severity::Info) {
        let known = groups.iter_mut().find(|group| {
            (group.first.rule, group.first.severity) == (finding.rule, finding.severity)
        });
        match known {
            Some(group) => group.more += 1,
            None => groups.push(Group {
                first: finding,
                more: 0,
            }),
        }
    }
    groups
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
