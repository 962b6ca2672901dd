//! Every rule through the real commands: each bad fixture is named by its rule at its line, each good
//! one is not.

#![cfg(test)]

mod command;

use std::fs;
use std::path::{Path, PathBuf};

use command::{Command, fixtures};
use insta::assert_snapshot;

/// Rules whose good and bad depend on the machine of the test; `tests/machine` has them on files and
/// sockets that it makes.
const OF_THE_MACHINE: [&str; 3] = ["bind", "tls_files", "tls_validity"];

/// The interpreter with this project's packages.
fn python() -> String {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    assert!(
        python.exists(),
        "run `make tools`: {} is missing",
        python.display()
    );
    python.display().to_string()
}

/// The fixtures of a rule, each by its stem.
fn cases(rule: &str) -> Vec<String> {
    let folder = fixtures().join("rules").join(rule);
    let mut stems: Vec<String> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| PathBuf::from(entry.unwrap().file_name()))
        .filter(|file| {
            file.extension()
                .is_some_and(|kind| kind == "py" || kind == "toml")
        })
        .map(|file| file.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    stems.sort();
    stems.dedup();
    stems
}

/// Judges a fixture: an app by `chirp check --deploy`, a configuration (and the app beside it) by
/// `pounce check`.
fn judge(rule: &str, stem: &str) -> String {
    let folder = fixtures().join("rules").join(rule);
    let has = |kind: &str| folder.join(format!("{stem}.{kind}")).exists();
    let (config, target, python) = (format!("{stem}.toml"), format!("{stem}:app"), python());
    let mut arguments = vec!["check"];
    let command = if has("toml") {
        arguments.extend(["--config", &config, "--port", "0"]);
        if has("py") {
            arguments.extend(["--app", &target]);
        }
        Command::pounce()
    } else {
        arguments.push(&target);
        if !stem.ends_with("_development") {
            arguments.push("--deploy");
        }
        Command::chirp().env("CHIRP_SECRET_KEY", "a fixture's key of enough characters")
    };
    arguments.extend([
        "--output-format",
        "concise",
        "--python",
        &python,
        "--import-timeout",
        "10",
    ]);
    command.fixture("rules", rule).args(arguments).run()
}

fn judged(rule: &str) -> String {
    let mut shown = String::new();
    for stem in cases(rule) {
        let report = judge(rule, &stem);
        let named = report.contains(&format!("[{rule}]"));
        assert_eq!(named, stem.starts_with("bad"), "{rule}/{stem}:\n{report}");
        shown.push_str(&format!("=== {stem}\n{report}"));
    }
    shown
}

macro_rules! rules {
    ($($rule:ident,)+) => {
        $(
            #[test]
            fn $rule() {
                assert_snapshot!(judged(stringify!($rule)));
            }
        )+

        #[test]
        fn every_rule_has_good_and_bad_fixtures() {
            let here = [$(stringify!($rule)),+];
            for rule in pounce_core::check::rules::ALL {
                if rule.id == "unknown_variable" {
                    continue; // Its good and bad are variables: see below.
                }
                let stems = cases(rule.id);
                assert!(stems.iter().any(|stem| stem.starts_with("bad")), "{}", rule.id);
                assert!(stems.iter().any(|stem| stem.starts_with("good")), "{}", rule.id);
                assert!(
                    here.contains(&rule.id) || OF_THE_MACHINE.contains(&rule.id),
                    "{} is not judged here",
                    rule.id
                );
            }
        }
    };
}

rules! {
    config,
    unsupported_setting,
    import,
    secret_key,
    allowed_hosts,
    trusted_proxies,
    deploy_debug,
    deploy_metrics,
    deploy_health,
    deploy_sentry,
    security_stack,
    csrf_session,
    cookie_secure,
    hsts,
    csp_nonce,
    middleware_signature,
    worker_hooks,
    path_collision,
    workers,
    exposure,
}

#[test]
fn an_unknown_variable_is_named() {
    let judged = |variable: &str| {
        let arguments = ["check", "--scope", "config", "--output-format", "concise"];
        Command::pounce().env(variable, "4").args(arguments).run()
    };
    assert_snapshot!(judged("POUNCE_WORKER"));
    assert!(!judged("POUNCE_WORKERS").contains("unknown_variable"));
}

#[test]
fn a_missing_secret_key_is_said_with_every_place_it_could_come_from() {
    let python = python();
    assert_snapshot!(
        Command::chirp()
            .fixture("rules", "secret_key")
            .args(["check", "good:app", "--deploy", "--python", &python])
            .run()
    );
}

#[test]
fn every_page_says_what_is_bad_and_what_is_good() {
    for rule in pounce_core::check::rules::ALL {
        let page = rule.page;
        assert!(page.starts_with(&format!("# {}\n", rule.id)), "{}", rule.id);
        for heading in ["\n## Why\n", "\n## Bad\n", "\n## Good\n"] {
            assert!(page.contains(heading), "{} lacks {heading:?}", rule.id);
        }
    }
}
