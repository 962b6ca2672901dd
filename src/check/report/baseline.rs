//! Baselines: an earlier `--json` report, and what is new since.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::check::finding::{Finding, Severity};
use crate::check::judge::Verdict;
use crate::config::file::reason;

/// What identifies an issue from one report to the next: severity, category, route, template,
/// message. Lines move, so they do not.
type Identity = [String; 5];

/// A verdict held against a baseline.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BaselineResult {
    /// Indices into [`Verdict::findings`] of what is new, in ascending order.
    pub added: Vec<usize>,
    /// Issues of the baseline that are gone, as they stand there.
    pub removed: Vec<Json>,
}

impl BaselineResult {
    /// Whether the finding of that index is new.
    #[must_use]
    pub fn is_new(&self, index: usize) -> bool {
        self.added.binary_search(&index).is_ok()
    }
}

/// Why a baseline cannot be used.
#[derive(Debug)]
pub struct BaselineError {
    path: PathBuf,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Unreadable(std::io::Error),
    NotJson(serde_json::Error),
    Shape(&'static str),
}

impl fmt::Display for BaselineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            Reason::Unreadable(error) => {
                write!(f, "cannot read the baseline {path}: {}", reason(error))
            }
            Reason::NotJson(error) => write!(f, "the baseline {path} is not JSON: {error}"),
            Reason::Shape(wrong) => write!(f, "the baseline {path} is not a report: {wrong}"),
        }
    }
}

impl std::error::Error for BaselineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            Reason::Unreadable(error) => Some(error),
            Reason::NotJson(error) => Some(error),
            Reason::Shape(_) => None,
        }
    }
}

impl BaselineError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        "make one with the same command, --json instead of --baseline, and keep its output"
    }
}

/// Holds a verdict against the report in a file; `include_info` as the current report has it.
///
/// # Errors
/// Where the file cannot be read or is not a report of a check.
pub fn compare(
    path: &Path,
    verdict: &Verdict,
    include_info: bool,
) -> Result<BaselineResult, BaselineError> {
    let issues = read(path).map_err(|reason| BaselineError {
        path: path.to_path_buf(),
        reason,
    })?;
    Ok(against(&issues, verdict, include_info))
}

fn read(path: &Path) -> Result<Vec<Json>, Reason> {
    let bytes = std::fs::read(path).map_err(Reason::Unreadable)?;
    let report: Json = serde_json::from_slice(&bytes).map_err(Reason::NotJson)?;
    let Json::Object(mut report) = report else {
        return Err(Reason::Shape("its root is not an object"));
    };
    // A report that was itself compared with a baseline carries the whole one under `current`.
    if !report.contains_key("issues")
        && let Some(Json::Object(current)) = report.remove("current")
    {
        report = current;
    }
    match report.remove("issues") {
        Some(Json::Array(issues)) if issues.iter().all(Json::is_object) => Ok(issues),
        Some(Json::Array(_)) => Err(Reason::Shape("an entry of `issues` is not an object")),
        Some(_) => Err(Reason::Shape("`issues` is not a list")),
        None => Err(Reason::Shape("it has no list `issues`")),
    }
}

fn against(issues: &[Json], verdict: &Verdict, include_info: bool) -> BaselineResult {
    let is_info = |issue: &Json| issue["severity"] == Severity::Info.as_str();
    let mut known: HashMap<Identity, Vec<usize>> = HashMap::new();
    for (index, issue) in issues.iter().enumerate().rev() {
        if include_info || !is_info(issue) {
            known.entry(of_issue(issue)).or_default().push(index);
        }
    }
    let mut added = Vec::new();
    for (index, finding) in verdict.findings.iter().enumerate() {
        // Two equal findings against one known issue are one new finding.
        let was_known = known
            .get_mut(&of_finding(finding))
            .and_then(Vec::pop)
            .is_some();
        // No baseline hides that there is no app.
        if !was_known || finding.rule == "import" {
            added.push(index);
        }
    }
    let mut gone: Vec<usize> = known.into_values().flatten().collect();
    gone.sort_unstable();
    let removed = gone
        .into_iter()
        .filter_map(|index| issues.get(index).cloned())
        .collect();
    BaselineResult { added, removed }
}

