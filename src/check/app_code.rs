//! What an app's code says about its configuration, laid between the layers outside of it.

use crate::app::position::place;
use crate::app::snapshot::{App, AppConfigSeen, Position, Snapshot};
use crate::check::rule::{Context, Tool};
use crate::config::keywords::Keyword;
use crate::config::source::display_path;
use crate::config::types::Env;
use crate::config::{AppConfig, Inputs, Layer, Model as _, Problem, Resolved, Sources, resolve};

/// Resolves the configuration of a Chirp app: file and variables below the code's keywords, flags
/// above. Without a Chirp app in the snapshot the code says nothing.
pub(super) fn resolve_app(
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
        own_variables(seen, &mut inputs, sources);
    }
    let mut resolved = resolve(&inputs, sources);
    if let Some(seen) = &app.config {
        if let Some(prefix) = own_prefix(seen) {
            prefix.clone_into(&mut resolved.prefix);
        }
        let unseen = unseen_problems(seen, &resolved, sources);
        resolved.problems.extend(unseen);
    }
    resolved
}

/// The prefix of `AppConfig.from_env("SHOP_")`, where it is not the usual one.
fn own_prefix(seen: &AppConfigSeen) -> Option<&str> {
    let prefix = seen.env_prefix.as_deref().filter(|_| seen.from_env)?;
    (prefix != AppConfig::PRODUCT.env_prefix).then_some(prefix)
}

/// Settings that the code read from variables under a prefix of its own rank as what the code says,
/// and are shown where they stand. What else has that prefix is the app's own business.
fn own_variables(seen: &AppConfigSeen, inputs: &mut Inputs, sources: &mut Sources) {
    let Some(prefix) = own_prefix(seen) else {
        return;
    };
    let own = Inputs {
        variables: inputs.variables.clone(),
        prefix: Some(prefix.to_owned()),
        ..Inputs::default()
    };
    let own: Resolved<AppConfig> = resolve(&own, sources);
    for (field, setting) in own.settings() {
        let read = setting.origin.layer == Layer::Environment && !setting.invalid;
        if !read || seen.explicit.contains_key(field.name) {
            continue;
        }
        inputs.keywords.retain(|keyword| keyword.name != field.name);
        inputs.keywords.push(Keyword {
            name: field.name.to_owned(),
            value: setting.value.to_json(),
            place: setting.origin.place.clone(),
            from: setting.origin.name.clone(),
        });
    }
}

/// What the rules of `chirp check` look at; `deploy` judges as production.
#[must_use]
pub(super) fn context<'a>(
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
        target: None,
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

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::config::ProblemKind;
    use crate::config::environment::Variables;

    /// A snapshot of a Chirp app whose configuration is `config`.
    fn snapshot(config: &Json) -> Snapshot {
        serde_json::from_value(json!({
            "protocol": 1,
            "python": { "version": "3.13.0" },
            "target": { "spec": "shop:app", "module": "shop", "attribute": "app" },
            "app": { "framework": { "name": "chirp" }, "config": config },
        }))
        .unwrap()
    }

    fn variables(pairs: &[(&str, &str)]) -> Inputs {
        Inputs {
            variables: Some(Variables::from_pairs(
                pairs
                    .iter()
                    .map(|(name, value)| (name.into(), value.into())),
            )),
            ..Inputs::default()
        }
    }

    fn resolved(inputs: Inputs, config: &Json) -> Resolved<AppConfig> {
        resolve_app(inputs, Some(&snapshot(config)), &mut Sources::default())
    }

    #[test]
    fn the_code_stands_above_the_variables() {
        let inputs = variables(&[("CHIRP_WORKERS", "2"), ("CHIRP_HTTP_RETRIES", "3")]);
        let seen = json!({ "explicit": { "workers": { "value": 4 } } });
        let resolved = resolved(inputs, &seen);
        assert_eq!(
            (resolved.config.workers, resolved.config.http_retries),
            (4, 3)
        );
        assert_eq!(resolved.setting("workers").origin.layer, Layer::Python);
    }

    #[test]
    fn what_from_env_read_by_itself_counts_as_said_by_the_call() {
        let inputs = variables(&[("CHIRP_HTTP_RETRIES", "3")]);
        let seen = json!({
            "from_env": true,
            "env_prefix": "SHOP_",
            "explicit": {},
            "values": { "workers": 5, "http_retries": 3, "port": 8000 },
        });
        let resolved = resolved(inputs, &seen);
        assert_eq!(
            (resolved.config.workers, resolved.config.http_retries),
            (5, 3)
        );
        let layer = |name| resolved.setting(name).origin.layer;
        assert_eq!(layer("workers"), Layer::Python);
        assert_eq!(layer("http_retries"), Layer::Environment);
        assert_eq!(layer("port"), Layer::Default);
    }

    #[test]
    fn variables_under_a_prefix_of_the_app_are_named_as_they_are() {
        let inputs = variables(&[("SHOP_ALLOWED_HOSTS", "*"), ("SHOP_DATABASE", "x")]);
        let seen = json!({
            "from_env": true,
            "env_prefix": "SHOP_",
            "values": { "allowed_hosts": ["*"] },
        });
        let resolved = resolved(inputs, &seen);
        let hosts = resolved.setting("allowed_hosts");
        assert_eq!(hosts.origin.name, "SHOP_ALLOWED_HOSTS");
        assert!(hosts.origin.place.is_some());
        assert!(resolved.absence("secret_key").contains("SHOP_SECRET_KEY"));
        assert!(resolved.problems.is_empty(), "SHOP_DATABASE is no setting");
    }

    #[test]
    fn mistakes_that_only_the_code_sees_are_added_and_others_are_not_repeated() {
        let seen = json!({
            "explicit": { "port": { "value": 70000 }, "worker": { "value": 1 } },
            "problems": [
                { "field": "port", "message": "`port` must be an integer: 70000 is too large" },
                { "message": "unknown keyword `worker`; did you mean `workers`?" },
                { "field": "extra_loaders", "message": "`extra_loaders` must be a sequence" },
            ],
        });
        let resolved = resolved(Inputs::default(), &seen);
        let messages: Vec<_> = resolved
            .problems
            .iter()
            .map(|problem| problem.message.as_str())
            .collect();
        assert_eq!(
            messages,
            [
                "`port` must be an integer from 0 to 65535: 70000 is too large",
                "unknown keyword `worker`",
                "`extra_loaders` must be a sequence",
            ]
        );
        assert!(
            resolved
                .problems
                .iter()
                .all(|one| one.kind == ProblemKind::Invalid)
        );
    }

    #[test]
    fn an_app_of_another_framework_says_nothing() {
        let mut other = snapshot(&json!({ "explicit": { "workers": { "value": 4 } } }));
        if let Some(app) = &mut other.app {
            app.framework.name = "starlette".into();
        }
        let resolved = resolve_app(Inputs::default(), Some(&other), &mut Sources::default());
        assert_eq!(resolved.config.workers, 0);
        assert!(context(&resolved, Some(&other), false).app_config.is_none());
    }

    #[test]
    fn deploy_judges_as_production() {
        let resolved: Resolved<AppConfig> = resolve(&Inputs::default(), &mut Sources::default());
        assert_eq!(context(&resolved, None, false).posture, Env::Development);
        assert_eq!(context(&resolved, None, true).posture, Env::Production);
    }
}
