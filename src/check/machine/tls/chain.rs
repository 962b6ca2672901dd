//! How the certificates of a file hang together: who signed whom, in which order, and what is missing.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::prelude::FromDer;

use super::certificate::ParsedCertificate;

/// A chain as the file has it. Indices are those of the certificates that parse, in file order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainFacts {
    /// For each certificate but the last: how it relates to the next one in the file.
    pub links: Vec<Link>,
    /// The server's certificate: the first that is no authority and signed no other, else the first.
    pub leaf: usize,
    /// The chain as it should be: from the leaf, each followed by its issuer, as far as the file goes.
    pub path: Vec<usize>,
    /// Certificates that are not on that path and are no copies.
    pub unrelated: Vec<usize>,
    /// Copies: (the certificate, the earlier one that it repeats).
    pub duplicates: Vec<(usize, usize)>,
    /// Where the path ends.
    pub end: ChainEnd,
}

impl ChainFacts {
    /// Whether the file begins with the path, in its order.
    #[must_use]
    pub fn in_order(&self) -> bool {
        self.path
            .iter()
            .enumerate()
            .all(|(place, index)| place == *index)
    }

    /// Whether the leaf stands alone and its issuer is neither in the file nor known to be a root here.
    #[must_use]
    pub fn lacks_intermediate(&self) -> bool {
        matches!(&self.end, ChainEnd::IssuerOutside { trusted_here, .. } if *trusted_here != Some(true))
            && self.path.len() == 1
    }
}

/// How a certificate relates to another one that may have issued it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// Names agree and the signature is right.
    Signed,
    /// Names agree; the signature is of a kind that cannot be checked here.
    ByName,
    /// Names agree, but the signature is not by that key.
    WrongSignature,
    /// The other one is somebody else.
    Unrelated,
}

impl Link {
    fn holds(self) -> bool {
        matches!(self, Self::Signed | Self::ByName)
    }
}

/// Where the path through a file ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ChainEnd {
    /// The leaf signed itself.
    SelfSignedLeaf,
    /// A root certificate is in the file, which clients ignore.
    RootIncluded {
        /// Its index.
        certificate: usize,
    },
    /// The last issuer is not in the file: usual when it is a root, else something is missing.
    IssuerOutside {
        /// Its name.
        issuer: String,
        /// Whether this machine's trusted roots have that name; `None` where it keeps none.
        trusted_here: Option<bool>,
    },
}

/// Relates the certificates of a file; `None` when there is none.
pub(super) fn examine(certificates: &[ParsedCertificate], roots: &[PathBuf]) -> Option<ChainFacts> {
    let parsed: Vec<X509Certificate<'_>> = certificates
        .iter()
        .filter_map(|each| X509Certificate::from_der(&each.der).ok())
        .map(|(_, certificate)| certificate)
        .collect();
    if parsed.is_empty() || parsed.len() != certificates.len() {
        return None;
    }
    let duplicates = duplicates(certificates);
    let is_copy = |index: usize| duplicates.iter().any(|(copy, _)| *copy == index);
    let originals: Vec<usize> = (0..parsed.len()).filter(|index| !is_copy(*index)).collect();

    let leaf = leaf(&parsed, &originals);
    let path = path(&parsed, &originals, leaf);
    let last = *path.last()?;
    let end = if certificates[last].facts.self_signed {
        if path.len() == 1 {
            ChainEnd::SelfSignedLeaf
        } else {
            ChainEnd::RootIncluded { certificate: last }
        }
    } else {
        ChainEnd::IssuerOutside {
            issuer: certificates[last].facts.issuer.clone(),
            trusted_here: trusted(parsed[last].issuer().as_raw(), roots),
        }
    };
    Some(ChainFacts {
        links: parsed
            .windows(2)
            .map(|pair| link(&pair[0], &pair[1]))
            .collect(),
        unrelated: originals
            .iter()
            .copied()
            .filter(|index| !path.contains(index))
            .collect(),
        leaf,
        path,
        duplicates,
        end,
    })
}

fn duplicates(certificates: &[ParsedCertificate]) -> Vec<(usize, usize)> {
    let first = |der: &[u8]| certificates.iter().position(|each| each.der == der);
    certificates
        .iter()
        .enumerate()
        .filter_map(|(index, each)| first(&each.der).map(|earlier| (index, earlier)))
        .filter(|(index, earlier)| earlier < index)
        .collect()
}

fn leaf(parsed: &[X509Certificate<'_>], originals: &[usize]) -> usize {
    let signed_another = |index: usize| {
        originals
            .iter()
            .any(|other| *other != index && parsed[*other].issuer() == parsed[index].subject())
    };
    let found = originals
        .iter()
        .copied()
        .find(|index| !parsed[*index].is_ca() && !signed_another(*index));
    found.unwrap_or(0)
}

fn path(parsed: &[X509Certificate<'_>], originals: &[usize], leaf: usize) -> Vec<usize> {
    let mut path = vec![leaf];
    let mut at = leaf;
    while let Some(next) = originals
        .iter()
        .copied()
        .find(|other| !path.contains(other) && link(&parsed[at], &parsed[*other]).holds())
    {
        path.push(next);
        at = next;
    }
    path
}

fn link(certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> Link {
    if certificate.issuer().as_raw() != issuer.subject().as_raw() {
        return Link::Unrelated;
    }
    match certificate.verify_signature(Some(issuer.public_key())) {
        Ok(()) => Link::Signed,
        Err(X509Error::SignatureUnsupportedAlgorithm) => Link::ByName,
        Err(_) => Link::WrongSignature,
    }
}

/// Whether the first readable bundle has a certificate with this subject (in DER).
fn trusted(subject: &[u8], bundles: &[PathBuf]) -> Option<bool> {
    let bundle = bundles.iter().find_map(|path| fs::read(path).ok())?;
    let mut rest = bundle.as_slice();
    while let Ok(Some((item, remainder))) = rustls_pemfile::read_one_from_slice(rest) {
        rest = remainder;
        if let rustls_pemfile::Item::X509Certificate(der) = item
            && let Ok((_, root)) = X509Certificate::from_der(&der)
            && root.subject().as_raw() == subject
        {
            return Some(true);
        }
    }
    Some(false)
}
