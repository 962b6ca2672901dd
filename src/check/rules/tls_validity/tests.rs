//! Certificates built by hand, and what the rule says of them.

use serde_json::json;
use time::macros::datetime;

use super::super::machine_cases::{Case, certificate, resolved};
use super::*;
use crate::check::machine::tls::{
    Access, ChainFacts, FileFacts, FileState, KeyFacts, KeyFormat, KeyKind, Link, Pairing, Sans,
    SignatureFacts, Weakness,
};

fn file(path: &str) -> FileFacts {
    FileFacts {
        path: path.into(),
        state: FileState::Pem,
        access: None,
        blocks: Vec::new(),
    }
}

/// A leaf and its issuer, whose own issuer is a root elsewhere.
fn good() -> TlsFacts {
    TlsFacts {
        now: datetime!(2026-06-01 12:00 UTC),
        certificate_file: file("cert.pem"),
        certificates: vec![certificate("CN=shop.example"), certificate("CN=Middle")],
        chain: Some(ChainFacts {
            links: vec![Link::Signed],
            leaf: 0,
            path: vec![0, 1],
            unrelated: Vec::new(),
            duplicates: Vec::new(),
            end: ChainEnd::IssuerOutside {
                issuer: "CN=Root".to_owned(),
                trusted_here: None,
            },
        }),
        key_file: file("key.pem"),
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

fn alone(end: ChainEnd) -> TlsFacts {
    let mut facts = good();
    facts.certificates.truncate(1);
    facts.chain = facts.chain.map(|chain| ChainFacts {
        links: vec![],
        path: vec![0],
        end,
        ..chain
    });
    facts
}

fn case(facts: TlsFacts) -> Case {
    let mut case = Case::new(&[
        ("host", json!("shop.example")),
        ("ssl_certfile", json!("cert.pem")),
        ("ssl_keyfile", json!("key.pem")),
    ]);
    case.machine.tls = Some(facts);
    case
}

/// The only finding: severity, message, first label.
fn only(facts: TlsFacts) -> (Severity, String, String) {
    let case = case(facts);
    let findings = case.judge(&RULE);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].why.is_some() && !findings[0].help.is_empty());
    let (at, label) = case.labels(&findings[0])[0];
    assert!(at.starts_with("ssl_"), "{at}");
    (
        findings[0].severity,
        findings[0].message.clone(),
        label.to_owned(),
    )
}

fn warning(facts: TlsFacts) -> (String, String) {
    let (severity, message, label) = only(facts);
    assert_eq!(severity, Severity::Warning, "{message}");
    (message, label)
}

#[test]
fn a_good_certificate_is_silent() {
    assert_eq!(case(good()).judge(&RULE), []);
    let trusted = ChainEnd::IssuerOutside {
        issuer: "CN=R".to_owned(),
        trusted_here: Some(true),
    };
    assert_eq!(case(alone(trusted)).judge(&RULE), []);
    let mut without = case(good());
    without.machine.tls = None;
    assert_eq!(without.judge(&RULE), []);
}

#[test]
fn dates_are_judged_for_the_whole_chain() {
    let mut expired = good();
    expired.now = datetime!(2027-03-01 00:00 UTC);
    expired.certificates[1].not_after = datetime!(2030-01-01 00:00 UTC);
    let (severity, message, label) = only(expired);
    assert_eq!(severity, Severity::Error);
    assert_eq!(message, "the certificate has expired");
    assert_eq!(label, "it was valid until 2026-12-31");

    let mut early = good();
    early.certificates[1].not_before = datetime!(2026-06-02 00:00 UTC);
    let (severity, message, label) = only(early);
    assert_eq!(severity, Severity::Error);
    assert_eq!(message, "certificate 2 (CN=Middle) is not valid yet");
    assert_eq!(label, "it is valid from 2026-06-02");
}

#[test]
fn thirty_days_are_the_limit() {
    let until = |moment| {
        let mut facts = good();
        facts.certificates[0].not_after = moment;
        facts
    };
    assert_eq!(
        case(until(datetime!(2026-07-01 12:00 UTC))).judge(&RULE),
        []
    );
    let (message, label) = warning(until(datetime!(2026-07-01 11:59 UTC)));
    assert_eq!(message, "the certificate expires soon");
    assert_eq!(label, "until 2026-07-01, 29 days from now");
    let (_, label) = warning(until(datetime!(2026-06-01 12:00 UTC)));
    assert_eq!(label, "until 2026-06-01, less than a day from now");
}

