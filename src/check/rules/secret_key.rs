//! `secret_key`: the key that signs sessions is there and long enough.

use crate::check::finding::{Finding, Severity};
use crate::check::rule::{Context, Rule, Scope, Tool};

const ID: &str = "secret_key";
/// Shorter keys can be guessed by trying.
const LEAST: usize = 16;

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "the key that signs sessions and CSRF tokens is set and long enough",
    scope: Scope::App,
    tools: &[Tool::Chirp],
    severities: "empty: - / error / error; shorter than 16 characters: warning",
    fatal: false,
    page: include_str!("../../../docs/rules/secret_key.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(resolved) = cx.app_config else {
        return;
    };
    if resolved.setting(ID).invalid {
        return;
    }
    let key = &resolved.config.secret_key;
    if key.is_empty() {
        let Some(severity) = cx.severity([None, Some(Severity::Error), Some(Severity::Error)])
        else {
            return;
        };
        let label = if resolved.setting(ID).is_set() {
            "an empty text".to_owned()
        } else {
            resolved.absence(ID)
        };
        findings.push(
            Finding::new(ID, severity, "secret_key is empty")
                .field(ID)
                .at(resolved.place(ID), label)
                .why("sessions and CSRF tokens are signed with it: with an empty key anyone can forge them")
                .help(format!(
                    "in the deploy environment: {}=\"$(openssl rand -hex 32)\"",
                    resolved.variable(ID).unwrap_or_default()
                )),
        );
    } else if key.chars().count() < LEAST {
        findings.push(
            Finding::warning(ID, format!("secret_key is shorter than {LEAST} characters"))
                .field(ID)
                .at(resolved.place(ID), "too short to be safe")
                .why("a short key can be found by trying, and then every session can be forged")
                .help("make a long one: openssl rand -hex 32"),
        );
    }
}
