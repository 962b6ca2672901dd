//! Certificates and keys that parse: what they say, how they hang together, and what fits.

use pounce_core::check::machine::tls::{
    BlockKind, ChainEnd, FileState, KeyFormat, KeyKind, KeyProblem, Link, Pairing, Weakness,
    covers, examine_with_roots,
};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use time::macros::datetime;

use crate::pki::{NOW, Pki, look, params};

#[test]
fn a_good_chain_is_described_whole() {
    let pki = Pki::new();
    let facts = pki.chain(&[&pki.leaf, &pki.intermediate]);
    assert_eq!(facts.certificate_file.state, FileState::Pem);
    assert_eq!(facts.key_file.state, FileState::Pem);
    assert_eq!(facts.pairing, Pairing::Matches);
    let leaf = &facts.certificates[0];
    assert_eq!(leaf.common_name.as_deref(), Some("shop.example"));
    assert!(leaf.issuer.contains("CN=Middle"), "{}", leaf.issuer);
    assert_eq!(leaf.sans.dns, ["shop.example", "*.shop.example"]);
    assert_eq!(
        leaf.sans.ip,
        ["192.0.2.7".parse::<std::net::IpAddr>().unwrap()]
    );
    assert!(covers(&leaf.sans, "www.shop.example") && !covers(&leaf.sans, "other.example"));
    assert_eq!(
        leaf.key,
        KeyKind::Ec {
            curve: "P-256".to_owned(),
            bits: 256
        }
    );
    assert_eq!(leaf.signature.name, "ecdsa-with-SHA256");
    assert_eq!(
        (leaf.server_auth, leaf.digital_signature),
        (Some(true), Some(true))
    );
    assert!(!leaf.is_ca && !leaf.self_signed);
    assert_eq!(leaf.not_after, datetime!(2026-12-31 00:00 UTC));
    assert_eq!(leaf.days_left(NOW), 212);
    assert!(facts.certificates[1].is_ca);
    let chain = facts.chain.unwrap();
    assert_eq!((chain.links, chain.path), (vec![Link::Signed], vec![0, 1]));
    assert!(chain.unrelated.is_empty() && chain.duplicates.is_empty());
    assert!(matches!(
        chain.end,
        ChainEnd::IssuerOutside {
            trusted_here: None,
            ..
        }
    ));
}

#[test]
fn validity_is_judged_at_the_given_moment() {
    let pki = Pki::new();
    let facts = pki.chain(&[&pki.leaf, &pki.intermediate]);
    let leaf = &facts.certificates[0];
    assert!(!leaf.expired(NOW) && !leaf.not_yet_valid(NOW));
    assert!(!leaf.expired(leaf.not_after) && !leaf.not_yet_valid(leaf.not_before));
    assert!(leaf.expired(datetime!(2027-01-01 00:00 UTC)));
    assert_eq!(leaf.days_left(datetime!(2027-01-02 00:00 UTC)), -2);
    assert!(leaf.not_yet_valid(datetime!(2025-12-31 23:59 UTC)));
}

#[test]
fn orders_and_extras_are_seen() {
    let pki = Pki::new();
    let order = pki.chain(&[&pki.intermediate, &pki.leaf]);
    assert_eq!(order.pairing, Pairing::MatchesLater { certificate: 1 });
    let chain = order.chain.unwrap();
    assert_eq!((chain.leaf, &chain.path), (1, &vec![1, 0]));
    assert!(!chain.in_order());

    let swapped = pki
        .chain(&[&pki.leaf, &pki.root, &pki.intermediate])
        .chain
        .unwrap();
    assert_eq!(swapped.path, [0, 2, 1]);
    assert_eq!(swapped.links, [Link::Unrelated, Link::Unrelated]);
    assert!(!swapped.in_order());
    assert_eq!(swapped.end, ChainEnd::RootIncluded { certificate: 1 });

    let twice = pki
        .chain(&[&pki.leaf, &pki.intermediate, &pki.intermediate])
        .chain
        .unwrap();
    assert_eq!(
        (twice.duplicates.as_slice(), twice.in_order()),
        (&[(2, 1)][..], true)
    );

    let stranger = Pki::new();
    let mixed = pki.chain(&[&pki.leaf, &stranger.leaf]).chain.unwrap();
    assert_eq!(mixed.unrelated, [1]);
    // The same names, another key: only the signature tells.
    let forged = pki
        .chain(&[&pki.leaf, &stranger.intermediate])
        .chain
        .unwrap();
    assert_eq!(forged.links, [Link::WrongSignature]);
    assert_eq!(forged.unrelated, [1]);
}

