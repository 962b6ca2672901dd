//! TLS files as people really have them: mixed up, damaged, in other containers, closed and open.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use pounce_core::check::machine::tls::{
    BlockKind, BlockProblem, FileState, KeyProblem, NotPem, Pairing, TlsFacts,
};

use crate::pki::{Pki, look, params};
use crate::privileges::as_nobody;

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
