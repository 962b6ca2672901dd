//! Variables: their forms, strangers, platforms, env files.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use pounce_core::config::ProblemKind;

use crate::{World, literal};

#[test]
fn every_form_of_a_value_is_read() {
    let outcome = World::new()
        .variable("POUNCE_DEBUG", " On ")
        .variable("POUNCE_COMPRESSION", "0")
        .variable("POUNCE_LOG_LEVEL", "DEBUG")
        .variable("POUNCE_TRUSTED_HOSTS", "10.0.0.0/8, ::1  unix:")
        .variable("POUNCE_STATIC_FILES", "/static=public,/img=images")
        .variable("POUNCE_UDS_PERMISSIONS", "600")
        .variable("POUNCE_HEADER_TIMEOUT", "2.5")
        .server();
    assert_eq!(outcome.problems(), [""; 0]);
    let config = &outcome.resolved.config;
    assert!(config.debug && !config.compression);
    assert_eq!(config.log_level.as_str(), "debug");
    assert_eq!(config.trusted_hosts.peers().len(), 3);
    assert_eq!(config.static_files.0.len(), 2);
    assert_eq!(config.uds_permissions.bits(), 0o600);
}

#[test]
fn a_value_that_does_not_parse_is_an_error_with_a_source_of_its_own() {
    let outcome = World::new().variable("POUNCE_PORT", "80 80").server();
    assert_eq!(
        outcome.problems(),
        ["error: POUNCE_PORT must be an integer from 0 to 65535"]
    );
    assert_eq!(
        literal(&outcome.labels(outcome.only())),
        [(
            "environment",
            "POUNCE_PORT=80 80",
            "\"80 80\" is not a number"
        )]
    );
}

#[test]
fn a_value_that_is_no_text_is_an_error_without_it() {
    let outcome = World::new()
        .variable("POUNCE_HOST", OsString::from_vec(vec![b'a', 0xff]))
        .server();
    assert_eq!(
        outcome.problems(),
        ["error: POUNCE_HOST is not valid UTF-8"]
    );
    let stranger = World::new()
        .variable("OTHER", OsString::from_vec(vec![0xff]))
        .server();
    assert_eq!(stranger.problems(), [""; 0]);
}

#[test]
fn an_unknown_variable_is_a_warning_with_the_nearest_name() {
    let outcome = World::new()
        .variable("POUNCE_WORKER", "4")
        .variable("POUNCEWORKERS", "9")
        .server();
    assert_eq!(
        outcome.problems(),
        ["warning: unknown variable POUNCE_WORKER"]
    );
    assert_eq!(outcome.only().kind, ProblemKind::UnknownVariable);
    assert_eq!(
        literal(&outcome.labels(outcome.only())),
        [(
            "environment",
            "POUNCE_WORKER=4",
            "did you mean POUNCE_WORKERS?"
        )]
    );
}

#[test]
fn variables_of_a_kubernetes_service_are_only_noted() {
    let outcome = World::new()
        .variable("POUNCE_PORT", "tcp://10.0.0.1:8000")
        .variable("POUNCE_SERVICE_HOST", "10.0.0.1")
        .variable("POUNCE_PORT_8000_TCP_ADDR", "10.0.0.1")
        .file("pounce.toml", "port = 9000\n")
        .server();
    assert!(
        outcome
            .problems()
            .iter()
            .all(|problem| problem.starts_with("note: ")),
        "{:?}",
        outcome.problems()
    );
    assert_eq!(outcome.resolved.problems.len(), 3);
    assert_eq!(outcome.resolved.config.port, 9000);
    assert!(outcome.resolved.is_valid());
}

