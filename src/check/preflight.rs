//! A whole check: configuration and app put together, judged.

use serde_json::{Map, Value as Json};

use super::app_code::{context, resolve_app};
use super::finding::Severity;
use super::judge::{Ignore, Verdict, judge};
use super::machine::Machine;
use super::rule::{Context, Scope, Tool};
use super::rules;
use crate::app::snapshot::Snapshot;
use crate::config::field::{Model, Secrecy};
use crate::config::types::Env;
use crate::config::{AppConfig, Inputs, Place, Problem, Resolved, ServerConfig, Sources};

/// What to judge, and what to leave out.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Parts of the setup.
    pub scopes: Vec<Scope>,
    /// Rules that stay silent, beside those of the configuration's `[check]`.
    pub ignore: Vec<Ignore>,
    /// Where the app was named on the command line.
    pub target: Option<Place>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            scopes: vec![Scope::Config, Scope::App, Scope::Machine],
            ignore: Vec::new(),
            target: None,
        }
    }
}

/// Judges a server: its configuration, its app, this machine.
pub fn judge_server(
    resolved: &Resolved<ServerConfig>,
    snapshot: Option<&Snapshot>,
    machine: Option<&Machine>,
    wanted: &Wanted,
    sources: &mut Sources,
) -> Verdict {
    let context = Context {
        tool: Tool::Pounce,
        posture: Env::Production,
        problems: &resolved.problems,
        server: Some(resolved),
        app_config: None,
        target: wanted.target.as_ref(),
        snapshot,
        machine,
    };
    judge(
        &context,
        &wanted.scopes,
        &ignored(wanted, resolved),
        sources,
    )
}

/// Judges what stops a launch: the errors of the fatal rules about configuration and machine. The app is
/// not looked at: its import is proven by the worker that serves it.
pub fn judge_launch(
    resolved: &Resolved<ServerConfig>,
    machine: &Machine,
    sources: &mut Sources,
) -> Verdict {
    let wanted = Wanted {
        scopes: vec![Scope::Config, Scope::Machine],
        ..Wanted::default()
    };
    // A check beside the running server finds its port taken, and is content; a second one cannot start.
    let machine = Machine {
        folder: None,
        ..machine.clone()
    };
    // An ignore list is for reports: what cannot be served is not served, whoever ignores it.
    let mut resolved = resolved.clone();
    resolved.check.ignore.clear();
    let mut verdict = judge_server(&resolved, None, Some(&machine), &wanted, sources);
    for finding in &mut verdict.findings {
        // What a check only notes, because a later build honours it, is missing now.
        if finding.rule == rules::UNSUPPORTED_SETTING {
            finding.severity = Severity::Error;
        }
    }
    verdict.findings.retain(|finding| {
        let fatal = rules::find(finding.rule).is_some_and(|rule| rule.fatal);
        fatal && finding.severity == Severity::Error
    });
    verdict
}

/// Judges an app. `inputs` is what is said about its configuration outside its code; `deploy` judges
/// a throwaway view as production.
pub fn judge_app(
    inputs: Inputs,
    snapshot: Option<&Snapshot>,
    deploy: bool,
    wanted: &Wanted,
    sources: &mut Sources,
) -> (Verdict, Resolved<AppConfig>) {
    let resolved = resolve_app(inputs, snapshot, sources);
    let context = Context {
        target: wanted.target.as_ref(),
        ..context(&resolved, snapshot, deploy)
    };
    let ignore = ignored(wanted, &resolved);
    let verdict = Verdict {
        deploy,
        ..judge(&context, &wanted.scopes, &ignore, sources)
    };
    (verdict, resolved)
}

/// Judges a configuration alone.
pub fn judge_problems(tool: Tool, problems: &[Problem], sources: &mut Sources) -> Verdict {
    let context = Context {
        tool,
        posture: Env::Development,
        problems,
        server: None,
        app_config: None,
        target: None,
        snapshot: None,
        machine: None,
    };
    judge(&context, &[Scope::Config], &[], sources)
}

fn ignored<M: Model>(wanted: &Wanted, resolved: &Resolved<M>) -> Vec<Ignore> {
    let table = resolved.check.ignore.iter().map(|(rule, place)| Ignore {
        rule: rule.clone(),
        place: Some(place.clone()),
    });
    table.chain(wanted.ignore.iter().cloned()).collect()
}

/// Values that stand below the keywords of the code: those that are not defaults.
#[must_use]
pub fn below_keywords(outside: &Resolved<AppConfig>) -> Map<String, Json> {
    outside
        .settings()
        .filter(|(_, setting)| setting.is_set() && !setting.invalid)
        .map(|(field, setting)| (field.name.to_owned(), setting.value.to_json()))
        .collect()
}

/// Fields whose values the probe must keep to itself.
#[must_use]
pub fn secret_fields() -> Vec<String> {
    AppConfig::fields()
        .iter()
        .filter(|field| field.secrecy == Secrecy::Secret)
        .map(|field| field.name.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file;
    use crate::config::resolve;

    #[test]
    fn what_a_check_only_notes_stops_a_launch_also_where_it_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pounce.toml");
        let text = "metrics_enabled = true\n[check]\nignore = [\"unsupported_setting\"]\n";
        std::fs::write(&path, text).unwrap();
        let inputs = Inputs {
            file: file::Wanted::Named { path, place: None },
            ..Inputs::default()
        };
        let mut sources = Sources::default();
        let resolved = resolve(&inputs, &mut sources);
        let verdict = judge_launch(&resolved, &Machine::default(), &mut sources);
        let found: Vec<_> = verdict
            .findings
            .iter()
            .map(|one| (one.rule, one.severity))
            .collect();
        assert_eq!(found, [(rules::UNSUPPORTED_SETTING, Severity::Error)]);

        let checked = judge_server(&resolved, None, None, &Wanted::default(), &mut sources);
        assert!(
            checked
                .findings
                .iter()
                .all(|one| one.severity != Severity::Error)
        );
    }
}
