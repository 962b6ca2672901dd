//! Every kind of failure becomes a finding that points at the user's code and says what to do.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::{RULE, missing_module};
use crate::app::snapshot::Snapshot;
use crate::check::finding::{Finding, Severity, Spot};
use crate::check::rule::{Context, Tool};
use crate::config::types::Env;

fn frame(file: &str, line: u32, function: &str, own: bool) -> Json {
    let position =
        json!({"file": file, "line": line, "column": 0, "end_line": line, "end_column": 9});
    json!({"position": position, "function": function, "own": own})
}

fn snapshot(failure: &Json) -> Snapshot {
    serde_json::from_value(json!({
        "protocol": 1,
        "python": {"version": "3.12.1", "executable": "/srv/.venv/bin/python"},
        "target": {"spec": "shop:app", "module": "shop", "attribute": "app"},
        "failure": failure,
    }))
    .unwrap()
}

fn judge(failure: &Json) -> Finding {
    judge_by(Tool::Pounce, failure)
}

fn judge_by(tool: Tool, failure: &Json) -> Finding {
    let snapshot = snapshot(failure);
    let cx = Context {
        tool,
        posture: Env::Production,
        server: None,
        app_config: None,
        target: None,
        snapshot: Some(&snapshot),
        machine: None,
        problems: &[],
    };
    let mut findings = Vec::new();
    (RULE.check)(&cx, &mut findings);
    assert_eq!(findings.len(), 1, "{findings:?}");
    let finding = findings.remove(0);
    assert_eq!(finding.severity, Severity::Error);
    let first = finding.message.chars().next().unwrap();
    assert!(
        !first.is_uppercase() && !finding.message.ends_with('.'),
        "{}",
        finding.message
    );
    finding
}

/// File and line of every label.
fn places(finding: &Finding) -> Vec<(String, u32)> {
    let place = |spot: &Spot| match spot {
        Spot::Python(position) => (position.file.display().to_string(), position.line),
        Spot::Place(place) => panic!("a place where a Python position was expected: {place:?}"),
    };
    finding
        .labels
        .iter()
        .map(|label| place(&label.spot))
        .collect()
}

#[test]
fn it_is_silent_without_a_failure() {
    let mut snapshot = snapshot(&Json::Null);
    snapshot.target.file = Some(PathBuf::from("/srv/shop.py"));
    let cx = Context {
        tool: Tool::Chirp,
        posture: Env::Production,
        server: None,
        app_config: None,
        target: None,
        snapshot: Some(&snapshot),
        machine: None,
        problems: &[],
    };
    let mut findings = Vec::new();
    (RULE.check)(&cx, &mut findings);
    (RULE.check)(
        &Context {
            snapshot: None,
            ..cx
        },
        &mut findings,
    );
    assert_eq!(findings, []);
}

#[test]
fn an_exception_points_at_the_innermost_own_line_and_at_its_callers() {
    let finding = judge(&json!({
        "kind": "exception", "exception": "ValueError", "message": "not enough values to unpack",
        "frames": [
            frame("/srv/shop.py", 17, "<module>", true),
            frame("/srv/shop.py", 8, "load", true),
            frame("/srv/shop.py", 8, "load", true),
            frame("/usr/lib/python3.12/json/decoder.py", 337, "decode", false),
        ],
        "output": ["loading settings"],
    }));
    assert_eq!(finding.rule, "import");
    assert_eq!(
        finding.message,
        "importing shop raised ValueError: not enough values to unpack"
    );
    assert_eq!(
        places(&finding),
        [("/srv/shop.py".into(), 8), ("/srv/shop.py".into(), 17)]
    );
    assert_eq!(finding.labels[0].text, "this call raised, in decode");
    assert_eq!(finding.labels[1].text, "called from here");
    let details = finding.details.unwrap();
    assert!(details.contains("decoder.py:337 in decode"), "{details}");
    assert!(
        details.contains("the app printed:\n  loading settings"),
        "{details}"
    );
}

#[test]
fn a_variable_that_is_not_set_is_told_from_other_keys() {
    let helps = |key: &str| {
        let failure = json!({
            "kind": "exception", "exception": "KeyError", "message": key,
            "frames": [frame("/srv/shop.py", 7, "<module>", true)],
        });
        judge(&failure).help.concat()
    };
    assert!(helps("'DATABASE_URL'").contains("export DATABASE_URL="));
    assert!(!helps("'database'").contains("export"));
    assert!(!helps("3").contains("export"));
}

