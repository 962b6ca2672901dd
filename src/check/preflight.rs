//! A whole check: configuration and app put together, judged.

use serde_json::{Map, Value as Json};

use super::judge::{Ignore, Verdict, judge};
use super::machine::Machine;
use super::rule::{Context, Scope, Tool};
use crate::app::position::place;
use crate::app::snapshot::{AppConfigSeen, Position, Snapshot};
use crate::config::field::{Model, Secrecy};
use crate::config::keywords::Keyword;
use crate::config::source::display_path;
use crate::config::types::Env;
use crate::config::{AppConfig, Inputs, Problem, Resolved, ServerConfig, Sources, resolve};

/// What to judge, and what to leave out.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Parts of the setup.
    pub scopes: Vec<Scope>,
    /// Rules that stay silent, beside those of the configuration's `[check]`.
    pub ignore: Vec<Ignore>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            scopes: vec![Scope::Config, Scope::App, Scope::Machine],
            ignore: Vec::new(),
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

/// Judges an app. `inputs` is what is said about its configuration outside its code; `deploy` judges
/// a throwaway view as production.
pub fn judge_app(
    mut inputs: Inputs,
    outside: &Resolved<AppConfig>,
    snapshot: Option<&Snapshot>,
    deploy: bool,
    wanted: &Wanted,
    sources: &mut Sources,
) -> (Verdict, Resolved<AppConfig>) {
    let seen = snapshot.and_then(|snapshot| Some((snapshot, snapshot.app.as_ref()?)));
    let chirp = seen.is_some_and(|(_, app)| app.is_chirp());
    if let Some((snapshot, app)) = seen.filter(|_| chirp) {
        if let Some(variables) = &mut inputs.variables {
            variables.add_above(snapshot.environ.clone());
        }
        let call = app
            .config
            .as_ref()
            .and_then(|config| config.created_at.as_ref());
        let call = call.or(app.created_at.as_ref());
        inputs.call = call.and_then(|position| place(position, sources));
        if let Some(seen) = &app.config {
            inputs.keywords = keywords(seen, outside, sources);
        }
    }
    let resolved: Resolved<AppConfig> = resolve(&inputs, sources);
    let context = Context {
        tool: Tool::Chirp,
        posture: if deploy {
            Env::Production
        } else {
            resolved.config.env
        },
        problems: &resolved.problems,
        server: None,
        app_config: chirp.then_some(&resolved),
        snapshot,
        machine: None,
    };
    let verdict = Verdict {
        deploy,
        ..judge(
            &context,
            &wanted.scopes,
            &ignored(wanted, &resolved),
            sources,
        )
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

/// The keywords that the code passed. An object of `AppConfig.from_env` read variables by itself:
/// what it holds beyond the layers we know counts as said by that call.
fn keywords(
    seen: &AppConfigSeen,
    outside: &Resolved<AppConfig>,
    sources: &mut Sources,
) -> Vec<Keyword> {
    let call = seen.created_at.as_ref();
    let mut keywords: Vec<_> = seen
        .explicit
        .iter()
        .map(|(name, keyword)| Keyword {
            name: name.clone(),
            value: keyword.value.clone(),
            place: keyword
                .position
                .as_ref()
                .and_then(|position| place(position, sources)),
            from: from(keyword.position.as_ref().or(call)),
        })
        .collect();
    if seen.from_env {
        for (field, setting) in outside.settings() {
            let Some(value) = seen.values.get(field.name) else {
                continue;
            };
            let known = seen.explicit.contains_key(field.name)
                || *value == setting.value.to_json()
                || *value == field.default.value().to_json();
            if !known {
                keywords.push(Keyword {
                    name: field.name.to_owned(),
                    value: value.clone(),
                    place: call.and_then(|position| place(position, sources)),
                    from: from(call),
                });
            }
        }
    }
    keywords
}

fn from(position: Option<&Position>) -> String {
    position.map_or_else(
        || "AppConfig(...)".to_owned(),
        |position| format!("{}:{}", display_path(&position.file), position.line),
    )
}
