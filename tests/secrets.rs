//! No secret comes out of any command in any form, wherever it stood: settings, variables, flags,
//! code, comments, what the app prints and what it raises.

#![cfg(test)]

mod command;

use std::path::Path;

use command::Command;

/// Part of every secret that a case plants; a number behind it says which.
const PLANTED: &str = "Xq9planted";

/// Every form that a finding can take.
const FORMATS: [&str; 5] = ["full", "concise", "json", "github", "sarif"];

/// A deployment with secrets in it.
struct Deployment {
    folder: tempfile::TempDir,
    variables: Vec<(&'static str, String)>,
}

fn planted(text: &str) -> String {
    text.replace("PLANTED", PLANTED)
}

impl Deployment {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), planted(text)).unwrap();
        }
        Self {
            folder,
            variables: Vec::new(),
        }
    }

    fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, planted(value)));
        self
    }

    fn run(&self, command: Command, arguments: &[&str]) -> String {
        let arguments: Vec<_> = arguments.iter().map(|word| planted(word)).collect();
        let mut command = command
            .folder(self.folder.path())
            .args(arguments.iter().map(String::as_str));
        for (name, value) in &self.variables {
            command = command.env(name, value);
        }
        command.run()
    }

    /// Runs a command in every output format; each says something, and nothing secret.
    fn hides(&self, command: fn() -> Command, arguments: &[&str], says: &str) {
        for format in FORMATS {
            let mut words = arguments.to_vec();
            words.extend(["--include-info", "--output-format", format]);
            let shown = self.run(command(), &words);
            assert!(
                shown.contains(says),
                "{format} does not say {says}: {shown}"
            );
            assert!(
                !shown.contains(PLANTED),
                "{arguments:?} as {format}: {shown}"
            );
        }
    }

    /// The same for the values in force.
    fn hides_in_show(&self, command: fn() -> Command, arguments: &[&str]) {
        for extra in [
            &[][..],
            &["--reveal"],
            &["--origin"],
            &["--reveal", "--origin"],
            &["--reveal", "--origin", "--output-format", "json"],
        ] {
            let words: Vec<_> = ["config", "show"]
                .iter()
                .chain(arguments)
                .chain(extra)
                .copied()
                .collect();
            let shown = self.run(command(), &words);
            assert!(shown.contains("port"), "{words:?}: {shown}");
            assert!(!shown.contains(PLANTED), "{words:?}: {shown}");
        }
    }
}

fn python() -> String {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    assert!(python.exists(), "run `make tools`: no {}", python.display());
    python.display().to_string()
}

#[test]
fn of_a_valid_configuration() {
    let server = Deployment::new(&[(
        "pounce.toml",
        "sentry_dsn = \"https://PLANTED1@sentry.example/1\"\n\
         otel_endpoint = \"http://user:PLANTED2@otel:4318\"\n\
         static_cache_control = \"https://a:PLANTED3@b\"\n\
         app_name = \"https://a:PLANTED4@b\"\n\
         server_header = \"https://a:PLANTED5@b\"\n\
         port = 8001\n",
    )]);
    server.hides_in_show(Command::pounce, &[]);
    let app = Deployment::new(&[(
        "chirp.toml",
        "secret_key = \"PLANTED1-and-more\"\nredis_url = \"redis://:PLANTED2@r/0\"\nport = 8001\n",
    )])
    .variable("CHIRP_SENTRY_DSN", "https://PLANTED3@sentry.example/1")
    .variable("CHIRP_OTEL_ENDPOINT", "http://user:PLANTED4@otel:4318");
    app.hides_in_show(Command::chirp, &[]);
    app.hides_in_show(
        Command::chirp,
        &["--sentry-dsn", "https://PLANTED5@sentry.example/2"],
    );
}

