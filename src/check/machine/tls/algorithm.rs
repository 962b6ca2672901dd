//! Key and signature algorithms: their names, sizes, and which are too weak.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Kind and size of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum KeyKind {
    /// RSA (also for PSS only).
    Rsa {
        /// Length of the modulus.
        bits: usize,
    },
    /// An elliptic curve by its usual name, `P-256`.
    Ec {
        /// The name, or the object identifier of an unusual curve.
        curve: String,
        /// Size of the curve's field; 0 where it is unknown.
        bits: usize,
    },
    /// Ed25519.
    Ed25519,
    /// Ed448.
    Ed448,
    /// DSA, which TLS has given up.
    Dsa,
    /// Anything else.
    Other {
        /// Its object identifier.
        oid: String,
    },
}

impl KeyKind {
    /// Whether the key is too small: RSA under 2048 bits, a curve under 224, or DSA.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        match self {
            Self::Rsa { bits } => *bits < 2048,
            Self::Ec { bits, .. } => (1..224).contains(bits),
            Self::Dsa => true,
            Self::Ed25519 | Self::Ed448 | Self::Other { .. } => false,
        }
    }

    /// From the object identifier of the algorithm and, for a curve, that of its parameters.
    pub(super) fn from_oids(algorithm: &str, curve: Option<&str>, rsa_bits: usize) -> Self {
        match algorithm {
            "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => Self::Rsa { bits: rsa_bits },
            "1.2.840.10045.2.1" => Self::curve(curve.unwrap_or_default()),
            "1.3.101.112" => Self::Ed25519,
            "1.3.101.113" => Self::Ed448,
            "1.2.840.10040.4.1" => Self::Dsa,
            other => Self::Other {
                oid: other.to_owned(),
            },
        }
    }

    /// From the object identifier of a curve.
    pub(super) fn curve(oid: &str) -> Self {
        let (curve, bits) = match oid {
            "1.2.840.10045.3.1.7" => ("P-256", 256),
            "1.3.132.0.34" => ("P-384", 384),
            "1.3.132.0.35" => ("P-521", 521),
            "1.3.132.0.33" => ("P-224", 224),
            "1.2.840.10045.3.1.1" => ("P-192", 192),
            "1.3.132.0.10" => ("secp256k1", 256),
            "1.3.132.0.6" => ("secp112r1", 112),
            "1.3.132.0.28" => ("secp128r1", 128),
            "1.3.132.0.8" => ("secp160r1", 160),
            "1.3.36.3.3.2.8.1.1.7" => ("brainpoolP256r1", 256),
            "1.3.36.3.3.2.8.1.1.11" => ("brainpoolP384r1", 384),
            "1.3.36.3.3.2.8.1.1.13" => ("brainpoolP512r1", 512),
            other => (other, 0),
        };
        Self::Ec {
            curve: curve.to_owned(),
            bits,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
            Self::Ec { curve, .. } if curve.is_empty() => f.write_str("EC with its own curve"),
            Self::Ec { curve, .. } => write!(f, "EC {curve}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Ed448 => f.write_str("Ed448"),
            Self::Dsa => f.write_str("DSA"),
            Self::Other { oid } => write!(f, "algorithm {oid}"),
        }
    }
}

/// The algorithm that a certificate is signed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureFacts {
    /// Its usual name, `sha256WithRSAEncryption`, or the object identifier.
    pub name: String,
    /// Why clients refuse it, where they do.
    pub weakness: Option<Weakness>,
}

/// A broken digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weakness {
    /// SHA-1: collisions are practical.
    Sha1,
    /// MD5 or older.
    Md5,
}

impl SignatureFacts {
    /// From the object identifier of the signature algorithm.
    pub(super) fn from_oid(oid: &str) -> Self {
        let (name, weakness) = match oid {
            "1.2.840.113549.1.1.2" => ("md2WithRSAEncryption", Some(Weakness::Md5)),
            "1.2.840.113549.1.1.4" => ("md5WithRSAEncryption", Some(Weakness::Md5)),
            "1.2.840.113549.1.1.5" => ("sha1WithRSAEncryption", Some(Weakness::Sha1)),
            "1.2.840.113549.1.1.10" => ("RSASSA-PSS", None),
            "1.2.840.113549.1.1.11" => ("sha256WithRSAEncryption", None),
            "1.2.840.113549.1.1.12" => ("sha384WithRSAEncryption", None),
            "1.2.840.113549.1.1.13" => ("sha512WithRSAEncryption", None),
            "1.2.840.10045.4.1" => ("ecdsa-with-SHA1", Some(Weakness::Sha1)),
            "1.2.840.10045.4.3.2" => ("ecdsa-with-SHA256", None),
            "1.2.840.10045.4.3.3" => ("ecdsa-with-SHA384", None),
            "1.2.840.10045.4.3.4" => ("ecdsa-with-SHA512", None),
            "1.2.840.10040.4.3" => ("dsa-with-SHA1", Some(Weakness::Sha1)),
            "1.3.101.112" => ("Ed25519", None),
            "1.3.101.113" => ("Ed448", None),
            other => (other, None),
        };
        Self {
            name: name.to_owned(),
            weakness,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_keys_are_weak() {
        assert!(KeyKind::Rsa { bits: 1024 }.is_weak());
        assert!(!KeyKind::Rsa { bits: 2048 }.is_weak());
        assert!(KeyKind::curve("1.2.840.10045.3.1.1").is_weak());
        assert!(!KeyKind::curve("1.3.132.0.33").is_weak());
        assert!(
            !KeyKind::curve("1.2.3.4").is_weak(),
            "an unknown curve is not called weak"
        );
        assert!(!KeyKind::Ed25519.is_weak());
    }

    #[test]
    fn old_digests_are_weak() {
        let sha1 = SignatureFacts::from_oid("1.2.840.113549.1.1.5");
        assert_eq!(sha1.weakness, Some(Weakness::Sha1));
        assert_eq!(
            SignatureFacts::from_oid("1.2.840.113549.1.1.11").weakness,
            None
        );
        assert_eq!(SignatureFacts::from_oid("1.2.3").name, "1.2.3");
    }
}
