//! Facts built by hand, and what the rule says of them.

use serde_json::json;
use time::macros::datetime;

use super::super::machine_cases::{Case, certificate};
use super::*;
use crate::check::finding::Severity;
use crate::check::machine::tls::{
    Block, BlockProblem, FileFacts, KeyFacts, KeyFormat, KeyKind, KeyProblem, NotPem, Span,
};

fn block(kind: BlockKind, label: &str) -> Block {
    Block {
        label: label.to_owned(),
        kind,
        span: Span {
            start: 0,
            end: 9,
            line: 3,
        },
        encrypted: false,
        problem: None,
    }
}

fn file(path: &str, blocks: Vec<Block>) -> FileFacts {
    FileFacts {
        path: path.into(),
        state: FileState::Pem,
        access: None,
        blocks,
    }
}

fn good() -> TlsFacts {
    TlsFacts {
        now: datetime!(2026-06-01 12:00 UTC),
        certificate_file: file(
            "cert.pem",
            vec![block(BlockKind::Certificate, "CERTIFICATE")],
        ),
        certificates: vec![certificate("CN=shop.example")],
        chain: None,
        key_file: file("key.pem", vec![block(BlockKind::PrivateKey, "PRIVATE KEY")]),
        keys: vec![KeyFacts {
            block: 0,
            format: KeyFormat::Pkcs8,
            encrypted: false,
            kind: Some(KeyKind::Ed25519),
            problem: None,
        }],
        pairing: Pairing::Matches,
    }
}

fn case(facts: TlsFacts) -> Case {
    let mut case = Case::new(&[
        ("ssl_certfile", json!("cert.pem")),
        ("ssl_keyfile", json!("key.pem")),
    ]);
    case.machine.tls = Some(facts);
    case
}

/// The only finding: message, what its first label points at, what it says there.
fn only(facts: TlsFacts) -> (String, String, String) {
    let case = case(facts);
    let findings = case.judge(&RULE);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].severity, Severity::Error);
    assert!(!findings[0].help.is_empty());
    let (at, label) = case.labels(&findings[0])[0];
    let setting = at.split(' ').next().unwrap_or_default().to_owned();
    (findings[0].message.clone(), setting, label.to_owned())
}

#[test]
fn good_files_are_silent() {
    assert_eq!(case(good()).judge(&RULE), []);
    let mut without = case(good());
    without.machine.tls = None;
    assert_eq!(without.judge(&RULE), []);
}

#[test]
fn states_of_files_are_told_at_their_setting() {
    for (state, message, label) in [
        (
            FileState::Missing {
                nearest: ".".into(),
            },
            "the key file does not exist",
            "there is no key.pem",
        ),
        (
            FileState::PermissionDenied {
                denied: "/etc/ssl".into(),
                uid: 4_000_000_000,
            },
            "the key file may not be read",
            "user id 4000000000 has no access to /etc/ssl",
        ),
        (
            FileState::Empty,
            "the key file is empty",
            "key.pem has no content",
        ),
        (
            FileState::NotPem {
                looks_like: NotPem::Pkcs12,
            },
            "the key file is not PEM",
            "a PKCS#12 store",
        ),
        (
            FileState::NotAFile {
                what: "folder".to_owned(),
            },
            "the key file is no file",
            "key.pem is a folder",
        ),
    ] {
        let mut facts = good();
        facts.key_file = FileFacts {
            state,
            blocks: vec![],
            ..facts.key_file
        };
        facts.keys.clear();
        facts.pairing = Pairing::NotCompared;
        let expected = (message.to_owned(), KEY.to_owned(), label.to_owned());
        assert_eq!(only(facts), expected);
    }
}

#[test]
fn both_files_are_reported_together() {
    let mut facts = good();
    facts.certificate_file.state = FileState::Empty;
    facts.key_file.state = FileState::Empty;
    assert_eq!(case(facts).judge(&RULE).len(), 2);
}

#[test]
fn a_wrong_content_is_named() {
    let mut key_only = good();
    key_only.certificate_file.blocks = vec![block(BlockKind::PrivateKey, "PRIVATE KEY")];
    let (message, setting, label) = only(key_only);
    assert_eq!(message, "ssl_certfile holds no certificate");
    assert_eq!(
        (setting.as_str(), label.as_str()),
        (CERTIFICATE, "this file holds a private key")
    );

    let mut parameters = good();
    parameters.key_file.blocks = vec![block(BlockKind::EcParameters, "EC PARAMETERS")];
    parameters.keys.clear();
    let (message, setting, label) = only(parameters);
    assert_eq!(message, "ssl_keyfile holds no private key");
    assert_eq!(
        (setting.as_str(), label.as_str()),
        (KEY, "this file holds parameters of an elliptic curve")
    );
}

#[test]
fn swapped_files_are_one_finding_with_both_places() {
    let mut facts = good();
    std::mem::swap(
        &mut facts.certificate_file.blocks,
        &mut facts.key_file.blocks,
    );
    facts.certificates.clear();
    facts.keys.clear();
    let case = case(facts);
    let findings = case.judge(&RULE);
    assert_eq!(findings.len(), 1);
    assert_eq!(
        case.labels(&findings[0]),
        [
            ("ssl_certfile = \"cert.pem\"", "this file holds the key"),
            (
                "ssl_keyfile = \"key.pem\"",
                "this one holds the certificate"
            ),
        ]
    );
}

#[test]
fn damage_is_told_with_its_line() {
    let mut facts = good();
    facts.certificate_file.blocks[0].problem = Some(BlockProblem::Unterminated);
    let (message, _, label) = only(facts);
    assert_eq!(message, "certificate 1 cannot be read");
    assert_eq!(
        label,
        "the block at line 3 of the file has no -----END CERTIFICATE-----"
    );
}

#[test]
fn keys_that_cannot_be_used_are_told_apart() {
    let mut encrypted = good();
    encrypted.keys[0].encrypted = true;
    encrypted.keys[0].kind = None;
    assert_eq!(only(encrypted).0, "the private key is encrypted");

    let mut unsupported = good();
    unsupported.keys[0].kind = Some(KeyKind::Rsa { bits: 1024 });
    unsupported.keys[0].problem = Some(KeyProblem::Unsupported);
    assert_eq!(only(unsupported).2, "RSA 1024");

    let mut damaged = good();
    damaged.keys[0].problem = Some(KeyProblem::Block);
    damaged.key_file.blocks[0].problem = Some(BlockProblem::Base64);
    assert_eq!(
        only(damaged).2,
        "the block at line 3 of the file is not base64"
    );
}

#[test]
fn key_and_certificate_must_belong_together() {
    let mut mismatch = good();
    mismatch.pairing = Pairing::Mismatch;
    let case = case(mismatch);
    let findings = case.judge(&RULE);
    assert_eq!(
        findings[0].message,
        "key and certificate do not belong together"
    );
    assert_eq!(
        case.labels(&findings[0])
            .iter()
            .map(|label| label.1)
            .collect::<Vec<_>>(),
        [
            "the key of another certificate",
            "the certificate of CN=shop.example"
        ]
    );

    let mut order = good();
    order.certificates.insert(0, certificate("CN=Middle"));
    order.pairing = Pairing::MatchesLater { certificate: 1 };
    let (message, setting, label) = only(order);
    assert_eq!(message, "the certificates are in the wrong order");
    assert_eq!(setting, CERTIFICATE);
    assert!(
        label.contains("certificate 2 of the file (CN=shop.example)"),
        "{label}"
    );
}