#[test]
fn the_chain_must_be_in_order_and_complete() {
    let mut order = good();
    order.certificates.push(certificate("CN=Upper"));
    let chain = order.chain.as_mut().unwrap();
    chain.path = vec![0, 2, 1];
    let (message, label) = warning(order);
    assert_eq!(message, "the certificates are in the wrong order");
    assert_eq!(
        label,
        "right is: CN=shop.example, then CN=Upper, then CN=Middle"
    );

    let mut stranger = good();
    stranger.certificates.push(certificate("CN=Stranger"));
    stranger.chain.as_mut().unwrap().unrelated = vec![2];
    assert_eq!(warning(stranger).1, "certificate 3 (CN=Stranger)");

    let outside = |trusted_here| ChainEnd::IssuerOutside {
        issuer: "CN=Middle".to_owned(),
        trusted_here,
    };
    let (message, label) = warning(alone(outside(Some(false))));
    assert_eq!(message, "an intermediate certificate seems to be missing");
    assert!(label.ends_with("not among this machine's roots"), "{label}");
    assert!(
        warning(alone(outside(None)))
            .1
            .ends_with("is not in the file")
    );
    assert_eq!(
        warning(alone(ChainEnd::SelfSignedLeaf)).0,
        "the certificate is self-signed"
    );
}

#[test]
fn an_order_that_tls_files_reports_is_not_told_twice() {
    let mut facts = good();
    let chain = facts.chain.as_mut().unwrap();
    (chain.leaf, chain.path) = (1, vec![1, 0]);
    facts.pairing = Pairing::MatchesLater { certificate: 1 };
    assert_eq!(case(facts).judge(&RULE), []);
}

#[test]
fn hosts_must_be_covered() {
    let mut other = good();
    other.certificates[0].sans.dns = vec!["other.example".to_owned()];
    let case = case(other);
    let findings = case.judge(&RULE);
    assert_eq!(
        findings[0].message,
        "the certificate is not for shop.example"
    );
    assert_eq!(
        case.labels(&findings[0]),
        [
            ("ssl_certfile = \"cert.pem\"", "it is for other.example"),
            (
                "host = \"shop.example\"",
                "the name that the server listens on"
            ),
        ]
    );

    let mut nameless = good();
    nameless.certificates[0].sans = Sans::default();
    nameless.certificates[0].common_name = Some("shop.example".to_owned());
    let (message, label) = warning(nameless);
    assert_eq!(message, "the certificate names no host");
    assert_eq!(
        label,
        "only the common name \"shop.example\", which clients do not read"
    );
}

#[test]
fn the_hosts_of_the_app_count_and_addresses_do_not() {
    let mut case = Case::new(&[
        ("host", json!("0.0.0.0")),
        ("ssl_certfile", json!("cert.pem")),
    ]);
    case.machine.tls = Some(good());
    assert_eq!(case.judge(&RULE), []);
    let with = |hosts| {
        let settings = [("allowed_hosts", hosts)];
        Some(resolved("allowed_hosts", &settings))
    };
    case.app_config = with(json!(["*"]));
    assert_eq!(case.judge(&RULE), []);
    case.app_config = with(json!(["shop.example", ".shop.example", "api.shop.example"]));
    let findings = case.judge(&RULE);
    assert_eq!(
        findings[0].message,
        "the certificate is not for *.shop.example, api.shop.example"
    );
    let names = &mut case.machine.tls.as_mut().unwrap().certificates[0].sans.dns;
    names.push("*.shop.example".to_owned());
    assert_eq!(case.judge(&RULE), []);
}

#[test]
fn weak_algorithms_and_other_uses_are_told() {
    let mut weak = good();
    weak.certificates[0].key = KeyKind::Rsa { bits: 1024 };
    let expected = (
        "the certificate has a weak key".to_owned(),
        "RSA 1024".to_owned(),
    );
    assert_eq!(warning(weak), expected);

    let mut sha1 = good();
    sha1.certificates[1].signature = SignatureFacts {
        name: "sha1WithRSAEncryption".to_owned(),
        weakness: Some(Weakness::Sha1),
    };
    assert_eq!(
        warning(sha1.clone()).0,
        "certificate 2 (CN=Middle) is signed with SHA-1"
    );
    // Nobody checks the signature of a root.
    sha1.chain.as_mut().unwrap().end = ChainEnd::RootIncluded { certificate: 1 };
    assert_eq!(case(sha1).judge(&RULE), []);

    let mut client = good();
    client.certificates[0].server_auth = Some(false);
    assert_eq!(
        warning(client).1,
        "its extended key usage has no serverAuth"
    );
    let mut unrestricted = good();
    unrestricted.certificates[0].server_auth = None;
    assert_eq!(case(unrestricted).judge(&RULE), []);
}

#[test]
fn a_key_that_others_can_read_is_told() {
    let readable = |mode, others_read| {
        let mut facts = good();
        facts.key_file.access = Some(Access {
            mode,
            uid: 0,
            gid: 0,
            owner: None,
            group: None,
            group_reads: true,
            others_read,
        });
        facts
    };
    assert_eq!(case(readable(0o640, false)).judge(&RULE), []);
    let (message, label) = warning(readable(0o644, true));
    assert_eq!(
        message,
        "every user of this machine can read the private key"
    );
    assert_eq!(label, "mode 644");
}
