//! Precedence, origins, duplicates and contradictions.

use pounce_core::config::Layer;
use serde_json::json;

use crate::{World, literal};

#[test]
fn without_layers_there_are_the_defaults() {
    let outcome = World::new().server();
    assert_eq!(outcome.problems(), [""; 0]);
    assert_eq!(
        outcome.resolved.config,
        pounce_core::config::ServerConfig::default()
    );
    assert!(
        outcome
            .resolved
            .settings()
            .all(|(_, setting)| setting.origin.layer == Layer::Default)
    );
}

#[test]
fn a_later_layer_wins_and_remembers_the_others() {
    let world = || World::new().file("pounce.toml", "workers = 2\nport = 1\n");
    let outcome = world().server();
    assert_eq!(
        (outcome.resolved.config.workers, outcome.origin("workers")),
        (2, "pounce.toml:1".into())
    );
    let outcome = world().variable("POUNCE_WORKERS", "3").server();
    assert_eq!(
        (outcome.resolved.config.workers, outcome.origin("workers")),
        (3, "POUNCE_WORKERS".into())
    );
    let outcome = world()
        .variable("POUNCE_WORKERS", "3")
        .keyword("workers", json!(4))
        .server();
    assert_eq!(
        (outcome.resolved.config.workers, outcome.origin("workers")),
        (4, "shop.py:1".into())
    );
    let outcome = world()
        .variable("POUNCE_WORKERS", "3")
        .keyword("workers", json!(4))
        .flag("workers", "workers", "5")
        .server();
    assert_eq!(
        (outcome.resolved.config.workers, outcome.origin("workers")),
        (5, "--workers".into())
    );
    let shadowed: Vec<_> = outcome
        .resolved
        .setting("workers")
        .shadowed
        .iter()
        .map(|origin| origin.layer)
        .collect();
    assert_eq!(shadowed, [Layer::Python, Layer::Environment, Layer::File]);
    assert_eq!(outcome.origin("port"), "pounce.toml:2");
    assert_eq!(outcome.problems(), [""; 0]);
}

#[test]
fn a_layer_that_cannot_be_read_does_not_fall_back_silently() {
    let outcome = World::new()
        .file("pounce.toml", "workers = 2\n")
        .variable("POUNCE_WORKERS", "many")
        .server();
    assert_eq!(
        outcome.problems(),
        ["error: POUNCE_WORKERS must be an integer from 0 to 4096"]
    );
    assert!(outcome.resolved.setting("workers").invalid);
    assert!(!outcome.resolved.is_valid());
}

#[test]
fn the_old_name_of_a_key_still_works_and_says_so() {
    let outcome = World::new()
        .file("pounce.toml", "reload_dir = \"src\"\n")
        .server();
    assert_eq!(outcome.resolved.config.reload_dirs, ["src"]);
    assert_eq!(
        outcome.problems(),
        ["warning: `reload_dir` is now called `reload_dirs`"]
    );
    let both = "reload_dir = \"src\"\nreload_dirs = [\"lib\"]\n";
    let outcome = World::new().file("pounce.toml", both).server();
    assert_eq!(
        outcome.problems(),
        ["error: `reload_dir` and `reload_dirs` are the same setting"]
    );
    assert_eq!(
        literal(&outcome.labels(outcome.only())),
        [
            ("pounce.toml", "reload_dir = \"src\"", "the old name"),
            ("pounce.toml", "reload_dirs = [\"lib\"]", "the new one"),
        ]
    );
}

#[test]
fn half_of_tls_is_a_contradiction_with_the_help_of_its_layer() {
    let outcome = World::new()
        .flag("ssl_certfile", "ssl-certfile", "cert.pem")
        .server();
    assert_eq!(
        outcome.problems(),
        ["error: ssl_certfile is set, ssl_keyfile is not"]
    );
    assert_eq!(
        outcome.only().help.as_deref(),
        Some("add --ssl-keyfile, or ssl_keyfile in pounce.toml")
    );
    assert_eq!(
        literal(&outcome.labels(outcome.only())),
        [("command line", "--ssl-certfile cert.pem", "TLS wanted here")]
    );
    let outcome = World::new()
        .file("pounce.toml", "ssl_keyfile = \"key.pem\"\n")
        .flag("ssl_certfile", "ssl-certfile", "cert.pem")
        .server();
    assert_eq!(outcome.problems(), [""; 0]);
    let outcome = World::new().variable("CHIRP_SSL_KEYFILE", "key.pem").app();
    assert_eq!(
        outcome.problems(),
        ["error: ssl_keyfile is set, ssl_certfile is not"]
    );
    assert_eq!(
        outcome.only().help.as_deref(),
        Some("set CHIRP_SSL_CERTFILE too")
    );
}