#[test]
fn a_missing_package_is_installed_for_the_interpreter_that_was_used() {
    let finding = judge(&json!({
        "kind": "module_not_found", "message": "No module named 'yaml'", "missing_module": "yaml",
        "exception": "ModuleNotFoundError", "frames": [frame("/srv/shop.py", 3, "<module>", true)],
    }));
    assert_eq!(finding.message, "there is no module yaml");
    assert_eq!(places(&finding), [("/srv/shop.py".into(), 3)]);
    assert_eq!(
        finding.help[0],
        "install it: /srv/.venv/bin/python -m pip install PyYAML"
    );
    assert!(
        finding.help[1].contains("/srv/.venv/bin/python (Python 3.12.1)"),
        "{:?}",
        finding.help
    );
    assert!(finding.help[1].contains("--python"), "{:?}", finding.help);
}

#[test]
fn a_missing_module_beside_the_target_names_the_nearest() {
    let finding = judge(&json!({
        "kind": "module_not_found", "message": "No module named 'setings'", "missing_module": "setings",
        "nearest": ["settings"], "frames": [frame("/srv/shop.py", 3, "<module>", true)],
    }));
    assert_eq!(finding.help[0], "did you mean settings?");
}

#[test]
fn what_left_the_standard_library_is_not_to_be_installed() {
    let finding = judge(&json!({
        "kind": "module_not_found", "message": "No module named 'imp'", "missing_module": "imp",
    }));
    assert!(
        finding.help[0].contains("Python 3.12"),
        "{:?}",
        finding.help
    );
    assert!(
        !finding.help.iter().any(|line| line.contains("pip install")),
        "{:?}",
        finding.help
    );
}

#[test]
fn a_submodule_that_is_missing_asks_for_the_version() {
    let finding = judge(&json!({
        "kind": "module_not_found", "message": "No module named 'flask.ext'", "missing_module": "flask.ext",
    }));
    assert!(
        finding.help[0].contains("flask is there and has no ext"),
        "{:?}",
        finding.help
    );
}

#[test]
fn the_targets_own_module_is_named_with_the_rest_of_the_target() {
    let finding = judge(&json!({
        "kind": "module_not_found", "message": "No module named 'shop' in /srv",
        "folder": "src",
        "missing_module": "shop", "own_module": true, "nearest": ["shops"],
    }));
    assert_eq!(finding.message, "no module named 'shop' in /srv");
    assert_eq!(finding.help[0], "did you mean shops:app?");
    assert_eq!(finding.help[1], "it is in src: add --app-dir src");
}

#[test]
fn a_package_of_the_apps_own_is_not_to_be_installed() {
    let mut snapshot = snapshot(&json!({
        "kind": "module_not_found", "message": "No module named 'shop'", "folder": "src",
        "missing_module": "shop", "own_module": false, "nearest": ["shop.web"],
    }));
    snapshot.target.spec = "src.shop.web:create_app()".into();
    snapshot.target.module = "src.shop.web".into();
    let finding = missing_module::finding(&snapshot, snapshot.failure.as_ref().unwrap());
    assert_eq!(
        finding.help,
        ["it is in src: name the app shop.web:create_app(), and add --app-dir src"]
    );
}

#[test]
fn a_circular_import_is_told_as_one() {
    let finding = judge(&json!({
        "kind": "import_error", "exception": "ImportError",
        "message": "cannot import name 'a' from partially initialized module 'b'",
        "frames": [frame("/srv/shop.py", 2, "<module>", true)],
    }));
    assert!(finding.why.unwrap().contains("import each other"));
    let finding = judge(&json!({
        "kind": "import_error", "message": "cannot import name 'Ap' from 'chirp'", "nearest": ["App"],
    }));
    assert_eq!(finding.help, ["did you mean App?"]);
}

#[test]
fn a_missing_attribute_names_the_nearest_target() {
    let finding = judge(&json!({
        "kind": "attribute_missing", "message": "shop has no attribute 'ap'", "nearest": ["app", "api"],
    }));
    assert_eq!(finding.help, ["did you mean shop:app or shop:api?"]);
    let finding =
        judge(&json!({"kind": "attribute_missing", "message": "shop has no attribute 'x'"}));
    assert!(
        finding.help[0].contains("shop:FACTORY()"),
        "{:?}",
        finding.help
    );
}

#[test]
fn what_is_no_app_is_said_and_how_a_factory_is_spelled() {
    let defined = [frame("/srv/shop.py", 5, "app", true)];
    let finding = judge(&json!({
        "kind": "not_asgi", "message": "shop:app is a function, not an ASGI application",
        "nearest": ["shop:app()"], "frames": defined,
    }));
    assert_eq!(finding.help, ["did you mean shop:app()?"]);
    assert_eq!(places(&finding), [("/srv/shop.py".into(), 5)]);
    let finding = judge(&json!({
        "kind": "not_asgi", "message": "shop:app is a WSGI application, not an ASGI one",
    }));
    assert!(finding.help[0].contains("WsgiToAsgi"), "{:?}", finding.help);
    let finding = judge(&json!({
        "kind": "not_asgi", "message": "shop:app is a function, not an ASGI application",
        "nearest": ["shop:app()"], "required_parameters": ["env"],
    }));
    assert!(
        finding.help[0].starts_with("give env a default"),
        "{:?}",
        finding.help
    );
}

