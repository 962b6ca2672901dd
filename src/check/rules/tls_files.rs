//! `tls_files`: certificate and key exist, can be read, are what they should be, and fit together.

mod content;
mod reading;

use crate::check::finding::{Finding, Severity};
use crate::check::machine::tls::{BlockKind, FileState, Pairing, TlsFacts};
use crate::check::rule::{Context, Rule, Scope, Tool};
use crate::config::{Resolved, ServerConfig};

const ID: &str = "tls_files";
const CERTIFICATE: &str = "ssl_certfile";
const KEY: &str = "ssl_keyfile";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "the TLS files can be read, hold a certificate and its key, and fit together",
    scope: Scope::Machine,
    tools: &[Tool::Pounce],
    severities: "error",
    fatal: true,
    page: include_str!("../../../docs/rules/tls_files.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let (Some(server), Some(facts)) = (cx.server, cx.machine.and_then(|each| each.tls.as_ref()))
    else {
        return;
    };
    if are_swapped(facts) {
        findings.push(
            Finding::of_setting(
                ID,
                server,
                CERTIFICATE,
                Severity::Error,
                "the TLS files are swapped",
                "this file holds the key",
            )
            .at(server.place(KEY), "this one holds the certificate")
            .help(format!(
                "ssl_certfile = {:?}, ssl_keyfile = {:?}",
                facts.key_file.path.display().to_string(),
                facts.certificate_file.path.display().to_string()
            )),
        );
        return;
    }
    for (field, file) in [
        (CERTIFICATE, &facts.certificate_file),
        (KEY, &facts.key_file),
    ] {
        if let Some(finding) = reading::problem(server, field, file) {
            findings.push(finding);
        }
    }
    let before = findings.len();
    if facts.certificate_file.state == FileState::Pem {
        findings.extend(content::certificates(server, facts));
    }
    if facts.key_file.state == FileState::Pem {
        findings.extend(content::keys(server, facts));
    }
    // Of damaged files it is not said that they do not fit together.
    if findings.len() == before {
        findings.extend(pairing(server, facts));
    }
}

fn are_swapped(facts: &TlsFacts) -> bool {
    let holds = |file: &crate::check::machine::tls::FileFacts, kind, not| {
        file.count(kind) > 0 && file.count(not) == 0
    };
    holds(
        &facts.certificate_file,
        BlockKind::PrivateKey,
        BlockKind::Certificate,
    ) && holds(
        &facts.key_file,
        BlockKind::Certificate,
        BlockKind::PrivateKey,
    )
}

fn pairing(server: &Resolved<ServerConfig>, facts: &TlsFacts) -> Option<Finding> {
    let certificate = facts.certificates.first()?;
    let finding = match &facts.pairing {
        Pairing::Matches | Pairing::Undetermined | Pairing::NotCompared => return None,
        Pairing::Mismatch => Finding::of_setting(
            ID,
            server,
            KEY,
            Severity::Error,
            "key and certificate do not belong together",
            "the key of another certificate",
        )
        .at(
            server.place(CERTIFICATE),
            format!("the certificate of {}", certificate.subject),
        )
        .help("take the key that the certificate was requested with, or renew both together")
        .help(format!(
            "compare: openssl x509 -noout -pubkey -in {} and openssl pkey -pubout -in {}",
            facts.certificate_file.path.display(),
            facts.key_file.path.display()
        )),
        Pairing::MatchesLater { certificate } => {
            let own = facts.certificates.get(*certificate)?;
            Finding::of_setting(
                ID,
                server,
                CERTIFICATE,
                Severity::Error,
                "the certificates are in the wrong order",
                format!(
                    "the key belongs to certificate {} of the file ({}), not to the first",
                    certificate + 1,
                    own.subject
                ),
            )
            .help("put the server's own certificate first, then each followed by its issuer")
        }
        Pairing::MatchesLaterKey { key } => Finding::of_setting(
            ID,
            server,
            KEY,
            Severity::Error,
            "the first key of the file is not the certificate's",
            format!("key {} is; the server takes the first", key + 1),
        )
        .help("leave only that key in the file"),
    };
    Some(finding.why("with another key every handshake fails, so the server does not start"))
}

#[cfg(test)]
mod tests;