#[test]
fn a_missing_intermediate_depends_on_what_is_trusted() {
    let pki = Pki::new();
    let alone = pki.chain(&[&pki.leaf]).chain.unwrap();
    assert!(alone.lacks_intermediate());
    assert!(
        !pki.chain(&[&pki.leaf, &pki.intermediate])
            .chain
            .unwrap()
            .lacks_intermediate()
    );

    let (certificate, key) = (
        pki.write("cert.pem", &pki.leaf),
        pki.write("key.pem", pki.key.serialize_pem()),
    );
    let with = |bundle: &str| {
        let bundle = pki.write("bundle.pem", bundle);
        let roots = [pki.path("absent.pem"), bundle];
        examine_with_roots(&certificate, &key, NOW, &roots)
            .chain
            .unwrap()
    };
    assert!(!with(&[pki.root.as_str(), &pki.intermediate].concat()).lacks_intermediate());
    let other = with(&pki.root);
    assert!(other.lacks_intermediate());
    assert!(matches!(
        other.end,
        ChainEnd::IssuerOutside {
            trusted_here: Some(false),
            ..
        }
    ));
}

#[test]
fn a_self_signed_certificate_is_its_own_end() {
    let pki = Pki::new();
    let own = params("localhost", &["localhost"])
        .self_signed(&pki.key)
        .unwrap()
        .pem();
    let facts = pki.chain(&[&own]);
    assert!(facts.certificates[0].self_signed);
    assert_eq!(facts.chain.as_ref().unwrap().end, ChainEnd::SelfSignedLeaf);
    assert!(!facts.chain.unwrap().lacks_intermediate());
}

#[test]
fn kinds_of_keys_are_told_and_matched() {
    let pki = Pki::new();
    for (algorithm, kind) in [
        (&PKCS_ED25519, KeyKind::Ed25519),
        (
            &PKCS_ECDSA_P384_SHA384,
            KeyKind::Ec {
                curve: "P-384".to_owned(),
                bits: 384,
            },
        ),
    ] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let own = params("localhost", &["localhost"])
            .self_signed(&key)
            .unwrap()
            .pem();
        let facts = pki.examine(&own, &key.serialize_pem());
        assert_eq!(facts.pairing, Pairing::Matches);
        assert_eq!(facts.keys[0].kind, Some(kind));
        assert_eq!(facts.keys[0].problem, None);
    }
    for (arguments, format) in [
        ("genrsa -out rsa.pem 2048", KeyFormat::Pkcs8),
        ("genrsa -traditional -out rsa.pem 2048", KeyFormat::Pkcs1),
    ] {
        pki.openssl(arguments);
        pki.openssl("req -x509 -key rsa.pem -subj /CN=rsa -days 9 -out rsa.crt");
        let facts = look(&pki.path("rsa.crt"), &pki.path("rsa.pem"));
        assert_eq!(
            (facts.keys[0].format, &facts.pairing),
            (format, &Pairing::Matches)
        );
        assert_eq!(facts.keys[0].kind, Some(KeyKind::Rsa { bits: 2048 }));
        assert_eq!(facts.certificates[0].key, KeyKind::Rsa { bits: 2048 });
        assert!(facts.certificates[0].self_signed);
    }
    // OpenSSL writes the parameters of the curve in front of the key.
    pki.openssl("ecparam -name prime256v1 -genkey -out ec.pem");
    pki.openssl("req -x509 -key ec.pem -subj /CN=ec -days 9 -out ec.crt");
    let facts = look(&pki.path("ec.crt"), &pki.path("ec.pem"));
    assert_eq!(facts.key_file.count(BlockKind::EcParameters), 1);
    assert_eq!(facts.keys[0].format, KeyFormat::Sec1);
    assert_eq!(facts.pairing, Pairing::Matches);
}

#[test]
fn weak_and_unsupported_keys_are_still_matched() {
    let pki = Pki::new();
    pki.openssl("genrsa -out rsa.pem 1024");
    pki.openssl("req -x509 -sha1 -key rsa.pem -subj /CN=weak -days 9 -out rsa.crt");
    let facts = look(&pki.path("rsa.crt"), &pki.path("rsa.pem"));
    assert_eq!(facts.keys[0].kind, Some(KeyKind::Rsa { bits: 1024 }));
    assert_eq!(facts.keys[0].problem, Some(KeyProblem::Unsupported));
    assert!(facts.certificates[0].key.is_weak());
    assert_eq!(
        facts.certificates[0].signature.weakness,
        Some(Weakness::Sha1)
    );
    assert_eq!(facts.pairing, Pairing::Matches);

    pki.openssl("ecparam -name secp521r1 -genkey -noout -out ec.pem");
    pki.openssl("req -x509 -key ec.pem -subj /CN=big -days 9 -out ec.crt");
    let facts = look(&pki.path("ec.crt"), &pki.path("ec.pem"));
    assert_eq!(facts.keys[0].problem, Some(KeyProblem::Unsupported));
    assert_eq!(facts.keys[0].kind.as_ref().unwrap().to_string(), "EC P-521");
    assert_eq!(facts.pairing, Pairing::Matches);
}

#[test]
fn a_key_of_another_certificate_is_a_mismatch() {
    let pki = Pki::new();
    let other = KeyPair::generate().unwrap().serialize_pem();
    assert_eq!(pki.examine(&pki.leaf, &other).pairing, Pairing::Mismatch);
    let both = [other, pki.key.serialize_pem()].concat();
    let facts = pki.examine(&pki.leaf, &both);
    assert_eq!(facts.pairing, Pairing::MatchesLaterKey { key: 1 });
    assert_eq!(facts.keys.len(), 2);
}
