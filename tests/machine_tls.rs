//! TLS files as people really have them: good ones, mixed up, damaged, outdated, closed and open.
#![cfg(test)]
#![cfg(target_os = "linux")]

mod privileges;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use pounce_core::check::machine::tls::{
    BlockKind, BlockProblem, ChainEnd, FileState, KeyFormat, KeyKind, KeyProblem, Link, NotPem,
    Pairing, TlsFacts, Weakness, covers, examine_with_roots,
};
use privileges::as_nobody;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, date_time_ymd,
};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

/// An authority, an intermediate one, and a server's certificate; all made for this run.
struct Pki {
    folder: TempDir,
    root: String,
    intermediate: String,
    leaf: String,
    key: KeyPair,
}

fn params(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2026, 12, 31);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

impl Pki {
    fn new() -> Self {
        let root =
            CertifiedIssuer::self_signed(authority("Root"), KeyPair::generate().unwrap()).unwrap();
        let middle =
            CertifiedIssuer::signed_by(authority("Middle"), KeyPair::generate().unwrap(), &root)
                .unwrap();
        let key = KeyPair::generate().unwrap();
        let mut leaf = params(
            "shop.example",
            &["shop.example", "*.shop.example", "192.0.2.7"],
        );
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            folder,
            leaf: leaf.signed_by(&key, &middle).unwrap().pem(),
            root: root.pem(),
            intermediate: middle.pem(),
            key,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Examines these two contents, with nothing trusted.
    fn examine(&self, certificate: &str, key: &str) -> TlsFacts {
        look(
            &self.write("cert.pem", certificate),
            &self.write("key.pem", key),
        )
    }

    /// Examines a chain with the right key.
    fn chain(&self, certificates: &[&str]) -> TlsFacts {
        self.examine(&certificates.concat(), &self.key.serialize_pem())
    }

    /// Runs OpenSSL, for what rcgen does not make: RSA keys, encrypted keys, other containers.
    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

fn look(certificate: &Path, key: &Path) -> TlsFacts {
    examine_with_roots(certificate, key, NOW, &[])
}

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

#[test]
fn files_that_were_swapped_are_known_by_their_labels() {
    let pki = Pki::new();
    let swapped = pki.examine(&pki.key.serialize_pem(), &pki.leaf);
    assert_eq!(swapped.certificate_file.count(BlockKind::PrivateKey), 1);
    assert_eq!(swapped.certificate_file.count(BlockKind::Certificate), 0);
    assert_eq!(swapped.key_file.count(BlockKind::Certificate), 1);
    assert_eq!(swapped.pairing, Pairing::NotCompared);
    assert!(swapped.chain.is_none());

    let combined = [pki.leaf.clone(), pki.key.serialize_pem()].concat();
    let facts = pki.examine(&combined, &combined);
    assert_eq!(facts.pairing, Pairing::Matches);

    let public = pki.key.public_key_pem();
    let request = params("shop.example", &[])
        .serialize_request(&pki.key)
        .unwrap()
        .pem()
        .unwrap();
    let facts = pki.examine(&request, &public);
    assert_eq!(
        facts.certificate_file.blocks[0].kind,
        BlockKind::CertificateRequest
    );
    assert_eq!(facts.key_file.blocks[0].kind, BlockKind::PublicKey);
}

#[test]
fn encrypted_keys_are_seen_in_both_forms() {
    let pki = Pki::new();
    pki.openssl("genrsa -aes128 -passout pass:s3cret -out new.pem 2048");
    pki.openssl("genrsa -traditional -aes128 -passout pass:s3cret -out old.pem 2048");
    for name in ["new.pem", "old.pem"] {
        let facts = pki.examine(&pki.leaf, &pki.read(name));
        assert!(facts.keys[0].encrypted, "{name}");
        assert_eq!(
            (&facts.keys[0].kind, &facts.keys[0].problem),
            (&None, &None),
            "{name}"
        );
        assert_eq!(facts.pairing, Pairing::NotCompared);
    }
}

#[test]
fn other_containers_are_recognised() {
    let pki = Pki::new();
    pki.write("leaf.pem", &pki.leaf);
    pki.write("leaf.key", pki.key.serialize_pem());
    pki.openssl("x509 -in leaf.pem -outform DER -out leaf.der");
    pki.openssl("pkcs8 -topk8 -nocrypt -in leaf.key -outform DER -out key.der");
    pki.openssl("pkcs12 -export -in leaf.pem -inkey leaf.key -passout pass:s3cret -out leaf.p12");
    for (name, looks_like) in [
        ("leaf.der", NotPem::DerCertificate),
        ("key.der", NotPem::DerPrivateKey),
        ("leaf.p12", NotPem::Pkcs12),
    ] {
        let facts = look(&pki.path(name), &pki.path("leaf.key"));
        assert_eq!(
            facts.certificate_file.state,
            FileState::NotPem { looks_like },
            "{name}"
        );
    }
}

#[test]
fn damage_is_found_in_its_block() {
    let pki = Pki::new();
    let broken = pki.intermediate.replacen("MII", "!!!", 1);
    let facts = pki.chain(&[&pki.leaf, &broken]);
    let block = &facts.certificate_file.blocks[1];
    assert_eq!(block.problem, Some(BlockProblem::Base64));
    let text = pki.read("cert.pem");
    assert_eq!(block.span.line, pki.leaf.lines().count() + 1);
    assert!(text[block.span.start..block.span.end].contains("!!!"));
    assert_eq!(facts.certificates.len(), 1);

    let cut: String = pki
        .leaf
        .lines()
        .take(5)
        .map(|line| format!("{line}\n"))
        .collect();
    let facts = pki.chain(&[&cut]);
    assert_eq!(
        facts.certificate_file.blocks[0].problem,
        Some(BlockProblem::Unterminated)
    );

    let empty = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let facts = pki.chain(&[empty]);
    assert!(matches!(
        facts.certificate_file.blocks[0].problem,
        Some(BlockProblem::Content { .. })
    ));

    let no_key = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    let facts = pki.examine(&pki.leaf, no_key);
    assert_eq!(facts.keys[0].problem, Some(KeyProblem::Malformed));
    assert_eq!(facts.pairing, Pairing::NotCompared);
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let pki = Pki::new();
    let key = pki.write("key.pem", pki.key.serialize_pem());
    let state = |path: &Path| look(path, &key).certificate_file.state;

    let nearest = pki.folder.path().to_owned();
    assert_eq!(
        state(&pki.path("none.pem")),
        FileState::Missing {
            nearest: nearest.clone()
        }
    );
    assert_eq!(
        state(&pki.path("no/such/none.pem")),
        FileState::Missing { nearest }
    );
    symlink("gone.pem", pki.path("link.pem")).unwrap();
    assert_eq!(
        state(&pki.path("link.pem")),
        FileState::DanglingLink {
            target: "gone.pem".into()
        }
    );
    assert_eq!(
        state(pki.folder.path()),
        FileState::NotAFile {
            what: "folder".to_owned()
        }
    );
    let pipe = pki.path("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    assert_eq!(
        state(&pipe),
        FileState::NotAFile {
            what: "pipe".to_owned()
        }
    );
    assert_eq!(state(&pki.write("empty.pem", " \n")), FileState::Empty);
    assert_eq!(
        state(&pki.write("text.pem", "hello")),
        FileState::NotPem {
            looks_like: NotPem::Text
        }
    );
    let large = pki.write("large.pem", vec![b'\n'; 5 << 20]);
    assert_eq!(state(&large), FileState::TooLarge { bytes: 5 << 20 });
}

#[test]
fn closed_files_and_folders_are_named() {
    let pki = Pki::new();
    let key = pki.write("key.pem", pki.key.serialize_pem());
    let state = |path: &Path| as_nobody(|| look(path, path).key_file.state);
    assert_eq!(
        state(&key),
        FileState::PermissionDenied {
            denied: key.clone(),
            uid: 65534
        }
    );
    let closed = pki.path("private");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(
        state(&closed.join("deep/key.pem")),
        FileState::PermissionDenied {
            denied: closed.clone(),
            uid: 65534
        }
    );
}

#[test]
fn who_may_read_the_key_is_known() {
    let pki = Pki::new();
    let key = pki.write("key.pem", pki.key.serialize_pem());
    let access = |mode: u32, path: &Path| {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        look(path, path).key_file.access.unwrap()
    };
    let private = access(0o600, &key);
    assert_eq!(
        (private.mode, private.uid, private.owner.as_deref()),
        (0o600, 0, Some("root"))
    );
    assert!(!private.group_reads && !private.others_read);
    let group = access(0o640, &key);
    assert!(group.group_reads && !group.others_read);
    assert!(access(0o644, &key).others_read);
    fs::set_permissions(pki.folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(
        !access(0o644, &key).others_read,
        "the folder keeps others out"
    );
    // A link elsewhere does not change where the file is.
    let outside = tempfile::tempdir().unwrap();
    symlink(&key, outside.path().join("link.pem")).unwrap();
    assert!(!access(0o644, &outside.path().join("link.pem")).others_read);
}

#[test]
fn no_fact_shows_key_material() {
    let pki = Pki::new();
    let pem = pki.key.serialize_pem();
    let facts = pki.examine(&pki.leaf, &pem);
    let damaged = pki.examine(&pki.leaf, &pem.replacen("MI", "M!", 1));
    for facts in [facts, damaged] {
        let shown = [format!("{facts:?}"), serde_json::to_string(&facts).unwrap()].concat();
        for line in pem.lines().filter(|line| !line.starts_with('-')) {
            assert!(!shown.contains(&line[..12]));
        }
        let again: TlsFacts =
            serde_json::from_str(&serde_json::to_string(&facts).unwrap()).unwrap();
        assert_eq!(again, facts, "facts survive a round trip");
    }
}
