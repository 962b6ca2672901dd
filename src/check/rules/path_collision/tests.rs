//! Which paths collide, how bad it is, and what a finding points at.

use serde_json::json;

use super::*;
use crate::app::snapshot::{App, Position, Snapshot};
use crate::check::rules::machine_cases::Case;

fn route(path: &str, line: u32) -> Route {
    Route {
        path: path.into(),
        methods: vec!["GET".into()],
        position: Some(Position {
            file: "/srv/shop.py".into(),
            line,
            column: 1,
            end_line: line,
            end_column: 20,
        }),
        ..Route::default()
    }
}

fn mount(path: &str) -> Route {
    Route {
        mount: true,
        methods: Vec::new(),
        ..route(path, 9)
    }
}

fn case(settings: &[(&str, serde_json::Value)], routes: Vec<Route>) -> Case {
    let mut case = Case::new(settings);
    case.snapshot = Some(Snapshot {
        app: Some(App {
            routes,
            ..App::default()
        }),
        ..Snapshot::default()
    });
    case
}

fn messages(settings: &[(&str, serde_json::Value)], routes: Vec<Route>) -> Vec<String> {
    let findings = case(settings, routes).judge(&RULE);
    findings
        .into_iter()
        .map(|finding| format!("{}: {}", finding.severity.as_str(), finding.message))
        .collect()
}

#[test]
fn paths_of_their_own_are_silent() {
    let settings = [
        ("health_check_path", json!("/health")),
        ("metrics_enabled", json!(true)),
        ("introspection_enabled", json!(true)),
        (
            "static_files",
            json!({"/static": "static", "/static/img": "img"}),
        ),
    ];
    let routes = vec![
        route("/", 1),
        route("/healthy", 2),
        route("/users/{id:int}", 3),
        route("/statics", 4),
        route("/static{page}", 5),
        mount("/api"),
    ];
    assert_eq!(messages(&settings, routes), [""; 0]);
}

#[test]
fn a_route_under_the_health_path_is_hidden() {
    let case = case(
        &[("health_check_path", json!("/health"))],
        vec![route("/health", 7)],
    );
    let findings = case.judge(&RULE);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].severity, Severity::Error);
    assert_eq!(
        findings[0].message,
        "the health endpoint hides the route /health"
    );
    assert_eq!(findings[0].route.as_deref(), Some("/health"));
    let labels = case.labels(&findings[0]);
    assert_eq!(labels[0], ("(python)", "this handler is never called"));
    assert_eq!(labels[1].0, "health_check_path = \"/health\"");
}

#[test]
fn patterns_and_mounts_lose_one_path_only() {
    let settings = [("health_check_path", json!("/health"))];
    let routes = vec![route("/{page}", 1), mount("/"), route("/{id:int}", 3)];
    assert_eq!(
        messages(&settings, routes),
        [
            "warning: the health endpoint answers /health, which the route /{page} matches too",
            "warning: the health endpoint answers /health, which lies below the mount /",
        ]
    );
}

#[test]
fn a_disabled_endpoint_never_collides() {
    let settings = [
        ("metrics_path", json!("/same")),
        ("introspection_path", json!("/same")),
    ];
    assert_eq!(messages(&settings, vec![route("/same", 1)]), [""; 0]);
}

#[test]
fn endpoints_collide_with_each_other() {
    let case = case(
        &[
            ("health_check_path", json!("/metrics")),
            ("metrics_enabled", json!(true)),
        ],
        Vec::new(),
    );
    let findings = case.judge(&RULE);
    assert_eq!(findings.len(), 1);
    assert_eq!(
        findings[0].message,
        "health_check_path and metrics_path are both /metrics"
    );
    let labels = case.labels(&findings[0]);
    // metrics_path stands at its default: what turned it on is to blame.
    assert_eq!(labels[0].0, "metrics_enabled = true");
    assert_eq!(labels[1].0, "health_check_path = \"/metrics\"");
}

#[test]
fn the_introspection_path_counts_too() {
    let settings = [
        ("introspection_enabled", json!(true)),
        ("introspection_path", json!("/info")),
        ("health_check_path", json!("/info")),
    ];
    assert_eq!(
        messages(&settings, vec![route("/info", 1)]).len(),
        3,
        "with each other, and each with the route"
    );
}

#[test]
fn an_endpoint_below_a_static_prefix_collides() {
    let settings = [
        ("static_files", json!({"/static/": "static"})),
        ("health_check_path", json!("/static/health")),
    ];
    assert_eq!(
        messages(&settings, Vec::new()),
        ["error: health_check_path is /static/health, below the static prefix /static/"]
    );
}

#[test]
fn equal_prefixes_collide_and_nested_ones_do_not() {
    let settings = [("static_files", json!({"/a": "x", "/a/": "y", "/a/b": "z"}))];
    assert_eq!(
        messages(&settings, Vec::new()),
        ["error: static_files has the prefix /a twice, as /a/ too"]
    );
}

#[test]
fn routes_below_a_static_prefix_are_one_finding() {
    let case = case(
        &[("static_files", json!({"/static": "static"}))],
        vec![
            route("/static/{name}", 1),
            route("/static", 2),
            route("/about", 3),
            mount("/static/old"),
            route("/static/last", 4),
        ],
    );
    let findings = case.judge(&RULE);
    assert_eq!(findings.len(), 1);
    assert_eq!(
        findings[0].message,
        "the static prefix /static hides 4 routes, /static/{name} first"
    );
    assert_eq!(findings[0].labels.len(), 1 + SHOWN);
    assert!(
        findings[0]
            .details
            .as_ref()
            .is_some_and(|text| text.contains("/static/last"))
    );
}

#[test]
fn a_prefix_of_everything_hides_everything() {
    let settings = [("static_files", json!({"/": "site"}))];
    assert_eq!(
        messages(&settings, vec![route("/about", 1)]),
        ["error: the static prefix / hides the route /about"]
    );
}

#[test]
fn an_unreadable_path_is_left_to_the_config_rule() {
    let settings = [("health_check_path", json!("health"))];
    assert_eq!(messages(&settings, vec![route("/health", 1)]), [""; 0]);
}
