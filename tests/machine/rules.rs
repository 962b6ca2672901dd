//! From a configuration file to findings: the rules about the machine, over facts that were gathered.

use std::fs;
use std::path::Path;

use pounce_core::check::machine::Machine;
use pounce_core::check::{Context, Finding, Severity, Tool, rules};
use pounce_core::config::file::Wanted;
use pounce_core::config::types::Env;
use pounce_core::config::{Inputs, ServerConfig, Sources, resolve};
use time::OffsetDateTime;

use crate::pki::{NOW, Pki, params};

/// What one rule finds in a file.
fn judge(rule: &str, file: &Path, now: OffsetDateTime) -> Vec<Finding> {
    let inputs = Inputs {
        file: Wanted::Named {
            path: file.to_owned(),
            place: None,
        },
        ..Inputs::default()
    };
    let server = resolve::<ServerConfig>(&inputs, &mut Sources::default());
    assert_eq!(server.problems, [], "{}", file.display());
    let machine = Machine::gather(&server, now);
    let context = Context {
        tool: Tool::Pounce,
        posture: Env::Production,
        problems: &[],
        server: Some(&server),
        app_config: None,
        target: None,
        snapshot: None,
        machine: Some(&machine),
    };
    let mut findings = Vec::new();
    (rules::find(rule).unwrap().check)(&context, &mut findings);
    assert!(findings.iter().all(|finding| !finding.labels.is_empty()));
    findings
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/rules")
        .join(name)
}

fn messages(findings: &[Finding]) -> Vec<&str> {
    findings
        .iter()
        .map(|finding| finding.message.as_str())
        .collect()
}

#[test]
fn fixtures_without_files_of_their_own_are_judged() {
    for (rule, file, expected) in [
        ("bind", "bind/bad.toml", vec!["cannot listen on 192.0.2.1"]),
        (
            "bind",
            "bind/bad_socket.toml",
            vec!["the folder of the Unix socket does not exist"],
        ),
        ("bind", "bind/good.toml", vec![]),
        (
            "tls_files",
            "tls_files/bad.toml",
            vec![
                "the certificate file does not exist",
                "the key file does not exist",
            ],
        ),
        ("tls_validity", "tls_files/bad.toml", vec![]),
        ("workers", "workers/good.toml", vec![]),
    ] {
        assert_eq!(
            messages(&judge(rule, &fixture(file), NOW)),
            expected,
            "{rule} {file}"
        );
    }
    let workers = judge("workers", &fixture("workers/bad.toml"), NOW);
    assert!(
        messages(&workers).contains(&"4096 workers are too many for the CPUs"),
        "{workers:?}"
    );
}

#[test]
fn real_files_are_judged_whole() {
    let pki = Pki::new();
    let certificate = pki.write("cert.pem", [pki.leaf.as_str(), &pki.intermediate].concat());
    let key = pki.write("key.pem", pki.key.serialize_pem());
    let file = pki.path("pounce.toml");
    let configure = |host: &str, certificate: &Path, key: &Path| {
        let text = format!(
            "host = {host:?}\nport = 0\nssl_certfile = {certificate:?}\nssl_keyfile = {key:?}\n"
        );
        fs::write(&file, text).unwrap();
    };
    configure("127.0.0.1", &certificate, &key);
    assert_eq!(judge("tls_files", &file, NOW), []);

    let late = judge(
        "tls_validity",
        &file,
        time::macros::datetime!(2027-03-01 00:00 UTC),
    );
    let expired = late
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    assert_eq!(
        expired
            .map(|finding| finding.message.as_str())
            .collect::<Vec<_>>(),
        [
            "the certificate has expired",
            "certificate 2 (CN=Middle) has expired"
        ]
    );

    configure("127.0.0.1", &key, &certificate);
    assert_eq!(
        messages(&judge("tls_files", &file, NOW)),
        ["the TLS files are swapped"]
    );

    let own = params("localhost", &["localhost"])
        .self_signed(&pki.key)
        .unwrap()
        .pem();
    let own = pki.write("own.pem", own);
    configure("localhost", &own, &key);
    assert_eq!(
        messages(&judge("tls_validity", &file, NOW)),
        ["the certificate is self-signed"]
    );
}
