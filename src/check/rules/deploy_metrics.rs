//! `deploy_metrics`: no route of the app takes the path of the metrics endpoint.

use serde_json::json;

use crate::check::finding::{Finding, Severity};
use crate::check::paths::{self, Match};
use crate::check::remedy;
use crate::check::rule::{Context, Rule, Scope, Tool};

const ID: &str = "deploy_metrics";
const ENABLED: &str = "metrics_enabled";
const PATH: &str = "metrics_path";
/// Where else the endpoint could live.
const ELSEWHERE: [&str; 2] = ["/-/metrics", "/internal/metrics"];

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "no route of the app takes the path of the metrics endpoint",
    scope: Scope::App,
    tools: &[Tool::Chirp],
    severities: "a route with that path: error; a pattern that matches it: warning",
    fatal: false,
    page: include_str!("../../../docs/rules/deploy_metrics.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let (Some(resolved), Some(app)) = (cx.app_config, cx.chirp_app()) else {
        return;
    };
    let config = &resolved.config;
    if !config.metrics_enabled || resolved.setting(PATH).invalid {
        return;
    }
    let path = config.metrics_path.as_str();
    let Some((route, found)) = paths::taker(&app.routes, path) else {
        return;
    };
    let (severity, message, label, first) = if found == Match::Exact {
        (
            Severity::Error,
            format!("the route {path} and the metrics endpoint have the same path"),
            format!("never called: the server answers {path} itself"),
            "rename the route",
        )
    } else {
        (
            Severity::Warning,
            format!(
                "the route {} matches the metrics endpoint, {path}, too",
                route.path
            ),
            format!("never called for {path}: the server answers it itself"),
            "narrow the pattern",
        )
    };
    let free = ELSEWHERE
        .into_iter()
        .find(|path| paths::taker(&app.routes, path).is_none());
    let help = match free {
        Some(free) => {
            let moved = remedy::set(resolved, PATH, &json!(free));
            format!("{first}, or move the endpoint: {moved}")
        }
        None => first.to_owned(),
    };
    let moved = resolved.setting(PATH).is_set();
    findings.push(
        Finding::new(ID, severity, message)
            .field(PATH)
            .route(route.path.clone())
            .at(route.position.clone(), label)
            .at(
                resolved.place(PATH).filter(|_| moved),
                "the endpoint was put here",
            )
            .at(resolved.place(ENABLED), "metrics are switched on here")
            .why("only one of the two can answer: users see numbers where they expect a page, or the scraper a page where it expects numbers")
            .help(help),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chirp_case::ChirpCase;
    use super::RULE;

    fn with_metrics() -> ChirpCase {
        ChirpCase::new().keyword("metrics_enabled", json!(true))
    }

    #[test]
    fn a_route_with_the_path_is_an_error_in_every_posture() {
        let case = with_metrics().route("/metrics", &["GET"]);
        assert_eq!(case.severities(&RULE), "error / error / error");
        let found = case.in_production(&RULE);
        assert_eq!(found[0].first_spot(), "shop.py:10");
        assert_eq!(found[0].labels[1].0, "metrics_enabled=true");
        assert_eq!(found[0].route.as_deref(), Some("/metrics"));
        assert!(found[0].help.contains("CHIRP_METRICS_PATH=/-/metrics"));
    }

    #[test]
    fn a_pattern_is_a_warning() {
        let case = with_metrics().route("/{page}", &["GET"]);
        assert_eq!(case.severities(&RULE), "warning / warning / warning");
        let found = case.in_production(&RULE);
        assert_eq!(
            found[0].message,
            "the route /{page} matches the metrics endpoint, /metrics, too"
        );
    }

    #[test]
    fn a_path_that_was_set_is_labelled() {
        let case = with_metrics()
            .keyword("metrics_path", json!("/stats"))
            .route("/stats", &["GET"]);
        let found = case.in_production(&RULE);
        assert_eq!(found[0].labels[1].0, "metrics_path=\"/stats\"");
        assert_eq!(found[0].labels.len(), 3);
    }

    #[test]
    fn without_metrics_or_on_another_path_it_is_good() {
        let case = ChirpCase::new().route("/metrics", &["GET"]);
        assert_eq!(case.severities(&RULE), "- / - / -");
        let case = with_metrics()
            .route("/metrics/", &["GET"])
            .route("/{id:int}", &["GET"]);
        assert_eq!(case.severities(&RULE), "- / - / -");
    }
}