#[test]
fn factories_that_need_fail_or_return_something_else() {
    let finding = judge(&json!({
        "kind": "factory_arguments", "message": "create_app needs env, db: a factory is called without",
        "required_parameters": ["env", "db"], "frames": [frame("/srv/shop.py", 5, "create_app", true)],
    }));
    assert!(
        finding.help[0].starts_with("give env, db a default"),
        "{:?}",
        finding.help
    );
    assert_eq!(places(&finding), [("/srv/shop.py".into(), 5)]);
    let finding = judge(&json!({
        "kind": "factory_failed", "exception": "KeyError", "message": "'DB'",
        "frames": [frame("/srv/shop.py", 6, "app", true)],
    }));
    assert_eq!(finding.message, "app() raised KeyError: 'DB'");
    let finding = judge(&json!({"kind": "factory_not_app", "message": "app() returned None"}));
    assert!(
        finding.help[0].contains("return the app"),
        "{:?}",
        finding.help
    );
}

#[test]
fn the_ends_of_a_process_are_told_apart() {
    let at = [frame("/srv/shop.py", 9, "<module>", true)];
    let exit = judge(&json!({
        "kind": "system_exit", "message": "sys.exit(3)", "exit_code": "3", "frames": at,
        "output": ["usage: shop"],
    }));
    assert_eq!(exit.message, "importing shop calls sys.exit(3)");
    assert!(exit.details.unwrap().contains("usage: shop"));
    let crash = judge(&json!({
        "kind": "crash", "message": "importing shop was ended by SIGSEGV", "signal": "SIGSEGV", "frames": at,
    }));
    assert!(
        crash.help[0].contains("-X faulthandler"),
        "{:?}",
        crash.help
    );
    assert_eq!(places(&crash), [("/srv/shop.py".into(), 9)]);
    let killed = judge(&json!({
        "kind": "crash", "message": "importing shop was ended by SIGKILL", "signal": "SIGKILL",
    }));
    assert!(killed.help[0].contains("memory"), "{:?}", killed.help);
    let gone =
        judge(&json!({"kind": "vanished", "message": "importing shop ended the process at once"}));
    assert!(gone.help[0].contains("os._exit"), "{:?}", gone.help);
    let hang = judge(&json!({
        "kind": "hang", "message": "shop is not imported after 30 s", "frames": at,
    }));
    assert!(
        hang.help[0].contains("pounce check shop:app --import-timeout"),
        "{:?}",
        hang.help
    );
    assert_eq!(hang.labels[0].text, "still here at the time limit");
}

#[test]
fn interpreters_syntax_and_targets() {
    for kind in ["wrong_interpreter", "no_interpreter"] {
        let finding = judge(&json!({"kind": kind, "message": "no Python found: .venv: broken"}));
        assert!(finding.help[0].contains("--python"), "{:?}", finding.help);
    }
    let finding = judge(&json!({
        "kind": "syntax_error", "message": "'(' was never closed",
        "frames": [frame("/srv/shop.py", 5, "<module>", true)],
    }));
    assert_eq!(
        finding.message,
        "shop does not compile: '(' was never closed"
    );
    assert!(finding.help[0].contains("3.12.1"), "{:?}", finding.help);
    let finding = judge(&json!({
        "kind": "target_syntax", "message": "`shop.py` is a path", "nearest": ["shop:app"],
    }));
    assert_eq!(finding.help, ["did you mean shop:app?"]);
}

#[test]
fn a_configuration_that_refuses_its_values_is_no_import_failure_for_its_own_command() {
    let frames = [
        frame("/srv/shop.py", 6, "AppConfig", true),
        frame("/srv/shop.py", 6, "<module>", true),
        frame("/srv/.venv/chirp/config.py", 99, "__post_init__", false),
    ];
    let refusal = json!({
        "kind": "config_error", "exception": "ConfigurationError", "fields": ["secret_key"],
        "message": "secret_key must be set in production.", "frames": frames,
    });
    let key = judge_by(Tool::Chirp, &refusal);
    assert_eq!(
        (key.rule, key.field.as_deref()),
        ("secret_key", Some("secret_key"))
    );
    assert_eq!(key.message, "secret_key must be set in production");
    assert_eq!(places(&key)[0], ("/srv/shop.py".into(), 6));
    assert_eq!(key.labels.len(), 1);
    // Another server does not read that configuration: its app does not import.
    assert_eq!(judge(&refusal).rule, "import");
    let several = json!({
        "kind": "config_error", "fields": ["workers", "port"], "message": "workers must be positive", "frames": frames,
    });
    let other = judge_by(Tool::Chirp, &several);
    assert_eq!(other.rule, "config");
    assert_eq!(other.labels[0].text, "workers, port is refused here");
}
