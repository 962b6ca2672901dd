//! The part of `tls_validity` about the chain, the algorithms, and who can read the key.

use super::{CERTIFICATE, ID, KEY, judged, what};
use crate::check::finding::{Finding, Severity};
use crate::check::machine::tls::{ChainEnd, ChainFacts, Pairing, TlsFacts, Weakness};
use crate::config::{Resolved, ServerConfig};

/// Order, strangers, a missing issuer, a self-signed certificate.
pub(super) fn chain(server: &Resolved<ServerConfig>, facts: &TlsFacts) -> Vec<Finding> {
    let Some(chain) = &facts.chain else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    // When the key belongs to a later certificate, `tls_files` has said so as an error.
    if !chain.in_order() && !matches!(facts.pairing, Pairing::MatchesLater { .. }) {
        findings.push(wrong_order(server, facts, chain));
    }
    if !chain.unrelated.is_empty() {
        let names: Vec<String> = chain
            .unrelated
            .iter()
            .map(|index| what(facts, *index))
            .collect();
        findings.push(
            Finding::of_setting(
                ID,
                server,
                CERTIFICATE,
                Severity::Warning,
                "the file holds certificates that are not part of the chain",
                names.join(", "),
            )
            .why("clients get them all, and some give up at one that does not fit")
            .help("leave only the server's certificate and its issuers in the file"),
        );
    }
    findings.extend(end(server, facts, chain));
    findings
}

fn wrong_order(server: &Resolved<ServerConfig>, facts: &TlsFacts, chain: &ChainFacts) -> Finding {
    let subjects: Vec<&str> = chain
        .path
        .iter()
        .filter_map(|index| facts.certificates.get(*index))
        .map(|certificate| certificate.subject.as_str())
        .collect();
    Finding::of_setting(
        ID,
        server,
        CERTIFICATE,
        Severity::Warning,
        "the certificates are in the wrong order",
        format!("right is: {}", subjects.join(", then ")),
    )
    .why("each certificate must be followed by its issuer; strict clients refuse another order")
    .help("write the file anew: the server's certificate first, then each issuer")
}

fn end(server: &Resolved<ServerConfig>, facts: &TlsFacts, chain: &ChainFacts) -> Option<Finding> {
    if chain.end == ChainEnd::SelfSignedLeaf {
        return Some(
            Finding::of_setting(
                ID,
                server,
                CERTIFICATE,
                Severity::Warning,
                "the certificate is self-signed",
                "no authority stands behind it",
            )
            .why("only clients that were given this very certificate accept it")
            .help(
                "for the public: a certificate of an authority, for instance by certbot or caddy",
            ),
        );
    }
    let ChainEnd::IssuerOutside {
        issuer,
        trusted_here,
    } = &chain.end
    else {
        return None;
    };
    if !chain.lacks_intermediate() {
        return None;
    }
    let label = match trusted_here {
        Some(_) => {
            format!("its issuer, {issuer}, is not in the file and not among this machine's roots")
        }
        None => format!("its issuer, {issuer}, is not in the file"),
    };
    let finding = Finding::of_setting(
        ID,
        server,
        CERTIFICATE,
        Severity::Warning,
        "an intermediate certificate seems to be missing",
        label,
    )
    .why("clients know roots only: without the certificates in between they cannot get there")
    .help("use the file with the whole chain (certbot: fullchain.pem)");
    let url = facts
        .certificates
        .get(chain.leaf)
        .and_then(|leaf| leaf.issuer_url.as_ref());
    let finding = match url {
        Some(url) => finding.help(format!("the issuer's certificate is at {url}")),
        None => finding,
    };
    Some(finding.help("if clients were given that issuer as a root, ignore this finding"))
}

/// Weak keys and signatures, and certificates for another use.
pub(super) fn strength(server: &Resolved<ServerConfig>, facts: &TlsFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, certificate) in judged(facts) {
        let what = what(facts, index);
        let warn = |message: String, label: String| {
            Finding::of_setting(ID, server, CERTIFICATE, Severity::Warning, &message, label)
        };
        if certificate.key.is_weak() {
            findings.push(
                warn(
                    format!("{what} has a weak key"),
                    certificate.key.to_string(),
                )
                .why("it can be broken, and clients of today refuse it")
                .help("make a new key, EC P-256 or RSA 2048, and have it certified"),
            );
        }
        if let Some(weakness) = certificate.signature.weakness {
            let digest = match weakness {
                Weakness::Sha1 => "SHA-1",
                Weakness::Md5 => "MD5",
            };
            findings.push(
                warn(
                    format!("{what} is signed with {digest}"),
                    certificate.signature.name.clone(),
                )
                .why("such a signature can be forged, and clients refuse it")
                .help("have it issued again with SHA-256"),
            );
        }
    }
    findings.extend(use_of_leaf(server, facts));
    findings
}

fn use_of_leaf(server: &Resolved<ServerConfig>, facts: &TlsFacts) -> Option<Finding> {
    let leaf = facts.certificates.get(facts.chain.as_ref()?.leaf)?;
    let label = if leaf.server_auth == Some(false) {
        "its extended key usage has no serverAuth"
    } else if leaf.digital_signature == Some(false) {
        "its key usage has no digitalSignature"
    } else {
        return None;
    };
    Some(
        Finding::of_setting(
            ID,
            server,
            CERTIFICATE,
            Severity::Warning,
            "the certificate is not meant for servers",
            label,
        )
        .why("clients look at the purpose of a certificate, and refuse another one")
        .help("have it issued for TLS servers"),
    )
}

/// A key file that every user can read.
pub(super) fn readers(server: &Resolved<ServerConfig>, facts: &TlsFacts) -> Option<Finding> {
    let access = facts
        .key_file
        .access
        .as_ref()
        .filter(|access| access.others_read)?;
    if facts.keys.is_empty() {
        return None;
    }
    let path = facts.key_file.path.display();
    Some(
        Finding::of_setting(
            ID,
            server,
            KEY,
            Severity::Warning,
            "every user of this machine can read the private key",
            format!("mode {:o}", access.mode),
        )
        .why("whoever has the key can pose as this server")
        .help(format!("chmod 600 {path}"))
        .help(format!("or, for a group of its own: chmod 640 {path}")),
    )
}
