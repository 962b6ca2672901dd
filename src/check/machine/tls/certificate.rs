//! One certificate: who it is for, until when, by whom, and for what.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey as ParsedPublicKey;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Name};

use super::algorithm::{KeyKind, SignatureFacts};
use super::file::FileFacts;
use super::key::PublicHalf;
use super::pem::{BlockKind, BlockProblem};

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// Index of its block in [`FileFacts::blocks`].
    pub block: usize,
    /// Subject, `CN=shop.example, O=Shop`.
    pub subject: String,
    /// The common name of the subject, where it has one.
    pub common_name: Option<String>,
    /// Issuer, as the subject is written.
    pub issuer: String,
    /// Serial number in hexadecimal, bytes parted by colons.
    pub serial: String,
    /// Valid from.
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    /// Valid until, inclusive.
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
    /// The hosts it is for.
    pub sans: Sans,
    /// Whether its own key signed it.
    pub self_signed: bool,
    /// Whether it may sign other certificates (basic constraints).
    pub is_ca: bool,
    /// The certified key.
    pub key: KeyKind,
    /// What it is signed with.
    pub signature: SignatureFacts,
    /// Whether it may be used for servers; `None` where it does not restrict its use.
    pub server_auth: Option<bool>,
    /// Whether the key may sign handshakes (`digitalSignature`); `None` without a key usage.
    pub digital_signature: Option<bool>,
    /// Where the issuer's certificate can be fetched, where the certificate says so.
    pub issuer_url: Option<String>,
}

impl CertificateFacts {
    /// Whether it is no longer valid at this moment.
    #[must_use]
    pub fn expired(&self, now: OffsetDateTime) -> bool {
        now > self.not_after
    }

    /// Whether it is not valid yet at this moment.
    #[must_use]
    pub fn not_yet_valid(&self, now: OffsetDateTime) -> bool {
        now < self.not_before
    }

    /// Whole days until it expires, negative once it has.
    #[must_use]
    pub fn days_left(&self, now: OffsetDateTime) -> i64 {
        (self.not_after - now).whole_days()
    }
}

/// Subject alternative names: the only place where clients look for a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sans {
    /// Host names, wildcards included, as written.
    pub dns: Vec<String>,
    /// Addresses.
    pub ip: Vec<IpAddr>,
    /// How many names of other kinds there are (mail, URI, ...).
    pub other: usize,
}

impl Sans {
    /// Whether it names no host at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dns.is_empty() && self.ip.is_empty()
    }
}

/// A certificate with what comparing needs beside its facts.
pub(super) struct ParsedCertificate {
    pub(super) facts: CertificateFacts,
    pub(super) der: Vec<u8>,
    pub(super) public: Option<PublicHalf>,
}

/// Parses every certificate of a file; the block of one that does not parse gets a problem.
pub(super) fn read_all(file: &mut FileFacts, bytes: &[u8]) -> Vec<ParsedCertificate> {
    let mut parsed = Vec::new();
    for (index, block) in file.blocks.iter_mut().enumerate() {
        if block.kind != BlockKind::Certificate || block.problem.is_some() {
            continue;
        }
        let text = bytes
            .get(block.span.start..block.span.end)
            .unwrap_or_default();
        let der = match rustls_pemfile::read_one_from_slice(text) {
            Ok(Some((rustls_pemfile::Item::X509Certificate(der), _))) => der.to_vec(),
            _ => {
                block.problem = Some(BlockProblem::Base64);
                continue;
            }
        };
        match parse(index, der) {
            Ok(certificate) => parsed.push(certificate),
            Err(message) => block.problem = Some(BlockProblem::Content { message }),
        }
    }
    parsed
}

/// Whether bytes are a certificate in its binary form.
pub(super) fn is_der(bytes: &[u8]) -> bool {
    X509Certificate::from_der(bytes).is_ok()
}

fn parse(block: usize, der: Vec<u8>) -> Result<ParsedCertificate, String> {
    let (rest, certificate) = X509Certificate::from_der(&der).map_err(|error| describe(&error))?;
    if !rest.is_empty() {
        return Err(format!("{} bytes follow the certificate", rest.len()));
    }
    let facts = facts(block, &certificate)?;
    let public = PublicHalf::of(certificate.public_key());
    Ok(ParsedCertificate { facts, public, der })
}

