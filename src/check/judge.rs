//! The judgement: every rule that is asked for, minus what is ignored, in an order that never changes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::finding::{Finding, Label, Severity, Spot};
use super::rule::{Context, Rule, Scope, Tool};
use super::{ignore, rules, secrecy};
use crate::app::position;
use crate::app::snapshot::Position;
use crate::config::source::display_path;
use crate::config::types::Env;
use crate::config::{Place, SourceId, Sources};

pub use super::ignore::Ignore;

/// What a check found.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Which command asked.
    pub tool: Tool,
    /// What was judged for.
    pub posture: Env,
    /// Whether this is the throwaway view as production (`--deploy`): warnings count as errors. Set
    /// by whoever made that view; [`judge`] leaves it off.
    pub deploy: bool,
    /// By severity, place, rule and message. Every label points into a text that is known.
    pub findings: Vec<Finding>,
    /// Findings that an ignore list silenced.
    pub ignored: usize,
    /// Routes of the app.
    pub routes: usize,
    /// Middleware of the app.
    pub middleware: usize,
    /// Rules that ran.
    pub rules_run: usize,
    /// How long the rules took; a command that did more puts its whole time here.
    pub elapsed: Duration,
    /// Milliseconds that importing the app took; absent where no app was asked for.
    pub import_ms: Option<f64>,
}

impl Verdict {
    /// How many findings are that bad.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }
}

/// Whether the verdict fails the check: errors do, warnings too where they count as errors.
#[must_use]
pub fn failing(verdict: &Verdict, warnings_as_errors: bool) -> bool {
    let strict = warnings_as_errors || verdict.deploy;
    verdict
        .findings
        .iter()
        .any(|finding| fails(finding.severity, strict))
}

/// Whether one finding of that severity fails a check.
#[must_use]
pub fn fails(severity: Severity, strict: bool) -> bool {
    severity == Severity::Error || (strict && severity == Severity::Warning)
}

/// Runs the rules of the command in the scopes. Python files that findings point into are opened in
/// `sources`; secrets are masked there and hidden in every text of a finding.
pub fn judge(
    cx: &Context<'_>,
    scopes: &[Scope],
    ignore: &[Ignore],
    sources: &mut Sources,
) -> Verdict {
    let started = Instant::now();
    let rules: Vec<&'static Rule> = rules::ALL
        .iter()
        .copied()
        .filter(|rule| rule.tools.contains(&cx.tool) && scopes.contains(&rule.scope))
        .collect();
    let mut findings = Vec::new();
    for rule in &rules {
        (rule.check)(cx, &mut findings);
    }
    ignore::judge(cx, &rules, ignore, &mut findings);
    let before = findings.len();
    findings.retain(|finding| !ignore::silences(ignore, finding));
    let ignored = before - findings.len();

    let mut lines = HashMap::new();
    for finding in &mut findings {
        resolve(finding, sources, &mut lines);
    }
    let secrets = secrecy::known_secrets(cx, sources);
    for secret in &secrets {
        sources.mask_everywhere(secret);
    }
    for finding in &mut findings {
        secrecy::hide(finding, &secrets);
    }
    sort(&mut findings, sources);
    findings.dedup();
    Verdict {
        tool: cx.tool,
        posture: cx.posture,
        deploy: false,
        findings,
        ignored,
        routes: cx.app().map_or(0, |app| app.routes.len()),
        middleware: cx.app().map_or(0, |app| app.middleware.len()),
        rules_run: rules.len(),
        elapsed: started.elapsed(),
        import_ms: cx.snapshot.map(|snapshot| snapshot.import_ms),
    }
}

