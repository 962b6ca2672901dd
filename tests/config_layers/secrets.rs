//! The value of a secret is in nothing that could be shown.

use pounce_core::config::Model;
use pounce_core::config::source::MASK;
use serde_json::json;

use crate::{Outcome, World};

/// Stands wherever a secret does.
const SECRET: &str = "hunter2hunter2";

fn hidden<M: Model>(outcome: &Outcome<M>, about: &str) {
    let everything = outcome.everything();
    assert!(!everything.contains(SECRET), "{about}: {everything}");
    assert!(everything.contains(MASK), "{about}: {everything}");
}

#[test]
fn in_files() {
    for text in [
        "sentry_dsn = \"SECRET\"\nworker = 4\n",
        "sentry_dns = \"SECRET\"\n",
        "# sentry_dsn = \"SECRET\"\nworker = 4\n",
        "worker = 4 # password: SECRET\n",
        "Sentry_DSN = 'SECRET'\n",
        "sentry_dsn = [\"SECRET\"]\n",
        "sentry_dsn = { value = \"SECRET\" }\n",
        "sentry_dsn.value = \"SECRET\"\n",
        "[sentry_dsn]\nvalue = \"SECRET\"\n",
        "[[passwords]]\nvalue = \"SECRET\"\n",
        "list = [{ password = \"SECRET\" }]\n",
        "sentry_dsn = \"\"\"\nSECRET\nSECRET\"\"\"\n",
        "otel_endpoint = \"https://user:SECRET@otel.example\"\n",
        "otel_endpoint = \"https://SECRET@otel.example\"\nworker = 4\n",
        "metrics_path = \"https://user:SECRET@h/x\"\n",
        "trusted_hosts = [\"http://user:SECRET@h/x\"]\n",
        "port = \"redis://:SECRET@h/0\"\n",
        "[check]\nignore = [1]\ntoken = \"SECRET\"\n",
        "[database]\nurl = \"postgres://shop:SECRET@db/shop\"\n",
    ] {
        let outcome = World::new()
            .file("pounce.toml", text.replace("SECRET", SECRET))
            .server();
        hidden(&outcome, text);
    }
}

#[test]
fn in_files_with_syntax_errors() {
    for text in [
        "sentry_dsn = SECRET\n",
        "sentry_dsn = \"SECRET\nport = 1\n",
        "sentry_dsn =\n  \"SECRET\"\n",
        "sentry_dsn \"SECRET\" = \"SECRET\"\nsentry_dsn = \"SECRET\"\nsentry_dsn = \"SECRET\"\n",
        "port = \nsentry_dsn = \"SECRET\"\n",
        "port = \n[secrets]\nvalue = \"SECRET\"\n",
        "port = = 1\nx = { a = 1, api_key = \"SECRET\" }\n",
        "port = \nurl = \"https://SECRET@h\"\n",
        "sentry_dsn = '''\nSECRET\n",
    ] {
        // A line that names no secret is not expected to be understood.
        let text = text.replace("sentry_dsn \"SECRET\" = ", "sentry_dsn = ");
        let outcome = World::new()
            .file("pounce.toml", text.replace("SECRET", SECRET))
            .server();
        assert!(!outcome.resolved.is_valid(), "{text}");
        hidden(&outcome, &text);
    }
}

#[test]
fn in_variables() {
    for (name, value) in [
        ("CHIRP_SECRET_KEY", "SECRET"),
        ("CHIRP_SENTRY_DSN", "https://SECRET@sentry.example/1"),
        ("CHIRP_REDIS_URL", "redis://:SECRET@redis/0"),
        ("CHIRP_SECRT_KEY", "SECRET"),
        ("CHIRP_STRIPE", "SECRET"),
        ("CHIRP_DATABASE_PASSWORD", "SECRET"),
        ("CHIRP_OTEL_ENDPOINT", "https://user:SECRET@otel.example"),
        ("CHIRP_PORT", "https://user:SECRET@otel.example"),
        ("CHIRP_HEALTH_PATH", "https://user:SECRET@otel.example"),
        ("CHIRP_FEATURE_API_TOKEN", "SECRET"),
    ] {
        let outcome = World::new()
            .variable(name, value.replace("SECRET", SECRET))
            .app();
        hidden(&outcome, name);
    }
    let unreadable = World::new()
        .variable("CHIRP_SECRET_KEY", format!("{SECRET}\0"))
        .app();
    assert!(!unreadable.resolved.is_valid());
    hidden(&unreadable, "a NUL");
}

#[test]
fn in_env_files() {
    for text in [
        "CHIRP_SECRET_KEY=VALUE\nCHIRP_PORT=x\n",
        "export CHIRP_SECRET_KEY='VALUE'\nCHIRP_PORT=x\n",
        "STRIPE_KEY=VALUE\nCHIRP_PORT=x\n",
        "PRIVATE_KEY=\"-----BEGIN\nVALUE==\n-----END\"\nCHIRP_PORT=x\n",
        "DATABASE=postgres://shop:VALUE@db/shop\nCHIRP_PORT=x\n",
    ] {
        let outcome = World::new()
            .file(".env", text.replace("VALUE", SECRET))
            .env_file(".env")
            .app();
        assert!(!outcome.resolved.is_valid(), "{text}");
        hidden(&outcome, text);
    }
}

#[test]
fn on_command_lines_and_in_keywords() {
    let dsn = format!("https://{SECRET}@sentry.example/1");
    let outcome = World::new().flag("sentry_dsn", "sentry-dsn", &dsn).app();
    assert_eq!(
        outcome.problems().len(),
        1,
        "a warning about the flag itself"
    );
    hidden(&outcome, "flag");
    let outcome = World::new().flag("host", "host", &dsn).app();
    hidden(&outcome, "a URL as another flag");
    // The probe masks keywords in sources; here the value hides itself wherever it is known.
    let outcome = World::new()
        .keyword("secret_key", json!(SECRET))
        .keyword("port", json!("x"))
        .app();
    hidden(&outcome, "keyword");
}

#[test]
fn a_secret_is_hidden_in_every_other_text_too() {
    let outcome = World::new()
        .variable("CHIRP_SECRET_KEY", SECRET)
        .file(
            "chirp.toml",
            format!("static_dir = \"{SECRET}\"\nworker = 1\n"),
        )
        .app();
    hidden(&outcome, "elsewhere");
}
