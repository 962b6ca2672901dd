//! Private keys: which kind, whether the server's TLS library takes them, and their public half.
//!
//! Key bytes live in buffers that are wiped when dropped, and no fact contains any.

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use serde::{Deserialize, Serialize};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey as ParsedPublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use super::algorithm::KeyKind;
use super::certificate::{bit_length, key_kind};
use super::der::{self, Element};
use super::file::FileFacts;
use super::pem::{BlockKind, BlockProblem};

/// What can be said of a private key without showing it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFacts {
    /// Index of its block in [`FileFacts::blocks`].
    pub block: usize,
    /// How it is written.
    pub format: KeyFormat,
    /// Whether a passphrase protects it; nothing more is known of it then.
    pub encrypted: bool,
    /// Kind and size; `None` when it is encrypted or does not parse.
    pub kind: Option<KeyKind>,
    /// Why the server cannot use it, where it cannot.
    pub problem: Option<KeyProblem>,
}

/// Why a private key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyProblem {
    /// The frame or its base64 is broken: see the block's problem.
    Block,
    /// The content is not a private key of that format.
    Malformed,
    /// A sound key of a kind or size that the TLS library does not take (RSA under 2048, P-521, ...).
    Unsupported,
}

/// The formats of private keys in PEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyFormat {
    /// `RSA PRIVATE KEY`.
    Pkcs1,
    /// `PRIVATE KEY` and `ENCRYPTED PRIVATE KEY`.
    Pkcs8,
    /// `EC PRIVATE KEY`.
    Sec1,
}

/// The public half of a key pair, in a form that can be compared.
#[derive(PartialEq, Eq)]
pub(super) enum PublicHalf {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Point(Vec<u8>),
}

impl PublicHalf {
    /// From what a certificate or the TLS library says.
    pub(super) fn of(info: &SubjectPublicKeyInfo<'_>) -> Option<Self> {
        match info.parsed() {
            Ok(ParsedPublicKey::RSA(key)) => Some(Self::rsa(key.modulus, key.exponent)),
            _ => Some(Self::Point(info.subject_public_key.data.to_vec())),
        }
    }

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        Self::Rsa {
            modulus: without_zeros(modulus).to_vec(),
            exponent: without_zeros(exponent).to_vec(),
        }
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let first = number
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(number.len());
    number.get(first..).unwrap_or_default()
}

/// A key with what comparing needs beside its facts.
pub(super) struct ParsedKey {
    pub(super) facts: KeyFacts,
    pub(super) public: Option<PublicHalf>,
}

/// Reads every private key of a file; the block of one that does not decode gets a problem.
pub(super) fn read_all(file: &mut FileFacts, bytes: &[u8]) -> Vec<ParsedKey> {
    let mut keys = Vec::new();
    for (index, block) in file.blocks.iter_mut().enumerate() {
        if block.kind != BlockKind::PrivateKey {
            continue;
        }
        let mut facts = KeyFacts {
            block: index,
            format: match block.label.as_str() {
                "RSA PRIVATE KEY" => KeyFormat::Pkcs1,
                "EC PRIVATE KEY" => KeyFormat::Sec1,
                _ => KeyFormat::Pkcs8,
            },
            encrypted: block.encrypted,
            kind: None,
            problem: None,
        };
        let mut public = None;
        if block.problem.is_some() {
            facts.problem = Some(KeyProblem::Block);
        } else if !block.encrypted {
            let text = bytes
                .get(block.span.start..block.span.end)
                .unwrap_or_default();
            match decode(text) {
                Some(key) => public = examine(&key, &mut facts),
                None => {
                    block.problem = Some(BlockProblem::Base64);
                    facts.problem = Some(KeyProblem::Block);
                }
            }
            if facts.problem == Some(KeyProblem::Malformed) {
                // The parser's own words could quote the content, so they are not kept.
                let message = "not a private key of this format".to_owned();
                block.problem = Some(BlockProblem::Content { message });
            }
        }
        keys.push(ParsedKey { facts, public });
    }
    keys
}

fn decode(text: &[u8]) -> Option<Zeroizing<PrivateKeyDer<'static>>> {
    use rustls_pemfile::Item;
    let (item, _) = rustls_pemfile::read_one_from_slice(text).ok()??;
    let key = match item {
        Item::Pkcs1Key(key) => PrivateKeyDer::from(key),
        Item::Pkcs8Key(key) => PrivateKeyDer::from(key),
        Item::Sec1Key(key) => PrivateKeyDer::from(key),
        _ => return None,
    };
    Some(Zeroizing::new(key))
}

fn examine(key: &PrivateKeyDer<'static>, facts: &mut KeyFacts) -> Option<PublicHalf> {
    let structure = match facts.format {
        KeyFormat::Pkcs1 => rsa(key.secret_der()),
        KeyFormat::Sec1 => curve(key.secret_der(), None),
        KeyFormat::Pkcs8 => wrapped(key.secret_der()),
    };
    if let Ok(signing) = any_supported_type(key)
        && let Some(info) = signing.public_key()
        && let Ok((_, info)) = SubjectPublicKeyInfo::from_der(&info)
    {
        facts.kind = Some(key_kind(&info));
        return PublicHalf::of(&info);
    }
    let Some((kind, public)) = structure else {
        facts.problem = Some(KeyProblem::Malformed);
        return None;
    };
    // A key of a supported kind and size that the library refuses is damaged inside.
    facts.problem = Some(if supported(&kind) {
        KeyProblem::Malformed
    } else {
        KeyProblem::Unsupported
    });
    facts.kind = Some(kind);
    public
}

