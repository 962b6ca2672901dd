//! Mistakes in files, variables and keywords: all of a run, each at its place.

use serde_json::json;

use crate::{World, literal};

#[test]
fn ten_mistakes_in_one_file_are_ten_problems() {
    let text = r#"
worker = 4
port = 70000
host = ""
log_level = "loud"
compression = "yes"
header_timeout = 0
health_check_path = "health"
uds_permissions = 660
trusted_hosts = ["10.0.0.1", "10.0.0.0/99"]
sentry_traces_sample_rate = 25
"#;
    let outcome = World::new().file("pounce.toml", text).server();
    assert_eq!(
        outcome.problems(),
        [
            "error: unknown key `worker`",
            "error: `port` must be an integer from 0 to 65535",
            "error: `host` must be a text that is not empty",
            "error: `log_level` must be one of \"critical\", \"debug\", \"error\", \"info\", \"warning\"",
            "error: `compression` must be true or false",
            "error: `header_timeout` must be a number greater than 0",
            "error: `health_check_path` must be a URL path that starts with /",
            "error: `uds_permissions` must be a file mode such as 0o660",
            "error: `trusted_hosts` must be a list of addresses, networks, host names, \"unix:\" or \"*\"",
            "error: `sentry_traces_sample_rate` must be a number from 0.0 to 1.0",
        ]
    );
    let labels: Vec<_> = outcome
        .resolved
        .problems
        .iter()
        .map(|problem| outcome.labels(problem)[0].1.clone())
        .collect();
    let expected = [
        "worker",
        "70000",
        "\"\"",
        "\"loud\"",
        "\"yes\"",
        "0",
        "\"health\"",
        "660",
        "\"10.0.0.0/99\"",
        "25",
    ];
    assert_eq!(labels, expected);
}

#[test]
fn an_item_of_a_list_and_a_key_of_a_table_are_pointed_at() {
    let text = "reload_include = [\".py\", 3]\n[static_files]\n\"/ok\" = \"x\"\nstatic = \"y\"\n";
    let outcome = World::new().file("pounce.toml", text).server();
    let labels: Vec<_> = outcome
        .resolved
        .problems
        .iter()
        .map(|problem| outcome.labels(problem)[0].1.clone())
        .collect();
    assert_eq!(labels, ["3", "static = \"y\""]);
}

#[test]
fn numbers_are_read_as_toml_writes_them() {
    let text = "port = 0x1F90\nmax_request_size = 1_000_000\nuds_permissions = 0o600\nheader_timeout = 1e1\nrequest_timeout = 5\n";
    let outcome = World::new().file("pounce.toml", text).server();
    assert_eq!(outcome.problems(), [""; 0]);
    let config = &outcome.resolved.config;
    assert_eq!(
        (
            config.port,
            config.max_request_size,
            config.uds_permissions.bits()
        ),
        (8080, 1_000_000, 0o600)
    );
    let seconds = [config.header_timeout.get(), config.request_timeout.get()];
    assert!((seconds[0] - 10.0).abs() < 1e-9 && (seconds[1] - 5.0).abs() < 1e-9);
    let text = "header_timeout = inf\nwrite_timeout = nan\nport = 99999999999999999999\n";
    assert_eq!(
        World::new()
            .file("pounce.toml", text)
            .server()
            .problems()
            .len(),
        3
    );
}

#[test]
fn several_syntax_errors_are_told_at_once_beside_the_other_mistakes() {
    let text = "port = \nworker = 2\nhost = localhost\ndebug = True\nbacklog = 0\n";
    let outcome = World::new().file("pounce.toml", text).server();
    let problems = outcome.problems();
    let syntax = problems
        .iter()
        .filter(|problem| problem.ends_with("is not valid TOML"))
        .count();
    assert_eq!(syntax, 3, "{problems:#?}");
    assert!(
        problems.contains(&"error: unknown key `worker`".to_owned()),
        "{problems:#?}"
    );
    assert!(
        problems.iter().any(|problem| problem.contains("`backlog`")),
        "{problems:#?}"
    );
    let help: Vec<_> = outcome
        .resolved
        .problems
        .iter()
        .filter_map(|problem| problem.help.as_deref())
        .collect();
    assert!(help.contains(&"texts stand in double quotes"), "{help:?}");
    assert!(
        help.contains(&"TOML writes booleans as true and false"),
        "{help:?}"
    );
}

#[test]
fn a_key_that_stands_twice_is_an_error() {
    let outcome = World::new()
        .file("pounce.toml", "port = 1\nport = 2\n")
        .server();
    assert_eq!(outcome.problems(), ["error: pounce.toml is not valid TOML"]);
    assert_eq!(outcome.only().help.as_deref(), Some("keep one of the two"));
}

#[test]
fn settings_in_a_table_of_their_own_are_told_where_they_belong() {
    let outcome = World::new()
        .file("pounce.toml", "[server]\nport = 1\n")
        .server();
    assert_eq!(outcome.problems(), ["error: unknown key `server`"]);
    assert_eq!(
        outcome.only().help.as_deref(),
        Some("the settings stand at the top, without a table around them")
    );
    let outcome = World::new()
        .file("pounce.toml", "[tool.pounce]\nport = 1\n")
        .server();
    assert!(
        outcome
            .only()
            .help
            .as_ref()
            .unwrap()
            .contains("belongs into pyproject.toml")
    );
}

#[test]
fn the_check_table_is_checked_too() {
    let text = "[check]\nignore = \"bind\"\ninclude_inf = true\nwarnings_as_errors = 1\n";
    let outcome = World::new().file("pounce.toml", text).server();
    let mut problems = outcome.problems();
    problems.sort();
    assert_eq!(
        problems,
        [
            "error: `check.ignore` must be a list of rule names",
            "error: `check.warnings_as_errors` must be true or false",
            "error: unknown key `check.include_inf`",
        ]
    );
}

#[test]
fn keywords_are_checked_and_pointed_at() {
    let outcome = World::new()
        .keyword("worker", json!(4))
        .keyword("port", json!("8000"))
        .keyword("host", json!(null))
        .keyword("uds", json!(null))
        .server();
    assert_eq!(
        outcome.problems(),
        [
            "error: unknown keyword `worker`",
            "error: `port` must be an integer from 0 to 65535",
            "error: `host` must be a text that is not empty",
        ]
    );
    let labels = outcome.labels(&outcome.resolved.problems[1]);
    assert_eq!(
        literal(&labels),
        [("shop.py", "port=\"8000\"", "found the text \"8000\"")]
    );
}

#[test]
fn the_empty_text_unsets_what_has_a_default() {
    let outcome = World::new()
        .file("pounce.toml", "static_index_file = \"\"\n")
        .server();
    assert_eq!(outcome.problems(), [""; 0]);
    assert_eq!(outcome.resolved.config.static_index_file, None);
    let outcome = World::new()
        .variable("CHIRP_AUDIT_SINK", "")
        .variable("CHIRP_STATIC_DIR", "")
        .app();
    assert_eq!(
        (
            &outcome.resolved.config.audit_sink,
            &outcome.resolved.config.static_dir
        ),
        (&None, &None)
    );
}