#[test]
fn of_a_configuration_with_mistakes() {
    let deployment = Deployment::new(&[(
        "pounce.toml",
        "sentry_dsn = \"https://PLANTED1@sentry.example/1\"\n\
         prot = 1\n\
         sentry_dns = \"PLANTED2\"\n\
         database_url = \"postgres://u:PLANTED3@db/x\"\n\
         bind = \"http://u:PLANTED4@h:80\"\n\
         # secret_key = \"PLANTED5\"\n\
         host = \"http://u:PLANTED6@h:80\"\n\
         uds_permissions = \"https://u:PLANTED7@h\"\n\
         trusted_hosts = [\"http://u:PLANTED8@h\", \"https://PLANTED9@h/\"]\n\
         metrics_path = \"https://u:PLANTED10@h/metrics\"\n\
         log_level = \"https://u:PLANTED11@h\"\n\
         worker = 1 # the password: PLANTED12\n\
         keyfile_password = \"PLANTED13\"\n\
         static_files = { \"https://u:PLANTED14@h\" = \"x\" }\n\
         port = \"redis://:PLANTED15@h\"\n\
         [passwords]\n\
         db = \"PLANTED16\"\n",
    )])
    .variable("POUNCE_SENTRY_DNS", "https://PLANTED20@h/1")
    .variable("POUNCE_BACKLOG", "amqp://u:PLANTED21@h")
    .variable("POUNCE_BIND", "http://u:PLANTED22@h")
    .variable("POUNCE_STRANGER", "PLANTED23")
    .variable("POUNCE_UDS", "unix://u:PLANTED24@h/x")
    .variable("POUNCE_PASSWORD", "PLANTED25")
    .variable("POUNCE_TRUSTED_HOSTS", "[\"http://u:PLANTED26@h\"]")
    .variable("POUNCE_HEADER_TIMEOUT", "'http://u:PLANTED27@h'");
    let arguments = [
        "check",
        "--workers",
        "https://u:PLANTED30@h",
        "--root-path=https://u:PLANTED31@h",
        "--health-check-path",
        "https://u:PLANTED32@h",
        "--scope",
        "config",
    ];
    deployment.hides(Command::pounce, &arguments, "unknown key");
}

#[test]
fn of_an_app_configuration_with_mistakes() {
    let deployment = Deployment::new(&[
        (
            "chirp.toml",
            "secret_key = [\"PLANTED1\"]\nredis_url = 5 # token = PLANTED2\n\
             allowed_hosts = [\"https://u:PLANTED3@h/\", \"ftp://PLANTED4@h\"]\nprot = 1\n",
        ),
        (
            ".env",
            "CHIRP_SECRET_KEY='PLANTED5-and-more'\nDB_PASSWORD=PLANTED6\nnot an assignment PLANTED\n\
             CHIRP_PORT=http://u:PLANTED8@h\n",
        ),
    ])
    .variable("CHIRP_SENTRY_DNS", "PLANTED10")
    .variable("CHIRP_FEATURE_API_TOKEN", "PLANTED11")
    .variable("CHIRP_FEATURE_CART", "https://u:PLANTED12@h");
    // The line that is no assignment has no name that would make it a secret.
    let text = std::fs::read_to_string(deployment.folder.path().join(".env")).unwrap();
    let text = text.replace(&format!("assignment {PLANTED}"), "assignment");
    std::fs::write(deployment.folder.path().join(".env"), text).unwrap();
    let arguments = [
        "check",
        "shop:app",
        "--env-file",
        ".env",
        "--scope",
        "config",
        "--sentry-dsn",
        "https://PLANTED13@h/1",
        "--host",
        "https://PLANTED14@h:80",
    ];
    deployment.hides(Command::chirp, &arguments, "allowed_hosts");
}

#[test]
fn of_files_that_are_no_toml() {
    for text in [
        "sentry_dsn: https://PLANTED1@h/1\n",
        "{ \"sentry_dsn\": \"https://PLANTED1@h/1\", \"api_key\": \"PLANTED2\" }\n",
        "sentry_dsn = \"https://PLANTED1@h/1\nport = = 1\ntoken = 'PLANTED2'\n",
        "secret_key = PLANTED1\nport = \n",
        "port = \nurl = \"redis://:PLANTED1@r/0\"\nsecret_key = \"\"\"\nPLANTED2\n\"\"\"\n",
        "sentry_dsn = \"a\"\nsentry_dsn = \"PLANTED1\"\n",
    ] {
        let deployment = Deployment::new(&[("pounce.toml", text)]);
        deployment.hides(
            Command::pounce,
            &["check", "--scope", "config"],
            "pounce.toml",
        );
    }
    let latin = Deployment::new(&[("pounce.toml", "")]);
    let mut bytes = planted("sentry_dsn = \"https://PLANTED1@h/1\"\napp_name = \"caf").into_bytes();
    bytes.extend(b"\xe9\"\n");
    std::fs::write(latin.folder.path().join("pounce.toml"), bytes).unwrap();
    latin.hides(Command::pounce, &["check", "--scope", "config"], "UTF-8");
}

/// An app whose every finding has secrets around it.
const SHOP: &str = r#"
import os
import sys

from chirp import App, AppConfig
from chirp.middleware import CSRFMiddleware, SessionConfig, SessionMiddleware

