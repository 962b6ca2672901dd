//! Where the PEM blocks of a file stand, what they say they are, and what is wrong with their frame.

use serde::{Deserialize, Serialize};

/// The place of a block in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Byte offset of the `-----BEGIN` line.
    pub start: usize,
    /// Byte offset behind the last line of the block.
    pub end: usize,
    /// Line of the `-----BEGIN`, from 1.
    pub line: usize,
}

/// One `-----BEGIN ...-----` of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The label as written, `CERTIFICATE`.
    pub label: String,
    /// What that label stands for.
    pub kind: BlockKind,
    /// Where it stands.
    pub span: Span,
    /// Whether the content is protected by a passphrase.
    pub encrypted: bool,
    /// What keeps it from being read, where something does.
    pub problem: Option<BlockProblem>,
}

/// What a PEM label stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// An X.509 certificate.
    Certificate,
    /// OpenSSL's own form of a certificate with trust settings, which servers do not read.
    TrustedCertificate,
    /// A private key: PKCS#8, PKCS#1 or SEC 1, encrypted or not.
    PrivateKey,
    /// A private key in a form that TLS does not use (OpenSSH's, DSA).
    ForeignPrivateKey,
    /// A public key alone.
    PublicKey,
    /// A request for a certificate (CSR).
    CertificateRequest,
    /// Elliptic curve parameters, which tools write before a key.
    EcParameters,
    /// Diffie-Hellman parameters.
    DhParameters,
    /// A revocation list.
    RevocationList,
    /// A PKCS#7 bundle of certificates.
    Pkcs7,
    /// Anything else.
    Other,
}

impl BlockKind {
    fn of(label: &str) -> Self {
        match label {
            "CERTIFICATE" => Self::Certificate,
            "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" => Self::TrustedCertificate,
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => {
                Self::PrivateKey
            }
            _ if label.ends_with("PRIVATE KEY") => Self::ForeignPrivateKey,
            _ if label.ends_with("PUBLIC KEY") => Self::PublicKey,
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Self::CertificateRequest,
            "EC PARAMETERS" => Self::EcParameters,
            "DH PARAMETERS" | "X9.42 DH PARAMETERS" => Self::DhParameters,
            "X509 CRL" => Self::RevocationList,
            "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA" => Self::Pkcs7,
            _ => Self::Other,
        }
    }
}

/// What is wrong with a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum BlockProblem {
    /// No `-----END` line follows: the file was cut off.
    Unterminated,
    /// The `-----END` line names another label.
    WrongEnd {
        /// That label.
        label: String,
    },
    /// Something (a space, a byte order mark) stands before the dashes, so readers skip the block.
    Indented,
    /// The body is not base64.
    Base64,
    /// The body is base64, but not what the label promises.
    Content {
        /// What the parser said.
        message: String,
    },
}

/// Finds every block of a file, also those that cannot be read.
pub(super) fn scan(bytes: &[u8]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    let mut offset = 0;
    for (index, raw) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let (start, end) = (offset, offset + raw.len());
        offset = end;
        let text = String::from_utf8_lossy(raw);
        let line = text.trim_start_matches('\u{feff}').trim();
        if let Some(label) = marker(line, "-----BEGIN ") {
            if let Some(mut cut) = open.take() {
                cut.problem.get_or_insert(BlockProblem::Unterminated);
                blocks.push(cut);
            }
            open = Some(Block {
                label: label.to_owned(),
                kind: BlockKind::of(label),
                span: Span {
                    start,
                    end,
                    line: index + 1,
                },
                encrypted: label == "ENCRYPTED PRIVATE KEY",
                problem: (!raw.starts_with(b"-----")).then_some(BlockProblem::Indented),
            });
        } else if let Some(block) = &mut open {
            block.span.end = end;
            if line.starts_with("Proc-Type:") && line.contains("ENCRYPTED") {
                block.encrypted = true;
            }
            if let Some(label) = marker(line, "-----END ") {
                if label != block.label {
                    block.problem.get_or_insert(BlockProblem::WrongEnd {
                        label: label.to_owned(),
                    });
                }
                blocks.extend(open.take());
            }
        }
    }
    if let Some(mut cut) = open {
        cut.problem.get_or_insert(BlockProblem::Unterminated);
        blocks.push(cut);
    }
    blocks
}

/// The label of a marker line, `-----BEGIN CERTIFICATE-----`.
fn marker<'line>(line: &'line str, opening: &str) -> Option<&'line str> {
    line.strip_prefix(opening)?.strip_suffix("-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_know_their_place() {
        let text = "a comment\n-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n\
                    -----BEGIN EC PARAMETERS-----\r\nAA==\r\n-----END EC PARAMETERS-----\r\n";
        let blocks = scan(text.as_bytes());
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[0].kind, BlockKind::Certificate);
        assert_eq!(blocks[0].span.line, 2);
        assert!(text[blocks[0].span.start..].starts_with("-----BEGIN CERTIFICATE"));
        assert!(text[..blocks[0].span.end].ends_with("-----END CERTIFICATE-----\n"));
        assert_eq!(blocks[1].kind, BlockKind::EcParameters);
        assert_eq!(blocks[1].span.end, text.len());
        assert!(blocks.iter().all(|block| block.problem.is_none()));
    }

    #[test]
    fn broken_frames_are_told_apart() {
        let cut = scan(b"-----BEGIN CERTIFICATE-----\nAA==\n-----BEGIN X509 CRL-----\nAA==\n");
        assert_eq!(cut[0].problem, Some(BlockProblem::Unterminated));
        assert_eq!(cut[1].problem, Some(BlockProblem::Unterminated));
        assert_eq!(cut[1].kind, BlockKind::RevocationList);
        let wrong = scan(b"-----BEGIN CERTIFICATE-----\nAA==\n-----END PRIVATE KEY-----\n");
        let label = "PRIVATE KEY".to_owned();
        assert_eq!(wrong[0].problem, Some(BlockProblem::WrongEnd { label }));
        let marked = "\u{feff}-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
        assert_eq!(
            scan(marked.as_bytes())[0].problem,
            Some(BlockProblem::Indented)
        );
    }

    #[test]
    fn both_kinds_of_encrypted_keys_are_seen() {
        let pkcs8 =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----";
        assert!(scan(pkcs8.as_bytes())[0].encrypted);
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n\
                   AA==\n-----END RSA PRIVATE KEY-----\n";
        assert!(scan(old.as_bytes())[0].encrypted);
    }

    #[test]
    fn text_without_blocks_has_none() {
        assert_eq!(scan(b""), []);
        assert_eq!(scan(b"hello\n-----END CERTIFICATE-----\n"), []);
    }
}