#[test]
fn features_fill_the_flags() {
    let outcome = World::new()
        .variable("CHIRP_FEATURE_NEW_CART", "yes")
        .variable("CHIRP_FEATURE_BETA", "off")
        .variable("CHIRP_FEATURE_WRONG", "perhaps")
        .app();
    assert_eq!(
        outcome.problems(),
        ["error: CHIRP_FEATURE_WRONG must be true or false"]
    );
    let flags = &outcome.resolved.config.feature_flags;
    assert_eq!(flags.get("new-cart"), Some(&true));
    assert_eq!(flags.get("beta"), Some(&false));
    let server = World::new().variable("POUNCE_FEATURE_BETA", "1").server();
    assert_eq!(
        server.problems(),
        ["warning: unknown variable POUNCE_FEATURE_BETA"]
    );
}

#[test]
fn railway_says_where_to_listen() {
    let outcome = World::new()
        .variable("PORT", "7000")
        .variable("RAILWAY_PUBLIC_DOMAIN", "shop.up.railway.app")
        .app();
    let config = &outcome.resolved.config;
    assert_eq!((config.port, config.host.as_str()), (7000, "0.0.0.0"));
    assert_eq!(
        config.allowed_hosts.0,
        ["shop.up.railway.app", "healthcheck.railway.app"]
    );
    assert_eq!(outcome.origin("host"), "RAILWAY_PUBLIC_DOMAIN");
    let outcome = World::new()
        .variable("PORT", "7000")
        .variable("CHIRP_PORT", "7001")
        .variable("CHIRP_HOST", "::")
        .variable("RAILWAY_ENVIRONMENT_ID", "x")
        .variable("CHIRP_ALLOWED_HOSTS", "shop.example")
        .app();
    let config = &outcome.resolved.config;
    assert_eq!((config.port, config.host.as_str()), (7001, "::"));
    assert_eq!(config.allowed_hosts.0, ["shop.example"]);
    let outcome = World::new().variable("RAILWAY_ENVIRONMENT_ID", "x").app();
    assert_eq!(outcome.resolved.config.host.as_str(), "0.0.0.0");
    assert_eq!(outcome.resolved.config.allowed_hosts.0, ["*"]);
    let outcome = World::new().variable("PORT", "tcp").app();
    assert_eq!(
        outcome.problems(),
        ["error: PORT must be an integer from 0 to 65535"]
    );
    let outcome = World::new()
        .variable("RAILWAY_PUBLIC_DOMAIN", "https://shop/")
        .app();
    assert_eq!(
        outcome.problems(),
        ["error: RAILWAY_PUBLIC_DOMAIN must be a list of host names"]
    );
    let server = World::new().variable("PORT", "7000").server();
    assert_eq!(server.resolved.config.port, 8000);
}

#[test]
fn an_env_file_lies_below_the_process() {
    let outcome = World::new()
        .file(
            ".env",
            "# local\nCHIRP_PORT=7000\nexport CHIRP_WORKERS=\"3\"\nCHIRP_DEBUG=maybe\n",
        )
        .env_file(".env")
        .variable("CHIRP_PORT", "7001")
        .app();
    assert_eq!(
        (
            outcome.resolved.config.port,
            outcome.resolved.config.workers
        ),
        (7001, 3)
    );
    assert_eq!(outcome.origin("workers"), "CHIRP_WORKERS in .env:3");
    assert_eq!(
        outcome.problems(),
        ["error: CHIRP_DEBUG must be true or false"]
    );
    assert_eq!(
        literal(&outcome.labels(outcome.only())),
        [(".env", "CHIRP_DEBUG=maybe", "\"maybe\" is neither")]
    );
}

#[test]
fn an_env_file_that_is_missing_or_broken_is_an_error() {
    let outcome = World::new().env_file(".env").app();
    assert_eq!(
        outcome.problems(),
        ["error: the env file .env cannot be read: no such file or directory"]
    );
    let outcome = World::new()
        .file(".env", "CHIRP_PORT=1\nthis is nothing\n")
        .env_file(".env")
        .app();
    assert_eq!(
        outcome.problems(),
        ["error: .env has a line that is no assignment"]
    );
    assert_eq!(outcome.labels(outcome.only())[0].1, "this is nothing");
}