fn supported(kind: &KeyKind) -> bool {
    match kind {
        KeyKind::Rsa { bits } => (2048..=4096).contains(bits),
        KeyKind::Ec { curve, .. } => curve == "P-256" || curve == "P-384",
        KeyKind::Ed25519 => true,
        KeyKind::Ed448 | KeyKind::Dsa | KeyKind::Other { .. } => false,
    }
}

type Structure = (KeyKind, Option<PublicHalf>);

/// `RSAPrivateKey` of RFC 8017: version, modulus, public exponent, ...
fn rsa(der: &[u8]) -> Option<Structure> {
    let mut fields = der::sequence(der)?;
    fields.field(der::INTEGER)?;
    let modulus = fields.field(der::INTEGER)?;
    let exponent = fields.field(der::INTEGER)?;
    Some((
        KeyKind::Rsa {
            bits: bit_length(modulus),
        },
        Some(PublicHalf::rsa(modulus, exponent)),
    ))
}

/// `ECPrivateKey` of RFC 5915: version, key, then optionally `[0]` curve and `[1]` public point.
fn curve(der: &[u8], named_outside: Option<String>) -> Option<Structure> {
    let mut fields = der::sequence(der)?;
    fields.field(der::INTEGER)?;
    fields.field(der::OCTET_STRING)?;
    let mut curve = named_outside;
    let mut public = None;
    for Element { tag, content } in fields {
        let mut inner = der::Elements::new(content);
        match tag {
            0xa0 => curve = inner.field(der::OID).and_then(der::oid).or(curve),
            // The first byte of a bit string counts its unused bits.
            0xa1 => {
                public = inner
                    .field(der::BIT_STRING)
                    .and_then(|bits| bits.get(1..))
                    .map(|point| PublicHalf::Point(point.to_vec()));
            }
            _ => return None,
        }
    }
    Some((KeyKind::curve(&curve.unwrap_or_default()), public))
}

/// `PrivateKeyInfo` of RFC 5958: version, algorithm, then a key of that algorithm.
fn wrapped(der: &[u8]) -> Option<Structure> {
    let mut fields = der::sequence(der)?;
    fields.field(der::INTEGER)?;
    let mut algorithm = der::Elements::new(fields.field(der::SEQUENCE)?);
    let name = algorithm.field(der::OID).and_then(der::oid)?;
    let inner = fields.field(der::OCTET_STRING)?;
    let parameter = algorithm.field(der::OID).and_then(der::oid);
    match KeyKind::from_oids(&name, None, 0) {
        KeyKind::Rsa { .. } => rsa(inner),
        KeyKind::Ec { .. } => curve(inner, parameter),
        other => Some((other, None)),
    }
}

/// Whether bytes are a private key in its binary form.
pub(super) fn is_der_key(bytes: &[u8]) -> bool {
    wrapped(bytes).is_some() || rsa(bytes).is_some() || curve(bytes, None).is_some()
}

/// Whether bytes are a PKCS#12 store (RFC 7292): version 3, then PKCS#7 data.
pub(super) fn is_pkcs12(bytes: &[u8]) -> bool {
    const PKCS7: &str = "1.2.840.113549.1.7.";
    let inside = || {
        let mut fields = der::sequence(bytes)?;
        let version = fields.field(der::INTEGER)?;
        let mut info = der::Elements::new(fields.field(der::SEQUENCE)?);
        let kind = info.field(der::OID).and_then(der::oid)?;
        Some(version == [3] && kind.starts_with(PKCS7))
    };
    inside().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pem;
    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_the_readers_fail(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            // A sequence that begins well leads the walk deeper than noise does.
            let framed = [&[0x30, u8::try_from(bytes.len()).unwrap()], bytes.as_slice()].concat();
            for input in [bytes.as_slice(), &framed] {
                let _ = (is_der_key(input), is_pkcs12(input), wrapped(input), curve(input, None));
            }
        }

        #[test]
        fn blocks_lie_within_their_text(
            pieces in prop::collection::vec(
                prop_oneof![
                    Just("-----BEGIN PRIVATE KEY-----"), Just("-----END PRIVATE KEY-----"),
                    Just("\n"), Just("\r\n"), Just("MAA="), Just("\u{feff}"), Just("\u{1f600}"),
                ],
                0..20,
            )
        ) {
            let text = pieces.concat();
            let mut last = 0;
            for block in pem::scan(text.as_bytes()) {
                prop_assert!(last <= block.span.start && block.span.start < block.span.end);
                prop_assert!(text.get(block.span.start..block.span.end).is_some());
                last = block.span.end;
            }
        }
    }
}