#[test]
fn http3_needs_a_certificate_and_no_unix_socket() {
    let outcome = World::new()
        .file("pounce.toml", "http3_enabled = true\n")
        .server();
    assert_eq!(
        outcome.problems(),
        ["error: http3_enabled is on, but there is no certificate"]
    );
    let text = "http3_enabled = true\nssl_certfile = \"c\"\nssl_keyfile = \"k\"\n";
    let outcome = World::new()
        .file("pounce.toml", text)
        .variable("POUNCE_UDS", "/run/p.sock")
        .server();
    assert_eq!(
        outcome.problems(),
        ["error: http3_enabled and uds exclude each other"]
    );
    assert_eq!(
        literal(&outcome.labels(outcome.only())),
        [
            (
                "pounce.toml",
                "http3_enabled = true",
                "HTTP/3 runs over UDP"
            ),
            (
                "environment",
                "POUNCE_UDS=/run/p.sock",
                "a Unix socket has none"
            ),
        ]
    );
}

#[test]
fn an_address_beside_or_above_a_socket_is_a_contradiction_and_one_below_is_replaced() {
    let outcome = World::new()
        .file("pounce.toml", "uds = \"/run/p.sock\"\n")
        .flag("port", "port", "1")
        .server();
    assert_eq!(
        outcome.problems(),
        ["error: port and uds exclude each other"]
    );
    assert_eq!(
        literal(&outcome.labels(outcome.only())),
        [
            ("command line", "--port 1", "would be ignored"),
            (
                "pounce.toml",
                "uds = \"/run/p.sock\"",
                "the server listens here instead"
            ),
        ]
    );
    let outcome = World::new()
        .file("pounce.toml", "port = 1\n")
        .flag("uds", "uds", "/run/p.sock")
        .server();
    assert_eq!(outcome.problems(), [""; 0]);
}

#[test]
fn an_upload_fits_its_request() {
    let outcome = World::new()
        .file("chirp.toml", "max_request_body_size = 1000\n")
        .app();
    assert_eq!(outcome.resolved.config.max_upload_size, 1000);
    assert_eq!(outcome.problems(), [""; 0]);
    let outcome = World::new()
        .file("chirp.toml", "max_request_body_size = 1000\n")
        .variable("CHIRP_MAX_UPLOAD_SIZE", "2000")
        .app();
    assert_eq!(
        outcome.problems(),
        ["error: max_upload_size is larger than max_request_body_size"]
    );
    assert_eq!(
        literal(&outcome.labels(outcome.only())),
        [
            ("environment", "CHIRP_MAX_UPLOAD_SIZE=2000", "2000 bytes"),
            ("chirp.toml", "max_request_body_size = 1000", "1000 bytes"),
        ]
    );
    let unreadable = World::new()
        .file(
            "chirp.toml",
            "max_request_body_size = \"x\"\nmax_upload_size = 20_000_000\n",
        )
        .app();
    assert_eq!(
        unreadable.problems().len(),
        1,
        "{:?}",
        unreadable.problems()
    );
}

#[test]
fn an_empty_key_outside_development_is_told_with_both_places() {
    let outcome = World::new()
        .file("chirp.toml", "secret_key = \"\"\n")
        .variable("CHIRP_ENV", "Production")
        .app();
    assert_eq!(outcome.problems(), ["error: secret_key is empty"]);
    assert_eq!(
        literal(&outcome.labels(outcome.only())),
        [
            ("chirp.toml", "secret_key = \"\"", "empty"),
            ("environment", "CHIRP_ENV=Production", "env is production"),
        ]
    );
}

#[test]
fn one_flag_twice_is_a_contradiction() {
    let outcome = World::new()
        .flag("port", "port", "1")
        .flag("port", "port", "2")
        .server();
    assert_eq!(
        outcome.problems(),
        ["error: --port and --port contradict each other"]
    );
}

#[test]
fn the_wildcard_is_derived_and_never_set() {
    let outcome = World::new()
        .file("pounce.toml", "trusted_hosts = [\"10.0.0.1\", \"*\"]\n")
        .server();
    assert!(outcome.resolved.config.trusted_hosts_wildcard);
    assert_eq!(outcome.origin("trusted_hosts_wildcard"), "pounce.toml:1");
    let outcome = World::new()
        .file("pounce.toml", "trusted_hosts_wildcard = true\n")
        .server();
    assert_eq!(
        outcome.problems(),
        ["error: `trusted_hosts_wildcard` cannot be set"]
    );
    assert!(!outcome.resolved.config.trusted_hosts_wildcard);
    let outcome = World::new()
        .variable("POUNCE_TRUSTED_HOSTS_WILDCARD", "1")
        .server();
    assert_eq!(
        outcome.problems(),
        ["error: POUNCE_TRUSTED_HOSTS_WILDCARD cannot be set"]
    );
}
