//! `middleware_signature`: middleware can be called with a request and the next step.

use crate::app::snapshot::Middleware;
use crate::check::finding::{Finding, Severity};
use crate::check::rule::{Context, Rule, Scope, Tool};

const ID: &str = "middleware_signature";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "middleware is an async callable of two parameters",
    scope: Scope::App,
    tools: &[Tool::Chirp],
    severities: "not callable, or fewer than two parameters: error; not async: warning",
    fatal: false,
    page: include_str!("../../../docs/rules/middleware_signature.md"),
    check,
};

/// Classes of this project's chirp. In this build they carry settings and no request behaviour yet,
/// so they are known to be right without being callable.
const BUILT_IN: [&str; 7] = [
    "AllowedHostsMiddleware",
    "AuthMiddleware",
    "CORSMiddleware",
    "CSPNonceMiddleware",
    "CSRFMiddleware",
    "SecurityHeadersMiddleware",
    "SessionMiddleware",
];

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(app) = cx.chirp_app() else { return };
    let own = app.framework.name == "chirp";
    for entry in &app.middleware {
        if own && !entry.callable && BUILT_IN.iter().any(|class| entry.is(class)) {
            continue;
        }
        findings.extend(judge(entry));
    }
}

fn judge(entry: &Middleware) -> Option<Finding> {
    let class = &entry.class;
    // A function has no classes below it.
    let help = if entry.bases.is_empty() {
        format!("async def {class}(request, next): return await next(request)")
    } else {
        "async def __call__(self, request, next): return await next(request)".to_owned()
    };
    let finding = |severity, message: String, label: String, why: &str| {
        Finding::new(ID, severity, message)
            .at(entry.position.clone(), label)
            .why(why)
            .help(help)
    };
    if !entry.callable {
        return Some(finding(
            Severity::Error,
            format!("the middleware {class} is not callable"),
            "an object without __call__".into(),
            "it is called for every request, so every request fails",
        ));
    }
    if let Some(given) = entry.positional_parameters.filter(|given| *given < 2) {
        let takes = match given {
            0 => "takes no positional parameter, two are passed",
            _ => "takes 1 positional parameter, two are passed",
        };
        return Some(finding(
            Severity::Error,
            format!("the middleware {class} takes fewer than two parameters"),
            takes.into(),
            "it is called with the request and the next step, so every request fails",
        ));
    }
    (entry.is_async == Some(false)).then(|| {
        finding(
            Severity::Warning,
            format!("the middleware {class} is not async"),
            "def, not async def".into(),
            "it cannot await the next step: it blocks the event loop, or passes on what it never waited for",
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chirp_case::ChirpCase;
    use super::*;

    fn with(change: impl FnOnce(&mut Middleware)) -> ChirpCase {
        ChirpCase::new()
            .middleware("Timing", json!({}))
            .app(|app| change(&mut app.middleware[0]))
    }

    #[test]
    fn what_cannot_be_called_is_one_error() {
        let case = with(|entry| {
            entry.callable = false;
            entry.is_async = None;
            entry.positional_parameters = None;
        });
        assert_eq!(case.severities(&RULE), "error / error / error");
        let found = case.in_production(&RULE);
        assert_eq!(found[0].first_spot(), "shop.py:50");
        assert_eq!(found[0].message, "the middleware Timing is not callable");
    }

    #[test]
    fn too_few_parameters_are_one_error_also_where_it_is_not_async() {
        for given in [0, 1] {
            let case = with(|entry| {
                entry.positional_parameters = Some(given);
                entry.is_async = Some(false);
            });
            assert_eq!(case.severities(&RULE), "error / error / error");
        }
    }

    #[test]
    fn not_async_is_a_warning() {
        let case = with(|entry| entry.is_async = Some(false));
        assert_eq!(case.severities(&RULE), "warning / warning / warning");
    }

    #[test]
    fn the_help_shows_a_function_for_a_function_and_a_method_for_an_object() {
        let function = with(|entry| {
            entry.class = "compress".into();
            entry.is_async = Some(false);
        });
        let found = function.in_production(&RULE);
        assert!(
            found[0]
                .help
                .starts_with("async def compress(request, next)")
        );
        let object = function.app(|app| app.middleware[0].bases.push("Compress".into()));
        let found = object.in_production(&RULE);
        assert!(
            found[0]
                .help
                .starts_with("async def __call__(self, request, next)")
        );
    }

    #[test]
    fn two_parameters_or_what_cannot_be_seen_is_good() {
        assert_eq!(with(|_| {}).severities(&RULE), "- / - / -");
        let case = with(|entry| {
            entry.positional_parameters = None;
            entry.is_async = None;
        });
        assert_eq!(case.severities(&RULE), "- / - / -");
    }

    #[test]
    fn chirp_s_own_classes_are_right_as_they_are() {
        let settings_only = |class: &str, framework: &str| {
            let framework = framework.to_owned();
            ChirpCase::new()
                .middleware(class, json!({}))
                .app(|app| {
                    app.framework.name = framework;
                    app.middleware[0].callable = false;
                })
                .severities(&RULE)
        };
        for class in BUILT_IN {
            assert_eq!(settings_only(class, "chirp"), "- / - / -");
        }
        let judged = "error / error / error";
        assert_eq!(settings_only("SessionMiddleware", "bengal-chirp"), judged);
        assert_eq!(settings_only("Timing", "chirp"), judged);
    }
}
