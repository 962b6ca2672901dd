//! The part of `tls_files` about PEM files that hold the wrong thing, or something damaged.

use super::{CERTIFICATE, ID, KEY};
use crate::check::finding::{Finding, Severity};
use crate::check::machine::tls::{
    Block, BlockKind, BlockProblem, FileFacts, KeyFacts, KeyProblem, TlsFacts,
};
use crate::config::{Resolved, ServerConfig};

/// What is wrong with the content of the certificate file.
pub(super) fn certificates(server: &Resolved<ServerConfig>, facts: &TlsFacts) -> Vec<Finding> {
    let file = &facts.certificate_file;
    if file.count(BlockKind::Certificate) == 0 {
        return vec![
            Finding::of_setting(
                ID,
                server,
                CERTIFICATE,
                Severity::Error,
                "ssl_certfile holds no certificate",
                held(file),
            )
            .help(instead(file, BlockKind::Certificate)),
        ];
    }
    let blocks = file
        .blocks
        .iter()
        .filter(|block| block.kind == BlockKind::Certificate);
    blocks
        .enumerate()
        .filter_map(|(index, block)| {
            let problem = block.problem.as_ref()?;
            let what = format!("certificate {} cannot be read", index + 1);
            Some(
                Finding::of_setting(
                    ID,
                    server,
                    CERTIFICATE,
                    Severity::Error,
                    &what,
                    damage(problem, block),
                )
                .help(repair(problem)),
            )
        })
        .collect()
}

/// What is wrong with the content of the key file: of several keys the server takes the first.
pub(super) fn keys(server: &Resolved<ServerConfig>, facts: &TlsFacts) -> Vec<Finding> {
    let file = &facts.key_file;
    let Some(key) = facts.keys.first() else {
        return vec![
            Finding::of_setting(
                ID,
                server,
                KEY,
                Severity::Error,
                "ssl_keyfile holds no private key",
                held(file),
            )
            .help(instead(file, BlockKind::PrivateKey)),
        ];
    };
    if key.encrypted {
        return vec![
            Finding::of_setting(
                ID,
                server,
                KEY,
                Severity::Error,
                "the private key is encrypted",
                "it needs a passphrase",
            )
            .why("the server starts without anybody there to ask")
            .help(format!(
                "openssl pkey -in {} -out key.plain.pem && chmod 600 key.plain.pem",
                file.path.display()
            )),
        ];
    }
    key_problem(server, key, file).into_iter().collect()
}

fn key_problem(
    server: &Resolved<ServerConfig>,
    key: &KeyFacts,
    file: &FileFacts,
) -> Option<Finding> {
    let block = file.blocks.get(key.block)?;
    match key.problem.as_ref()? {
        KeyProblem::Block | KeyProblem::Malformed => {
            let problem = block.problem.as_ref()?;
            Some(
                Finding::of_setting(
                    ID,
                    server,
                    KEY,
                    Severity::Error,
                    "the private key cannot be read",
                    damage(problem, block),
                )
                .help(repair(problem)),
            )
        }
        KeyProblem::Unsupported => {
            let kind = key
                .kind
                .as_ref()
                .map_or_else(String::new, ToString::to_string);
            Some(
                Finding::of_setting(ID, server, KEY, Severity::Error, "the TLS library does not take this private key", kind)
                    .help("take an EC P-256 key, or RSA with 2048 to 4096 bits: openssl ecparam -name prime256v1 -genkey -noout")
                    .help("the certificate must be issued anew for the new key"),
            )
        }
    }
}

/// `a private key, a certificate request`.
fn held(file: &FileFacts) -> String {
    let mut kinds: Vec<&str> = file.blocks.iter().map(|block| name(block.kind)).collect();
    kinds.dedup();
    format!("this file holds {}", kinds.join(", "))
}

fn name(kind: BlockKind) -> &'static str {
    match kind {
        BlockKind::Certificate => "a certificate",
        BlockKind::TrustedCertificate => "a certificate in OpenSSL's own form",
        BlockKind::PrivateKey => "a private key",
        BlockKind::ForeignPrivateKey => "a private key in a form that TLS does not use",
        BlockKind::PublicKey => "a public key",
        BlockKind::CertificateRequest => "a certificate request",
        BlockKind::EcParameters => "parameters of an elliptic curve",
        BlockKind::DhParameters => "Diffie-Hellman parameters",
        BlockKind::RevocationList => "a revocation list",
        BlockKind::Pkcs7 => "a PKCS#7 bundle",
        BlockKind::Other => "something unknown",
    }
}

/// What to do about a file that holds something else than `wanted`.
fn instead(file: &FileFacts, wanted: BlockKind) -> String {
    let path = file.path.display();
    let holds = |kind| file.count(kind) > 0;
    if wanted == BlockKind::PrivateKey {
        return if holds(BlockKind::ForeignPrivateKey) {
            format!("convert it: ssh-keygen -p -m PKCS8 -f {path}, if TLS can use its kind at all")
        } else {
            "name the file with the private key that the certificate was requested with".to_owned()
        };
    }
    if holds(BlockKind::CertificateRequest) {
        "a request becomes a certificate when an authority signs it: name the signed file"
            .to_owned()
    } else if holds(BlockKind::TrustedCertificate) {
        format!("openssl x509 -in {path} -out cert.pem")
    } else if holds(BlockKind::Pkcs7) {
        format!("openssl pkcs7 -print_certs -in {path} -out cert.pem")
    } else {
        "name the file with the certificate chain".to_owned()
    }
}

fn damage(problem: &BlockProblem, block: &Block) -> String {
    let line = block.span.line;
    match problem {
        BlockProblem::Unterminated => {
            format!(
                "the block at line {line} of the file has no -----END {}-----",
                block.label
            )
        }
        BlockProblem::WrongEnd { label } => {
            format!("the block at line {line} of the file ends as {label}")
        }
        BlockProblem::Indented => {
            format!("at line {line} of the file something stands before the dashes of -----BEGIN")
        }
        BlockProblem::Base64 => format!("the block at line {line} of the file is not base64"),
        BlockProblem::Content { message } => {
            format!("the block at line {line} of the file: {message}")
        }
    }
}

fn repair(problem: &BlockProblem) -> &'static str {
    match problem {
        BlockProblem::Unterminated => "the file was cut off: copy it again",
        BlockProblem::Indented => "remove the spaces, or the byte order mark, before the dashes",
        BlockProblem::WrongEnd { .. } | BlockProblem::Base64 | BlockProblem::Content { .. } => {
            "copy the file again from where it was made"
        }
    }
}
