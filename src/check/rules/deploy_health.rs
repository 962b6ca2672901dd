//! `deploy_health`: no route of the app takes the path of a health probe.

use serde_json::json;

use crate::app::snapshot::{App, Route};
use crate::check::finding::{Finding, Severity};
use crate::check::paths::{self, Match};
use crate::check::remedy;
use crate::check::rule::{Context, Rule, Scope, Tool};
use crate::config::{AppConfig, Resolved};

const ID: &str = "deploy_health";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "no route of the app takes the path of a health probe",
    scope: Scope::App,
    tools: &[Tool::Chirp],
    severities: "a route with that path: error; a pattern that matches it: warning",
    fatal: false,
    page: include_str!("../../../docs/rules/deploy_health.md"),
    check,
};

struct Probe<'a> {
    field: &'static str,
    name: &'static str,
    path: &'a str,
    /// Where else it could live, the most usual name first.
    elsewhere: [&'static str; 2],
    why: &'static str,
}

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let (Some(resolved), Some(app)) = (cx.app_config, cx.chirp_app()) else {
        return;
    };
    for probe in probes(resolved) {
        if resolved.setting(probe.field).invalid {
            continue;
        }
        if let Some((route, found)) = paths::taker(&app.routes, probe.path) {
            findings.push(hidden(resolved, app, &probe, route, found));
        }
    }
}

/// The probes, one for each path.
fn probes(resolved: &Resolved<AppConfig>) -> Vec<Probe<'_>> {
    let config = &resolved.config;
    let mut probes = vec![Probe {
        field: "health_path",
        name: "liveness probe",
        path: config.health_path.as_str(),
        elsewhere: ["/livez", "/-/livez"],
        why: "a container whose liveness probe fails is killed: a handler can fail, or be slow, for reasons that a restart does not mend",
    }];
    if config.ready_path != config.health_path {
        probes.push(Probe {
            field: "ready_path",
            name: "readiness probe",
            path: config.ready_path.as_str(),
            elsewhere: ["/readyz", "/-/readyz"],
            why: "traffic goes to every worker whose readiness probe succeeds: a handler answers before start-up is done, and without the health checks",
        });
    }
    probes
}

fn hidden(
    resolved: &Resolved<AppConfig>,
    app: &App,
    probe: &Probe<'_>,
    route: &Route,
    found: Match,
) -> Finding {
    let (name, path) = (probe.name, probe.path);
    let exact = found == Match::Exact;
    let (severity, message, label) = if exact {
        let message = format!("the route {path} hides the {name}");
        (Severity::Error, message, answer(app, route))
    } else {
        let message = format!("the route {} matches the {name}, {path}, too", route.path);
        let label = format!("this pattern takes {path} as well");
        (Severity::Warning, message, label)
    };
    let free = probe
        .elsewhere
        .into_iter()
        .find(|path| paths::taker(&app.routes, path).is_none());
    let first = if exact {
        "rename the route"
    } else {
        "narrow the pattern"
    };
    let help = match free {
        Some(free) => {
            let moved = remedy::set(resolved, probe.field, &json!(free));
            format!("{first}, or move the probe: {moved}")
        }
        None => first.to_owned(),
    };
    let set = resolved.setting(probe.field).is_set();
    let place = resolved.place(probe.field).filter(|_| set);
    Finding::new(ID, severity, message)
        .field(probe.field)
        .route(route.path.clone())
        .at(route.position.clone(), label)
        .at(place, format!("the {name} was put here"))
        .why(probe.why)
        .help(help)
}

