//! What an app's code says about its configuration, laid between the layers outside of it.

use crate::app::position::place;
use crate::app::snapshot::{App, AppConfigSeen, Position, Snapshot};
use crate::check::rule::{Context, Tool};
use crate::config::keywords::Keyword;
use crate::config::source::display_path;
use crate::config::types::Env;
use crate::config::{AppConfig, Inputs, Problem, Resolved, Sources, resolve};

/// Resolves the configuration of a Chirp app: file and variables below the code's keywords, flags
/// above. Without a Chirp app in the snapshot the code says nothing.
pub fn resolve_app(
    mut inputs: Inputs,
    snapshot: Option<&Snapshot>,
    sources: &mut Sources,
) -> Resolved<AppConfig> {
    let app = snapshot.and_then(|snapshot| snapshot.app.as_ref());
    let (Some(snapshot), Some(app)) = (snapshot, app.filter(|app| app.is_chirp())) else {
        return resolve(&inputs, sources);
    };
    let outside: Resolved<AppConfig> = resolve(&inputs, &mut sources.clone());
    if let Some(variables) = &mut inputs.variables {
        variables.add_above(snapshot.environ.clone());
    }
    inputs.call = call(app).and_then(|position| place(position, sources));
    if let Some(seen) = &app.config {
        inputs.keywords = keywords(seen, &outside, sources);
    }
    let mut resolved = resolve(&inputs, sources);
    if let Some(seen) = &app.config {
        let unseen = unseen_problems(seen, &resolved, sources);
        resolved.problems.extend(unseen);
    }
    resolved
}

/// What the rules of `chirp check` look at; `deploy` judges as production.
#[must_use]
pub fn context<'a>(
    resolved: &'a Resolved<AppConfig>,
    snapshot: Option<&'a Snapshot>,
    deploy: bool,
) -> Context<'a> {
    let app = snapshot.and_then(|snapshot| snapshot.app.as_ref());
    Context {
        tool: Tool::Chirp,
        posture: if deploy {
            Env::Production
        } else {
            resolved.config.env
        },
        problems: &resolved.problems,
        server: None,
        app_config: app.is_some_and(App::is_chirp).then_some(resolved),
        snapshot,
        machine: None,
    }
}

/// The call that made the configuration, else the app.
fn call(app: &App) -> Option<&Position> {
    let config = app
        .config
        .as_ref()
        .and_then(|config| config.created_at.as_ref());
    config.or(app.created_at.as_ref())
}

/// The keywords that the code passed. An object of `AppConfig.from_env` read variables by itself:
/// what it holds beyond the layers we know counts as said by that call.
fn keywords(
    seen: &AppConfigSeen,
    outside: &Resolved<AppConfig>,
    sources: &mut Sources,
) -> Vec<Keyword> {
    let call = seen.created_at.as_ref();
    let mut keywords = Vec::new();
    for (name, keyword) in &seen.explicit {
        let position = keyword.position.as_ref();
        keywords.push(Keyword {
            name: name.clone(),
            value: keyword.value.clone(),
            place: position.and_then(|position| place(position, sources)),
            from: from(position.or(call)),
        });
    }
    if !seen.from_env {
        return keywords;
    }
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
    keywords
}

fn from(position: Option<&Position>) -> String {
    position.map_or_else(
        || "AppConfig(...)".to_owned(),
        |position| format!("{}:{}", display_path(&position.file), position.line),
    )
}

/// Mistakes that only the running code could see: a live object of the wrong type, sessions that are
/// signed with an empty key.
fn unseen_problems(
    seen: &AppConfigSeen,
    resolved: &Resolved<AppConfig>,
    sources: &mut Sources,
) -> Vec<Problem> {
    let known = |field: Option<&String>, message: &str| {
        resolved.problems.iter().any(|problem| {
            (field.is_some() && problem.field.as_ref() == field)
                || message.starts_with(&problem.message)
        })
    };
    seen.problems
        .iter()
        .filter(|problem| !known(problem.field.as_ref(), &problem.message))
        .map(|problem| {
            let position = problem.position.as_ref().or(seen.created_at.as_ref());
            let place = position.and_then(|position| place(position, sources));
            let message = Problem::error(problem.message.clone()).at(place, "in this call");
            match &problem.field {
                Some(field) => message.field(field.clone()),
                None => message,
            }
        })
        .collect()
}