fn describe(error: &x509_parser::nom::Err<x509_parser::error::X509Error>) -> String {
    use x509_parser::nom::Err;
    match error {
        Err::Incomplete(_) => "it ends too early".to_owned(),
        Err::Error(error) | Err::Failure(error) => error.to_string(),
    }
}

fn facts(block: usize, certificate: &X509Certificate<'_>) -> Result<CertificateFacts, String> {
    let validity = certificate.validity();
    let key_usage = certificate.key_usage().map_err(|error| error.to_string())?;
    let extended = certificate
        .extended_key_usage()
        .map_err(|error| error.to_string())?;
    Ok(CertificateFacts {
        block,
        subject: name(certificate.subject()),
        common_name: certificate
            .subject()
            .iter_common_name()
            .next()
            .and_then(|each| each.as_str().ok())
            .map(str::to_owned),
        issuer: name(certificate.issuer()),
        serial: certificate.raw_serial_as_string(),
        not_before: validity.not_before.to_datetime(),
        not_after: validity.not_after.to_datetime(),
        sans: sans(certificate),
        self_signed: certificate.subject() == certificate.issuer()
            && certificate.verify_signature(None).is_ok(),
        is_ca: certificate.is_ca(),
        key: key_kind(certificate.public_key()),
        signature: SignatureFacts::from_oid(
            &certificate.signature_algorithm.algorithm.to_id_string(),
        ),
        server_auth: extended.map(|usage| usage.value.server_auth || usage.value.any),
        digital_signature: key_usage.map(|usage| usage.value.digital_signature()),
        issuer_url: issuer_url(certificate),
    })
}

fn name(name: &X509Name<'_>) -> String {
    let text = name.to_string();
    if text.is_empty() {
        "(no name)".to_owned()
    } else {
        text
    }
}

fn sans(certificate: &X509Certificate<'_>) -> Sans {
    let mut sans = Sans::default();
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return sans;
    };
    for name in &extension.value.general_names {
        match name {
            GeneralName::DNSName(host) => sans.dns.push((*host).to_owned()),
            GeneralName::IPAddress(bytes) => match address(bytes) {
                Some(address) => sans.ip.push(address),
                None => sans.other += 1,
            },
            _ => sans.other += 1,
        }
    }
    sans
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(four.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// Kind and size of a certified key.
pub(super) fn key_kind(info: &SubjectPublicKeyInfo<'_>) -> KeyKind {
    let curve = info
        .algorithm
        .parameters
        .as_ref()
        .and_then(|parameters| parameters.as_oid().ok())
        .map(|oid| oid.to_id_string());
    let rsa_bits = match info.parsed() {
        Ok(ParsedPublicKey::RSA(key)) => bit_length(key.modulus),
        _ => 0,
    };
    KeyKind::from_oids(
        &info.algorithm.algorithm.to_id_string(),
        curve.as_deref(),
        rsa_bits,
    )
}

/// Bits of a big-endian number, leading zeros not counted.
pub(super) fn bit_length(number: &[u8]) -> usize {
    let significant = number
        .iter()
        .position(|byte| *byte != 0)
        .map(|at| &number[at..]);
    significant.map_or(0, |bytes| {
        bytes.len() * 8 - bytes[0].leading_zeros() as usize
    })
}

fn issuer_url(certificate: &X509Certificate<'_>) -> Option<String> {
    const CA_ISSUERS: &str = "1.3.6.1.5.5.7.48.2";
    certificate.extensions().iter().find_map(|extension| {
        let ParsedExtension::AuthorityInfoAccess(access) = extension.parsed_extension() else {
            return None;
        };
        access
            .accessdescs
            .iter()
            .find_map(|each| match &each.access_location {
                GeneralName::URI(url) if each.access_method.to_id_string() == CA_ISSUERS => {
                    Some((*url).to_owned())
                }
                _ => None,
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_in_bits_ignore_leading_zeros() {
        assert_eq!(bit_length(&[0, 0x80, 0]), 16);
        assert_eq!(bit_length(&[0x01, 0xff]), 9);
        assert_eq!(bit_length(&[0, 0]), 0);
        assert_eq!(bit_length(&[]), 0);
    }

    #[test]
    fn addresses_have_four_or_sixteen_bytes() {
        assert_eq!(address(&[127, 0, 0, 1]), Some("127.0.0.1".parse().unwrap()));
        assert_eq!(address(&[0; 16]), Some("::".parse().unwrap()));
        assert_eq!(address(&[1, 2, 3]), None);
    }
}