/// What a probe meets at a route that has its very path, whatever methods the route takes.
fn answer(app: &App, route: &Route) -> String {
    let answers = |method: &String| method == "GET" || method == "HEAD";
    if !route.methods.is_empty() && !route.methods.iter().any(answers) {
        let methods = route.methods.join(", ");
        return format!("takes {methods} only: the probe is answered 405");
    }
    let has = |class: &str| app.middleware.iter().any(|entry| entry.is(class));
    match (has("SessionMiddleware"), has("CSRFMiddleware")) {
        (true, true) => "this handler answers, with sessions and CSRF in front of it",
        (true, false) => "this handler answers, with sessions in front of it",
        (false, _) => "this handler answers in its place",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chirp_case::ChirpCase;
    use super::RULE;

    #[test]
    fn a_route_with_the_path_is_an_error_in_every_posture() {
        let case = ChirpCase::new()
            .route("/", &["GET"])
            .route("/health", &["GET"]);
        assert_eq!(case.severities(&RULE), "error / error / error");
        let found = case.in_production(&RULE);
        assert_eq!(
            found[0].message,
            "the route /health hides the liveness probe"
        );
        assert_eq!(found[0].first_spot(), "shop.py:11");
        assert_eq!(found[0].route.as_deref(), Some("/health"));
        assert_eq!(
            found[0].help,
            "rename the route, or move the probe: \
             AppConfig(health_path=\"/livez\") or CHIRP_HEALTH_PATH=/livez"
        );
    }

    #[test]
    fn what_stands_in_front_of_the_handler_is_said() {
        let case = ChirpCase::new()
            .route("/health", &["GET"])
            .middleware("SessionMiddleware", json!({}))
            .middleware("CSRFMiddleware", json!({}));
        let found = case.in_production(&RULE);
        assert!(found[0].first_label().contains("sessions and CSRF"));
    }

    #[test]
    fn a_route_for_other_methods_hides_it_too() {
        let case = ChirpCase::new().route("/ready", &["POST"]);
        assert_eq!(case.severities(&RULE), "error / error / error");
        let found = case.in_production(&RULE);
        assert_eq!(
            found[0].first_label(),
            "takes POST only: the probe is answered 405"
        );
    }

    #[test]
    fn a_pattern_is_a_warning_and_the_exact_route_goes_first() {
        let case = ChirpCase::new().route("/{page}", &["GET"]);
        assert_eq!(
            case.severities(&RULE),
            "warning+warning / warning+warning / warning+warning"
        );
        let found = case.in_production(&RULE);
        assert_eq!(
            found[1].message,
            "the route /{page} matches the readiness probe, /ready, too"
        );
        assert!(found[1].help.contains("/-/readyz"), "{}", found[1].help);
        let case = case.route("/health", &["GET"]);
        assert_eq!(
            case.severities(&RULE),
            "error+warning / error+warning / error+warning"
        );
    }

    #[test]
    fn where_every_path_is_taken_no_other_one_is_proposed() {
        let case = ChirpCase::new().route("/{path:path}", &["GET"]);
        assert_eq!(case.in_production(&RULE)[0].help, "narrow the pattern");
    }

    #[test]
    fn a_path_that_was_set_is_the_second_label() {
        let case = ChirpCase::new()
            .keyword("health_path", json!("/up"))
            .route("/up", &["GET"])
            .route("/health", &["GET"]);
        let found = case.in_production(&RULE);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].first_spot(), "shop.py:10");
        assert_eq!(found[0].labels[1].0, "health_path=\"/up\"");
        assert!(found[0].help.ends_with("AppConfig(health_path=\"/livez\")"));
    }

    #[test]
    fn both_probes_on_one_path_are_one_finding() {
        let case = ChirpCase::new()
            .keyword("ready_path", json!("/health"))
            .route("/health", &["GET"]);
        assert_eq!(case.in_production(&RULE).len(), 1);
    }

    #[test]
    fn other_routes_are_good() {
        let case = ChirpCase::new()
            .route("/healthy", &["GET"])
            .route("/health/", &["GET"])
            .route("/{id:int}", &["GET"])
            .route("/shop/{page}", &["GET"]);
        assert_eq!(case.severities(&RULE), "- / - / -");
    }
}