DATABASE_URL = "postgres://shop:PLANTED1@db/shop"
API_TOKEN = "PLANTED2"
# password = "PLANTED3"
print("connecting to", DATABASE_URL, API_TOKEN, os.environ["DB_PASSWORD"])
print("key", os.environ["CHIRP_SECRET_KEY"], file=sys.stderr)

app = App(
    AppConfig(
        env="production", sentry_dsn="https://PLANTED4@sentry.example/1",
        sentry_traces_sample_rate=0.0, redis_url="redis://:PLANTED5@r/0",
        secret_key="PLANTED6-and-some-more", debug=True, allowed_hosts=("*",), trusted_proxies=("*",),
    )
)
app.add_middleware(SessionMiddleware(SessionConfig(secret_key="PLANTED7-of-sessions", secure=False)))


@app.route("/health", methods=["POST"])
def health():
    return "PLANTED-free"
"#;

fn shop(code: &str) -> Deployment {
    Deployment::new(&[("shop.py", &code.replace("PLANTED-free", "fine"))])
        .variable("DB_PASSWORD", "PLANTED20")
        .variable("CHIRP_SECRET_KEY", "PLANTED21-and-some-more")
}

#[test]
fn of_an_app_that_is_judged() {
    let python = python();
    let arguments = ["check", "shop:app", "--deploy", "--python", &python];
    shop(SHOP).hides(Command::chirp, &arguments, "deploy_debug");
    let arguments = ["check", "shop:app", "--python", &python, "--port", "0"];
    shop(SHOP).hides(Command::pounce, &arguments, "");
}

#[test]
fn of_an_app_that_fails() {
    let python = python();
    for failure in [
        "raise RuntimeError('cannot reach postgres://shop:PLANTED1@db/shop')",
        "raise RuntimeError(f'bad key {os.environ[\"CHIRP_SECRET_KEY\"]}')",
        "raise RuntimeError(f'bad password {os.environ[\"DB_PASSWORD\"]}')",
        "sys.exit(f'bad password {os.environ[\"DB_PASSWORD\"]}')",
        "print(os.environ['DB_PASSWORD']); os.abort()",
        "print('redis://:PLANTED3@r/0', file=sys.stderr, flush=True); os._exit(3)",
        "connect(password='PLANTED4')",
        "API_KEY = 'PLANTED5'; raise ValueError(API_KEY)",
        "from chirp import AppConfig\nAppConfig(env='production', secret_key='', sentry_dsn='PLANTED6')",
        "from chirp import AppConfig\nAppConfig(port='x', secret_key='PLANTED7PLANTED7')",
        "from chirp import AppConfig\nAppConfig(redis_url=['PLANTED8'], sentry_dns='PLANTED9')",
        "password = 'PLANTED10' +",
    ] {
        let deployment = shop(&format!("import os, sys\n\n{failure}\n"));
        for command in [Command::chirp, Command::pounce] {
            deployment.hides(
                command,
                &[
                    "check",
                    "shop:app",
                    "--python",
                    &python,
                    "--scope",
                    "config,app",
                ],
                "shop",
            );
        }
    }
}

#[test]
fn but_the_working_directory_is_none() {
    let deployment = Deployment::new(&[]);
    let folder = deployment.folder.path().display().to_string();
    let shown = Command::pounce()
        .env("PWD", &folder)
        .env("OLDPWD", &folder)
        .args(["check", "--config", &format!("{folder}/pounce.toml")])
        .run();
    let said = format!("there is no file {folder}/pounce.toml");
    assert!(shown.contains(&said), "{shown}");
}

#[test]
fn of_wrong_usage() {
    let deployment = Deployment::new(&[]);
    for arguments in [
        &["check", "--prt", "https://PLANTED1@h"][..],
        &["check", "--password=PLANTED2"],
        &["check", "--sentry-dns", "https://PLANTED3@h/1"],
        &["check", "--baseline", "https://u:PLANTED4@h/base.json"],
        &["check", "https://u:PLANTED5@h"],
        &["check", "--scope", "https://u:PLANTED6@h"],
        &["rule", "https://u:PLANTED7@h"],
        &[
            "check",
            "--app",
            "https://u:PLANTED8@h",
            "--python",
            "https://u:PLANTED9@h",
        ],
        &[
            "check",
            "--ignore",
            "https://u:PLANTED10@h",
            "--config",
            "http://u:PLANTED11@h/x",
        ],
        &["check", "--import-timeout", "http://u:PLANTED12@h", "x:y"],
    ] {
        for command in [Command::pounce, Command::chirp] {
            let shown = deployment.run(command(), arguments);
            assert!(!shown.contains(PLANTED), "{arguments:?}: {shown}");
        }
    }
}
