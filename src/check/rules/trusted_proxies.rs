//! `trusted_proxies`: forwarded addresses are believed from known peers only.

use serde_json::json;

use crate::check::finding::{Finding, Severity};
use crate::check::remedy;
use crate::check::rule::{Context, Rule, Scope, Tool};

const ID: &str = "trusted_proxies";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "forwarded addresses are believed from known proxies, not from everyone",
    scope: Scope::App,
    tools: &[Tool::Chirp],
    severities: "- / warning / warning",
    fatal: false,
    page: include_str!("../../../docs/rules/trusted_proxies.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let table = [None, Some(Severity::Warning), Some(Severity::Warning)];
    let (Some(resolved), Some(severity)) = (cx.app_config, cx.severity(table)) else {
        return;
    };
    if resolved.setting(ID).invalid || !resolved.config.trusted_proxies.has_everyone() {
        return;
    }
    let own = remedy::set(resolved, ID, &json!(["10.0.0.0/8"]));
    findings.push(
        Finding::new(ID, severity, "trusted_proxies contains *")
            .field(ID)
            .at(resolved.place(ID), "* believes every peer")
            .why("whoever reaches the server can send X-Forwarded-For and appear under any address: rate limits, audit and access logs then see what the client wants")
            .help(format!("name the proxy's address or network: {own}"))
            .help("a proxy on the Unix socket is written unix:"),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chirp_case::ChirpCase;
    use super::RULE;

    #[test]
    fn everyone_is_found_where_it_is_written() {
        let proxies = json!(["10.0.0.1", "*"]);
        let case = ChirpCase::new().keyword("trusted_proxies", proxies);
        assert_eq!(case.severities(&RULE), "- / warning / warning");
        let found = case.in_production(&RULE);
        assert_eq!(
            found[0].first_spot(),
            "trusted_proxies=[\"10.0.0.1\",\"*\"]"
        );
        assert!(
            found[0]
                .help
                .contains("AppConfig(trusted_proxies=(\"10.0.0.0/8\",))")
        );
    }

    #[test]
    fn known_proxies_and_none_are_good() {
        assert_eq!(ChirpCase::new().severities(&RULE), "- / - / -");
        let proxies = json!(["10.0.0.0/8", "unix:", "proxy.internal"]);
        let case = ChirpCase::new().keyword("trusted_proxies", proxies);
        assert_eq!(case.severities(&RULE), "- / - / -");
    }
}
