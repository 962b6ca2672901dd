//! Certificates and keys, made anew for each test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use pounce_core::check::machine::tls::{TlsFacts, examine_with_roots};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;

pub(crate) const NOW: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

/// An authority, an intermediate one, and a server's certificate; all made for this run.
pub(crate) struct Pki {
    pub(crate) folder: TempDir,
    pub(crate) root: String,
    pub(crate) intermediate: String,
    pub(crate) leaf: String,
    pub(crate) key: KeyPair,
}

pub(crate) fn params(name: &str, hosts: &[&str]) -> CertificateParams {
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
    pub(crate) fn new() -> Self {
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

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Examines these two contents, with nothing trusted.
    pub(crate) fn examine(&self, certificate: &str, key: &str) -> TlsFacts {
        look(
            &self.write("cert.pem", certificate),
            &self.write("key.pem", key),
        )
    }

    /// Examines a chain with the right key.
    pub(crate) fn chain(&self, certificates: &[&str]) -> TlsFacts {
        self.examine(&certificates.concat(), &self.key.serialize_pem())
    }

    /// Runs OpenSSL, for what rcgen does not make: RSA keys, encrypted keys, other containers.
    pub(crate) fn openssl(&self, arguments: &str) {
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

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

pub(crate) fn look(certificate: &Path, key: &Path) -> TlsFacts {
    examine_with_roots(certificate, key, NOW, &[])
}
