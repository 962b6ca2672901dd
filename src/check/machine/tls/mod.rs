//! What the two TLS files hold: a certificate chain, its private key, and whether they belong together.

mod algorithm;
mod certificate;
mod chain;
mod der;
mod file;
mod host;
mod key;
mod pem;
mod punycode;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use algorithm::{KeyKind, SignatureFacts, Weakness};
pub use certificate::{CertificateFacts, Sans};
pub use chain::{ChainEnd, ChainFacts, Link};
pub use file::{Access, FileFacts, FileState, NotPem};
pub use host::covers;
pub use key::{KeyFacts, KeyFormat, KeyProblem};
pub use pem::{Block, BlockKind, BlockProblem, Span};

use certificate::ParsedCertificate;
use key::ParsedKey;

/// Bundles of trusted root certificates, where Linux distributions and macOS keep them.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Everything seen in a certificate file and a key file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TlsFacts {
    /// The moment that validity is judged at.
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
    /// The certificate file (`ssl_certfile`).
    pub certificate_file: FileFacts,
    /// Its certificates, in the order of the file; those that do not parse are left out here and
    /// have a problem in their block.
    pub certificates: Vec<CertificateFacts>,
    /// How the certificates hang together; `None` without a certificate.
    pub chain: Option<ChainFacts>,
    /// The key file (`ssl_keyfile`).
    pub key_file: FileFacts,
    /// Its private keys, in the order of the file, encrypted ones included.
    pub keys: Vec<KeyFacts>,
    /// Whether the first usable key belongs to the certificates.
    pub pairing: Pairing,
}

/// Whether the private key belongs to a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Pairing {
    /// The key belongs to the first certificate, which is the one a server presents.
    Matches,
    /// The key belongs to a later certificate of the file: the order is wrong.
    MatchesLater {
        /// Its index in [`TlsFacts::certificates`].
        certificate: usize,
    },
    /// The first key belongs to no certificate of the file, but a later key of the key file does.
    MatchesLaterKey {
        /// Index of that key in [`TlsFacts::keys`].
        key: usize,
    },
    /// The key belongs to none of the certificates.
    Mismatch,
    /// The public half cannot be derived from this kind of key.
    Undetermined,
    /// There is no certificate or no readable key to compare.
    NotCompared,
}

/// Looks at both files. Never fails: what cannot be read is a fact of its own.
#[must_use]
pub fn examine(certfile: &Path, keyfile: &Path, now: OffsetDateTime) -> TlsFacts {
    let roots: Vec<PathBuf> = SYSTEM_ROOTS.iter().map(PathBuf::from).collect();
    examine_with_roots(certfile, keyfile, now, &roots)
}

/// As [`examine`], with the files to look for trusted roots in (the first readable one counts).
#[must_use]
pub fn examine_with_roots(
    certfile: &Path,
    keyfile: &Path,
    now: OffsetDateTime,
    roots: &[PathBuf],
) -> TlsFacts {
    let (mut certificate_file, certificate_bytes) = file::read(certfile);
    let (mut key_file, key_bytes) = file::read(keyfile);
    let parsed = certificate::read_all(&mut certificate_file, &certificate_bytes);
    let keys = key::read_all(&mut key_file, &key_bytes);
    TlsFacts {
        now,
        pairing: pair(&parsed, &keys),
        chain: chain::examine(&parsed, roots),
        certificates: parsed.into_iter().map(|each| each.facts).collect(),
        certificate_file,
        keys: keys.into_iter().map(|each| each.facts).collect(),
        key_file,
    }
}

/// Compares public halves. The server uses the first key, so that one decides.
fn pair(certificates: &[ParsedCertificate], keys: &[ParsedKey]) -> Pairing {
    let (Some(leaf), Some(first)) = (
        certificates.first(),
        keys.iter().find(|key| !key.facts.encrypted),
    ) else {
        return Pairing::NotCompared;
    };
    let Some(public) = &first.public else {
        // A key that does not parse is told by its own problem; there is nothing to compare.
        return if first.facts.problem.is_some() {
            Pairing::NotCompared
        } else {
            Pairing::Undetermined
        };
    };
    if leaf.public.as_ref() == Some(public) {
        return Pairing::Matches;
    }
    if let Some(certificate) = certificates
        .iter()
        .position(|each| each.public.as_ref() == Some(public))
    {
        return Pairing::MatchesLater { certificate };
    }
    match keys
        .iter()
        .position(|key| key.public.is_some() && key.public == leaf.public)
    {
        Some(key) => Pairing::MatchesLaterKey { key },
        None => Pairing::Mismatch,
    }
}