/// Turns every Python position into a place; one that cannot be shown is kept in the details.
fn resolve(
    finding: &mut Finding,
    sources: &mut Sources,
    lines: &mut HashMap<SourceId, position::Lines>,
) {
    let mut lost = Vec::new();
    finding.labels.retain_mut(|Label { spot, text }| {
        let Spot::Python(python) = spot else {
            return true;
        };
        if let Some(place) = place(python, sources, lines) {
            *spot = Spot::Place(place);
            return true;
        }
        let file = display_path(&python.file);
        lost.push(format!("{file}:{}: {text}", python.line));
        false
    });
    if !lost.is_empty() {
        let details = finding.details.take();
        finding.details = Some(
            details
                .into_iter()
                .chain(lost)
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }
}

fn place(
    at: &Position,
    sources: &mut Sources,
    lines: &mut HashMap<SourceId, position::Lines>,
) -> Option<Place> {
    let source = sources.open(&at.file)?;
    let text = sources.get(source).raw();
    let lines = lines
        .entry(source)
        .or_insert_with(|| position::Lines::of(text));
    let span = lines.span(text, at)?;
    Some(Place { source, span })
}

fn sort(findings: &mut [Finding], sources: &Sources) {
    findings.sort_by_cached_key(|finding| {
        let place = finding.labels.iter().find_map(|label| match &label.spot {
            Spot::Place(place) => Some((
                sources.get(place.source).name.clone(),
                place.source,
                place.span.start,
            )),
            Spot::Python(_) => None,
        });
        (
            finding.severity,
            place,
            finding.rule,
            finding.message.clone(),
        )
    });
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::app::snapshot::Snapshot;
    use crate::config::source::MASK;
    use crate::config::{AppConfig, Inputs, Resolved, resolve as resolve_config};

    fn position(file: &Path, line: u32, column: u32, end_column: u32) -> Position {
        Position {
            file: file.to_path_buf(),
            line,
            column,
            end_line: line,
            end_column,
        }
    }

    fn context<'a>(app_config: &'a Resolved<AppConfig>) -> Context<'a> {
        Context {
            tool: Tool::Chirp,
            posture: Env::Production,
            problems: &[],
            server: None,
            app_config: Some(app_config),
            target: None,
            snapshot: None,
            machine: None,
        }
    }

    fn ignored(rule: &str) -> Ignore {
        Ignore {
            rule: rule.into(),
            place: None,
        }
    }

    const ALL_SCOPES: [Scope; 3] = [Scope::Config, Scope::App, Scope::Machine];

    #[test]
    fn rules_run_for_the_tool_and_the_scopes_that_are_asked_for() {
        let mut sources = Sources::default();
        let resolved = resolve_config::<AppConfig>(&Inputs::default(), &mut sources);
        let cx = context(&resolved);
        let verdict = judge(&cx, &ALL_SCOPES, &[], &mut sources);
        let fired = |verdict: &Verdict| verdict.findings.iter().any(|one| one.rule == "secret_key");
        assert!(fired(&verdict));
        assert!(failing(&verdict, false));
        let verdict = judge(&cx, &[Scope::Config], &[], &mut sources);
        assert!(!fired(&verdict));
        assert!(verdict.rules_run > 0);
    }

    #[test]
    fn an_ignored_finding_is_counted_and_gone() {
        let mut sources = Sources::default();
        let resolved = resolve_config::<AppConfig>(&Inputs::default(), &mut sources);
        let before = judge(&context(&resolved), &ALL_SCOPES, &[], &mut sources);
        let verdict = judge(
            &context(&resolved),
            &ALL_SCOPES,
            &[ignored("secret_key")],
            &mut sources,
        );
        assert_eq!(verdict.ignored, 1);
        assert_eq!(verdict.findings.len() + 1, before.findings.len());
    }

    #[test]
    fn warnings_fail_where_they_count_as_errors() {
        let mut sources = Sources::default();
        let resolved = resolve_config::<AppConfig>(&Inputs::default(), &mut sources);
        let mut verdict = judge(&context(&resolved), &[], &[], &mut sources);
        verdict.findings = vec![Finding::warning("hsts", "no HSTS")];
        assert!(!failing(&verdict, false));
        assert!(failing(&verdict, true));
        verdict.deploy = true;
        assert!(failing(&verdict, false));
        verdict.findings = vec![Finding::new("bind", Severity::Info, "this pounce")];
        assert!(!failing(&verdict, true));
    }

    #[test]
    fn a_label_in_a_file_that_is_gone_becomes_details() {
        let mut sources = Sources::default();
        let mut finding = Finding::error("deploy_health", "hidden")
            .at(
                Some(position(Path::new("/nowhere/shop.py"), 6, 0, 3)),
                "here",
            )
            .details("more");
        resolve(&mut finding, &mut sources, &mut HashMap::new());
        assert!(finding.labels.is_empty());
        assert_eq!(
            finding.details.as_deref(),
            Some("more\n/nowhere/shop.py:6: here")
        );
    }

    #[test]
    fn no_text_of_a_finding_and_no_source_shows_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.py");
        std::fs::write(&file, "KEY = \"correct-horse\"\nprint(KEY)\n").unwrap();
        let snapshot = Snapshot {
            masks: vec![position(&file, 1, 6, 21)],
            ..Snapshot::default()
        };
        let mut sources = Sources::default();
        let resolved = resolve_config::<AppConfig>(&Inputs::default(), &mut sources);
        let cx = Context {
            snapshot: Some(&snapshot),
            ..context(&resolved)
        };
        let secrets = secrecy::known_secrets(&cx, &mut sources);
        assert_eq!(secrets, ["correct-horse"]);
        let mut finding = Finding::error("import", "bad key correct-horse")
            .at(Some(position(&file, 1, 0, 3)), "correct-horse")
            .why("correct-horse")
            .help("use correct-horse")
            .details("correct-horse")
            .route("/correct-horse");
        resolve(&mut finding, &mut sources, &mut HashMap::new());
        secrecy::hide(&mut finding, &secrets);
        assert!(!format!("{finding:?}").contains("correct-horse"));
        assert_eq!(finding.message, format!("bad key {MASK}"));
        let source = sources.open(&file).unwrap();
        assert!(!sources.get(source).shown().text.contains("correct-horse"));
    }

    #[test]
    fn findings_stand_by_severity_file_line_rule_and_message() {
        let mut sources = Sources::default();
        let (b, a) = (sources.add("b.toml", "x\ny\n"), sources.add("a.toml", "x"));
        let at = |source, start: usize| {
            Some(Place {
                source,
                span: start..start + 1,
            })
        };
        let mut findings = vec![
            Finding::warning("w", "1"),
            Finding::error("r", "5").at(at(b, 2), ""),
            Finding::error("r", "4").at(at(b, 0), ""),
            Finding::error("r", "3").at(at(a, 0), ""),
            Finding::error("r", "2"),
            Finding::error("q", "9"),
        ];
        sort(&mut findings, &sources);
        let order: Vec<_> = findings.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(order, ["9", "2", "3", "4", "5", "1"]);
    }
}
