//! What the real commands say about configurations: one fixture for each mistake, and good ones.

#![cfg(test)]

mod command;

use command::Command;
use insta::assert_snapshot;

/// `pounce check --scope config` on a fixture.
fn judged(fixture: &str, arguments: &[&str]) -> String {
    Command::pounce()
        .fixture("config", fixture)
        .args(["check", "--scope", "config"])
        .args(arguments.iter().copied())
        .run()
}

macro_rules! fixtures {
    ($($name:ident: $folder:literal,)+) => { $(
        #[test]
        fn $name() {
            assert_snapshot!(judged($folder, &[]));
        }
    )+ };
}

fixtures! {
    a_good_file_is_one_line: "good",
    unknown_keys_name_the_nearest_and_hide_secrets: "unknown-key",
    wrong_types: "wrong-type",
    out_of_range: "out-of-range",
    bad_choices: "bad-choice",
    a_certificate_without_its_key: "tls-pair",
    an_old_name: "old-name",
    an_old_name_beside_the_new_one: "old-and-new-name",
    syntax_errors: "syntax-error",
    a_decimal_file_mode: "file-mode",
    a_socket_and_a_port: "socket-and-port",
    http3_without_certificate_and_with_a_socket: "http3",
    a_derived_field: "derived",
    a_network_that_is_none: "peers",
    static_files_without_slash: "static-files",
    the_preflight_table: "preflight-table",
    a_table_around_the_settings: "table-around",
    the_pyproject_table_in_the_wrong_file: "tool-table",
    a_mistake_in_pyproject: "pyproject",
    two_files: "two-files",
    ten_mistakes_are_all_shown: "ten-mistakes",
    not_utf8: "non-utf8",
    a_folder_instead_of_a_file: "folder",
}

#[test]
fn a_missing_file_is_said_where_it_was_named() {
    assert_snapshot!(judged("good", &["--config", "nowhere.toml"]));
}

#[test]
fn a_flag_and_a_file_that_contradict_each_other() {
    assert_snapshot!(judged(
        "tls-pair",
        &["--uds", "/run/x.sock", "--port", "80"]
    ));
}

#[test]
fn a_flag_that_does_not_parse() {
    assert_snapshot!(judged(
        "good",
        &[
            "--port",
            "http",
            "--log-level=loud",
            "--http2",
            "--no-http2"
        ]
    ));
}

#[test]
fn variables_that_do_not_parse_or_are_unknown() {
    let shown = Command::pounce()
        .fixture("config", "good")
        .env("POUNCE_PORT", "eighty")
        .env("POUNCE_WORKER", "4")
        .env("POUNCE_SENTRY_DNS", "https://publickey@sentry.example/1")
        .env("POUNCE_OTEL_ENDPOINT", "http://user:hunter2@otel:4318")
        .env("POUNCE_ACCESS_LOG", "maybe")
        .args(["check", "--scope", "config"])
        .run();
    assert!(
        !shown.contains("publickey") && !shown.contains("hunter2"),
        "{shown}"
    );
    assert_snapshot!(shown);
}

#[test]
fn variables_of_kubernetes_are_explained() {
    assert_snapshot!(
        Command::pounce()
            .fixture("config", "good")
            .env("POUNCE_PORT", "tcp://10.0.0.1:8000")
            .env("POUNCE_SERVICE_HOST", "10.0.0.1")
            .env("POUNCE_PORT_8000_TCP_ADDR", "10.0.0.1")
            .args(["check", "--scope", "config", "--include-info"])
            .run()
    );
}

#[test]
fn show_prints_what_is_in_force() {
    assert_snapshot!(
        Command::pounce()
            .fixture("config", "good")
            .env("POUNCE_LOG_LEVEL", "debug")
            .args(["config", "show", "--port", "9000", "--origin"])
            .run()
    );
}

#[test]
fn show_reveals_what_is_hidden_but_no_secret() {
    let shown = Command::pounce()
        .fixture("config", "unknown-key")
        .env("POUNCE_SENTRY_DSN", "https://publickey@sentry.example/1")
        .args([
            "config",
            "show",
            "--config",
            "/dev/null",
            "--reveal",
            "--output-format",
            "json",
        ])
        .run();
    assert!(!shown.contains("publickey"), "{shown}");
    assert_snapshot!(shown);
}

#[test]
fn show_of_an_invalid_configuration_prints_no_values() {
    assert_snapshot!(
        Command::pounce()
            .fixture("config", "wrong-type")
            .args(["config", "show"])
            .run()
    );
}

#[test]
fn show_of_an_app() {
    assert_snapshot!(
        Command::chirp()
            .fixture("config", "app-good")
            .env("PORT", "5000")
            .env("RAILWAY_ENVIRONMENT_ID", "x")
            .env("CHIRP_FEATURE_NEW_CART", "on")
            .args(["config", "show", "--origin"])
            .run()
    );
}

#[test]
fn mistakes_of_an_app() {
    assert_snapshot!(
        Command::chirp()
            .fixture("config", "app-bad")
            .args(["config", "show"])
            .run()
    );
}

#[test]
fn help_is_grouped_by_topic() {
    assert_snapshot!(Command::pounce().args(["check", "--help"]).run());
    assert_snapshot!(Command::chirp().args(["check", "--help"]).run());
}

#[test]
fn wrong_usage_exits_with_two() {
    assert_snapshot!(Command::pounce().args(["check", "--prt", "1"]).run());
    assert_snapshot!(Command::chirp().args(["check"]).run());
    assert_snapshot!(Command::pounce().args(["rule", "exposur"]).run());
}

#[test]
fn a_flag_of_another_server_is_told_what_it_is_called_here() {
    for (flag, advice) in [
        ("--certfile", "tip: called --ssl-certfile here"),
        ("--bind=0.0.0.0:80", "tip: called --host and --port here"),
        ("-w", "tip: called --workers here"),
        (
            "--limit-concurrency",
            "tip: called max_connections in pounce.toml here",
        ),
        (
            "--timeout",
            "tip: another server's setting, none of this one's",
        ),
    ] {
        let (_, err, code) = Command::pounce().args(["check", flag]).output();
        assert_eq!(code, 2, "{flag}");
        assert!(err.contains(advice), "{flag}: {err}");
        assert!(!err.contains("'-- "), "{flag}: {err}");
    }
}

/// Standard output is a full disk: nobody may take the missing text for a result.
#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written_is_a_failure() {
    for arguments in [
        &["check", "--scope", "config"][..],
        &["check", "--scope", "config", "--json"],
        &["config", "show"],
        &["config", "schema"],
        &["rule", "bind"],
        &["completions", "bash"],
        &["--version"],
        &["--help"],
        &["check", "--help"],
    ] {
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let (err, code) = Command::pounce()
            .args(arguments.iter().copied())
            .output_into(full.into());
        assert_eq!(code, 2, "{arguments:?}");
        assert_eq!(
            err.trim_end(),
            "the output could not be written: no space left on device",
            "{arguments:?}"
        );
    }
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let (err, code) = Command::pounce()
        .args(["config", "schema"])
        .output_into(writer.into());
    assert_eq!((err.as_str(), code), ("", 0));
}
