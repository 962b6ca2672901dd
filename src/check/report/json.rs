//! `json`: one document for gates and dashboards.
//!
//! `ok`, `routes_checked`, `templates_scanned` and the first six keys of each issue are those of the
//! published package, so that gates written for it go on working; the rest is more.

use serde::Serialize;
use serde_json::Value as Json;

use super::place::{Texts, places};
use super::{BaselineResult, Options};
use crate::check::finding::{Finding, Severity};
use crate::check::judge::Verdict;
use crate::config::{Place, Sources};

#[derive(Debug, Serialize)]
struct Report<'a> {
    ok: bool,
    routes_checked: usize,
    templates_scanned: usize,
    issues: Vec<Issue<'a>>,
    tool: &'static str,
    version: &'static str,
    posture: &'static str,
    deploy: bool,
    summary: Summary,
}

#[derive(Debug, Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    infos: usize,
    ignored: usize,
    middleware: usize,
    rules: usize,
}

#[derive(Debug, Clone, Serialize)]
struct Issue<'a> {
    severity: &'static str,
    category: &'static str,
    message: &'a str,
    /// Templates are not examined; the key is part of the contract.
    template: Option<&'a str>,
    route: Option<&'a str>,
    details: Option<&'a str>,
    code: &'static str,
    field: Option<&'a str>,
    why: Option<&'a str>,
    help: &'a [String],
    location: Option<Location<'a>>,
    labels: Vec<Labelled<'a>>,
}

#[derive(Debug, Clone, Serialize)]
struct Location<'a> {
    /// The file, or absent for the command line and the environment.
    file: Option<&'a str>,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    /// `file`, `command line`, `environment`.
    source: &'a str,
}

#[derive(Debug, Clone, Serialize)]
struct Labelled<'a> {
    text: &'a str,
    location: Location<'a>,
}

#[derive(Debug, Serialize)]
struct Compared<'a> {
    current: Report<'a>,
    diff: Diff<'a>,
}

#[derive(Debug, Serialize)]
struct Diff<'a> {
    added: Vec<Issue<'a>>,
    removed: &'a [Json],
}

pub(super) fn render(verdict: &Verdict, sources: &Sources, options: &Options) -> String {
    let texts = Texts::of(verdict, sources);
    let wanted: Vec<(usize, &Finding)> = verdict
        .findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| options.wants(finding))
        .collect();
    let current = Report {
        ok: verdict.count(Severity::Error) == 0,
        routes_checked: verdict.routes,
        templates_scanned: 0,
        issues: issues(wanted.iter().map(|(_, finding)| *finding), &texts),
        tool: verdict.tool.name(),
        version: env!("CARGO_PKG_VERSION"),
        posture: verdict.posture.as_str(),
        deploy: verdict.deploy,
        summary: Summary {
            errors: verdict.count(Severity::Error),
            warnings: verdict.count(Severity::Warning),
            infos: verdict.count(Severity::Info),
            ignored: verdict.ignored,
            middleware: verdict.middleware,
            rules: verdict.rules_run,
        },
    };
    let written = match &options.baseline {
        None => serde_json::to_string_pretty(&current),
        Some(baseline) => {
            let diff = diff(&wanted, baseline, &texts);
            serde_json::to_string_pretty(&Compared { current, diff })
        }
    };
    // Plain data with text keys has a JSON form.
    written.map(|text| text + "\n").unwrap_or_default()
}

fn diff<'a>(
    wanted: &[(usize, &'a Finding)],
    baseline: &'a BaselineResult,
    texts: &Texts<'a>,
) -> Diff<'a> {
    let added = wanted
        .iter()
        .filter(|(index, _)| baseline.is_new(*index))
        .map(|(_, finding)| *finding);
    Diff {
        added: issues(added, texts),
        removed: &baseline.removed,
    }
}

fn issues<'a>(findings: impl Iterator<Item = &'a Finding>, texts: &Texts<'a>) -> Vec<Issue<'a>> {
    let mut issues: Vec<_> = findings.map(|finding| issue(finding, texts)).collect();
    // Stable: what is equal here stays in the order of its places.
    issues.sort_by(|a, b| key(a).cmp(&key(b)));
    issues
}

fn key<'i>(issue: &'i Issue<'_>) -> impl Ord + use<'i> {
    (
        issue.severity,
        issue.category,
        issue.route.unwrap_or_default(),
        issue.template.unwrap_or_default(),
        issue.message,
    )
}

fn issue<'a>(finding: &'a Finding, texts: &Texts<'a>) -> Issue<'a> {
    let labels: Vec<_> = places(finding)
        .filter_map(|(place, text)| {
            let location = location(place, texts)?;
            Some(Labelled { text, location })
        })
        .collect();
    Issue {
        severity: finding.severity.as_str(),
        category: finding.rule,
        message: &finding.message,
        template: None,
        route: finding.route.as_deref(),
        details: finding.details.as_deref(),
        code: finding.rule,
        field: finding.field.as_deref(),
        why: finding.why.as_deref(),
        help: &finding.help,
        location: labels.first().map(|label| label.location.clone()),
        labels,
    }
}

fn location<'a>(place: &Place, texts: &Texts<'a>) -> Option<Location<'a>> {
    let text = texts.get(place.source)?;
    let region = text.region(&place.span);
    let name = text.source.name.as_str();
    let is_file = text.source.path.is_some();
    Some(Location {
        file: is_file.then_some(name),
        line: region.line,
        column: region.column,
        end_line: region.end_line,
        end_column: region.end_column,
        source: if is_file { "file" } else { name },
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::super::{BaselineResult, Format, Options, render};

    fn report(options: &Options) -> serde_json::Value {
        let (verdict, sources) = testing::verdict();
        serde_json::from_str(&render(Format::Json, &verdict, &sources, options)).unwrap()
    }

    #[test]
    fn the_document() {
        let (verdict, sources) = testing::verdict();
        let out = render(Format::Json, &verdict, &sources, &Options::default());
        insta::assert_snapshot!(out.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }

    #[test]
    fn issues_stand_in_the_order_of_the_contract() {
        let report = report(&Options {
            include_info: true,
            ..Options::default()
        });
        let key = |issue: &serde_json::Value| {
            ["severity", "category", "route", "template", "message"]
                .map(|key| issue[key].as_str().unwrap_or("").to_owned())
        };
        let keys: Vec<_> = report["issues"]
            .as_array()
            .unwrap()
            .iter()
            .map(key)
            .collect();
        assert!(keys.is_sorted());
        assert!(keys.iter().any(|key| key[0] == "info"));
    }

    #[test]
    fn a_comparison_carries_the_current_report_and_the_difference() {
        let removed = serde_json::json!({"severity": "error", "message": "gone"});
        let report = report(&Options {
            baseline: Some(BaselineResult {
                added: vec![0],
                removed: vec![removed.clone()],
            }),
            ..Options::default()
        });
        assert_eq!(report["diff"]["removed"], serde_json::json!([removed]));
        assert_eq!(report["diff"]["added"].as_array().unwrap().len(), 1);
        assert!(report["current"]["issues"].as_array().unwrap().len() > 1);
    }
}