fn of_finding(finding: &Finding) -> Identity {
    [
        finding.severity.as_str().into(),
        finding.rule.into(),
        finding.route.clone().unwrap_or_default(),
        String::new(),
        finding.message.clone(),
    ]
}

fn of_issue(issue: &Json) -> Identity {
    ["severity", "category", "route", "template", "message"]
        .map(|key| issue[key].as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::super::{Format, Options, render};
    use super::*;

    fn issues(verdict: &Verdict, options: &Options) -> Vec<Json> {
        let sources = testing::verdict().1;
        let report = render(Format::Json, verdict, &sources, options);
        let report: Json = serde_json::from_str(&report).unwrap();
        report["issues"].as_array().unwrap().clone()
    }

    #[test]
    fn a_report_against_itself_has_nothing_new() {
        let (verdict, _) = testing::verdict();
        let known = issues(&verdict, &Options::default());
        let result = against(&known, &verdict, false);
        let notes = |index: &usize| verdict.findings[*index].severity == Severity::Info;
        assert!(result.added.iter().all(notes));
        assert!(result.removed.is_empty());
        let options = Options {
            baseline: Some(result),
            ..Options::default()
        };
        assert!(!options.failing(&verdict));
        assert!(Options::default().failing(&verdict));
    }

    #[test]
    fn what_came_and_what_went_is_told() {
        let (mut verdict, _) = testing::verdict();
        let known = issues(&verdict, &Options::default());
        let went = verdict.findings.remove(0).message;
        verdict.findings.push(Finding::error("hsts", "new"));
        verdict.findings.push(verdict.findings[0].clone());
        let result = against(&known, &verdict, false);
        let last = verdict.findings.len() - 1;
        assert!(result.is_new(last) && result.is_new(last - 1));
        assert!(!result.is_new(0));
        assert_eq!(result.removed.len(), 1);
        assert_eq!(result.removed[0]["message"], went);
    }

    #[test]
    fn an_app_that_does_not_import_is_always_new() {
        let (mut verdict, _) = testing::verdict();
        verdict.findings = vec![Finding::error("import", "no module named shop")];
        let known = issues(&verdict, &Options::default());
        let result = against(&known, &verdict, false);
        assert_eq!(result.added, [0]);
        assert!(result.removed.is_empty());
    }

    #[test]
    fn notes_count_only_where_they_are_wanted() {
        let (verdict, _) = testing::verdict();
        let options = Options {
            include_info: true,
            ..Options::default()
        };
        let known = issues(&verdict, &options);
        let mut ready = verdict;
        ready.findings.clear();
        let is_info = |issue: &Json| issue["severity"] == "info";
        assert!(!against(&known, &ready, false).removed.iter().any(is_info));
        assert!(against(&known, &ready, true).removed.iter().any(is_info));
    }

    #[test]
    fn what_is_no_report_is_told_apart() {
        let folder = std::env::temp_dir().join(format!("pounce-baseline-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (verdict, _) = testing::verdict();
        let told = |text: &[u8]| {
            let path = folder.join("baseline.json");
            std::fs::write(&path, text).unwrap();
            compare(&path, &verdict, false).map_err(|error| error.to_string())
        };
        assert!(told(b"{").unwrap_err().contains("is not JSON"));
        assert!(told(b"\xff").unwrap_err().contains("is not JSON"));
        assert!(told(b"[]").unwrap_err().contains("not an object"));
        assert!(told(b"{}").unwrap_err().contains("no list `issues`"));
        assert!(told(b"{\"issues\": 1}").unwrap_err().contains("not a list"));
        assert!(told(b"{\"issues\": [1]}").unwrap_err().contains("an entry"));
        let current = told(b"{\"current\": {\"issues\": []}, \"diff\": {}}").unwrap();
        assert_eq!(current.added.len(), verdict.findings.len());
        let missing = compare(&folder.join("none.json"), &verdict, false).unwrap_err();
        assert!(missing.to_string().starts_with("cannot read the baseline"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
