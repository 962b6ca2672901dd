//! `tls_validity`: clients will accept the certificate, now and for the hosts it is for.

mod trust;

use time::OffsetDateTime;
use time::macros::format_description;

use crate::check::finding::{Finding, Severity};
use crate::check::machine::tls::{CertificateFacts, ChainEnd, TlsFacts, covers};
use crate::check::rule::{Context, Rule, Scope, Tool};
use crate::config::{Resolved, ServerConfig};

const ID: &str = "tls_validity";
const CERTIFICATE: &str = "ssl_certfile";
const KEY: &str = "ssl_keyfile";
/// Renewal is due within this many days.
const SOON: i64 = 30;

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "the certificate is valid, complete, strong, for the right hosts, and its key is private",
    scope: Scope::Machine,
    tools: &[Tool::Pounce],
    severities: "expired or not yet valid: error; the rest: warning",
    fatal: false,
    page: include_str!("../../../docs/rules/tls_validity.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let (Some(server), Some(facts)) = (cx.server, cx.machine.and_then(|each| each.tls.as_ref()))
    else {
        return;
    };
    findings.extend(dates(server, facts));
    findings.extend(trust::chain(server, facts));
    findings.extend(hosts(cx, server, facts));
    findings.extend(trust::strength(server, facts));
    findings.extend(trust::readers(server, facts));
}

/// The certificates that clients look at, with their index: the chain without a root at its end.
fn judged(facts: &TlsFacts) -> impl Iterator<Item = (usize, &CertificateFacts)> {
    let root = match facts.chain.as_ref().map(|chain| &chain.end) {
        Some(ChainEnd::RootIncluded { certificate }) => Some(*certificate),
        _ => None,
    };
    let path = facts
        .chain
        .iter()
        .flat_map(|chain| chain.path.iter().copied());
    path.filter(move |index| Some(*index) != root)
        .filter_map(|index| facts.certificates.get(index).map(|each| (index, each)))
}

/// `the certificate` for the server's own, else `certificate 2 (CN=...)`.
fn what(facts: &TlsFacts, index: usize) -> String {
    let leaf = facts.chain.as_ref().map_or(0, |chain| chain.leaf);
    match facts.certificates.get(index) {
        Some(certificate) if index != leaf => {
            format!("certificate {} ({})", index + 1, certificate.subject)
        }
        _ => "the certificate".to_owned(),
    }
}

fn dates(server: &Resolved<ServerConfig>, facts: &TlsFacts) -> Vec<Finding> {
    let now = facts.now;
    judged(facts)
        .filter_map(|(index, certificate)| {
            let what = what(facts, index);
            let until = day(certificate.not_after);
            if certificate.expired(now) {
                let label = format!("it was valid until {until}");
                let message = format!("{what} has expired");
                Some(
                    Finding::of_setting(ID, server, CERTIFICATE, Severity::Error, &message, label)
                        .why("every client refuses it")
                        .help("renew it, and look at why the renewal did not run"),
                )
            } else if certificate.not_yet_valid(now) {
                let label = format!("it is valid from {}", day(certificate.not_before));
                let message = format!("{what} is not valid yet");
                Some(
                    Finding::of_setting(ID, server, CERTIFICATE, Severity::Error, &message, label)
                        .why("every client refuses it")
                        .help("wait, or look at the clock of this machine: date -u"),
                )
            } else if certificate.days_left(now) < SOON {
                let left = match certificate.days_left(now) {
                    0 => "less than a day".to_owned(),
                    1 => "1 day".to_owned(),
                    days => format!("{days} days"),
                };
                let label = format!("until {until}, {left} from now");
                let message = format!("{what} expires soon");
                Some(
                    Finding::of_setting(
                        ID,
                        server,
                        CERTIFICATE,
                        Severity::Warning,
                        &message,
                        label,
                    )
                    .why("automatic renewal runs earlier than this, so it may have stopped")
                    .help("renew it, for instance: certbot renew"),
                )
            } else {
                None
            }
        })
        .collect()
}

/// `2026-12-31`.
fn day(moment: OffsetDateTime) -> String {
    // Writing digits into a text cannot fail; were it to, the default form is still readable.
    moment
        .format(format_description!("[year]-[month]-[day]"))
        .unwrap_or_else(|_| moment.to_string())
}

fn hosts(cx: &Context<'_>, server: &Resolved<ServerConfig>, facts: &TlsFacts) -> Option<Finding> {
    let leaf = facts.certificates.get(facts.chain.as_ref()?.leaf)?;
    if leaf.sans.is_empty() {
        return Some(
            Finding::of_setting(
                ID,
                server,
                CERTIFICATE,
                Severity::Warning,
                "the certificate names no host",
                match &leaf.common_name {
                    Some(name) => {
                        format!("only the common name {name:?}, which clients do not read")
                    }
                    None => "it has no subject alternative name".to_owned(),
                },
            )
            .why("clients compare the host they asked for with these names, and refuse")
            .help("issue it with subjectAltName=DNS:your.host"),
        );
    }
    let host = named_host(server);
    let allowed: Vec<&str> = cx
        .app_config
        .filter(|app| !app.setting("allowed_hosts").invalid)
        .into_iter()
        .flat_map(|app| app.config.allowed_hosts.0.iter())
        .map(String::as_str)
        .filter(|pattern| *pattern != "*")
        .collect();
    let wanted = host.into_iter().chain(allowed.iter().copied());
    let missing: Vec<String> = wanted
        .map(as_pattern)
        .filter(|host| !covers(&leaf.sans, host))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let names: Vec<String> = leaf
        .sans
        .dns
        .iter()
        .cloned()
        .chain(leaf.sans.ip.iter().map(ToString::to_string))
        .collect();
    let finding = Finding::of_setting(
        ID,
        server,
        CERTIFICATE,
        Severity::Warning,
        &format!("the certificate is not for {}", missing.join(", ")),
        format!("it is for {}", names.join(", ")),
    );
    let by_host = host.is_some_and(|host| missing.contains(&as_pattern(host)));
    let finding = if by_host {
        finding.at(server.place("host"), "the name that the server listens on")
    } else {
        let place = cx.app_config.and_then(|app| app.place("allowed_hosts"));
        finding.at(place, "hosts that the app answers to")
    };
    Some(
        finding
            .why("clients that ask for such a host refuse the certificate")
            .help("issue it for these hosts too, or take them out of the configuration"),
    )
}

/// `host`, where it is a name: an address says nothing about what clients ask for.
fn named_host(server: &Resolved<ServerConfig>) -> Option<&str> {
    let host = server.config.host.as_str();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_name = bare.parse::<std::net::IpAddr>().is_err();
    let counts = is_name && server.config.uds.is_none() && !server.setting("host").invalid;
    counts.then_some(host)
}

/// A leading dot stands for all hosts below, as `*.` does.
fn as_pattern(host: &str) -> String {
    if host.starts_with('.') {
        format!("*{host}")
    } else {
        host.to_owned()
    }
}

#[cfg(test)]
mod tests;
