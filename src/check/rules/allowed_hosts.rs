//! `allowed_hosts`: the app answers to its own host names only.

use serde_json::json;

use crate::check::finding::Finding;
use crate::check::remedy;
use crate::check::rule::{Context, HARDENING, Rule, Scope, Tool};

const ID: &str = "allowed_hosts";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "the app answers to its own host names, not to every one",
    scope: Scope::App,
    tools: &[Tool::Chirp],
    severities: "- / warning / error",
    fatal: false,
    page: include_str!("../../../docs/rules/allowed_hosts.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let (Some(resolved), Some(severity)) = (cx.app_config, cx.severity(HARDENING)) else {
        return;
    };
    let setting = resolved.setting(ID);
    let everyone = resolved
        .config
        .allowed_hosts
        .0
        .iter()
        .any(|host| host == "*");
    if setting.invalid || !everyone {
        return;
    }
    let label = if setting.is_set() {
        "* lets every host name in".to_owned()
    } else {
        format!("{}: the default is *", resolved.absence(ID))
    };
    let own = remedy::set(resolved, ID, &json!(["shop.example"]));
    findings.push(
        Finding::new(ID, severity, "allowed_hosts contains *")
            .field(ID)
            .at(resolved.place(ID), label)
            .why("links and redirects are built from the Host header: whoever sends the request chooses it, and can lead users, password resets and caches elsewhere")
            .help(format!("name the hosts that the app is reached by: {own}")),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chirp_case::ChirpCase;
    use super::RULE;

    #[test]
    fn every_host_by_default_is_found_at_the_call_that_leaves_it_out() {
        let case = ChirpCase::new();
        assert_eq!(case.severities(&RULE), "- / warning / error");
        let found = case.in_production(&RULE);
        assert_eq!(found[0].first_spot(), "AppConfig()");
        assert_eq!(
            found[0].first_label(),
            "no allowed_hosts here, no chirp.toml: the default is *"
        );
    }

    #[test]
    fn every_host_on_purpose_is_found_where_it_is_written() {
        let hosts = json!(["shop.example", "*"]);
        let case = ChirpCase::new().keyword("allowed_hosts", hosts);
        assert_eq!(case.severities(&RULE), "- / warning / error");
        let found = case.in_production(&RULE);
        assert_eq!(
            found[0].first_spot(),
            "allowed_hosts=[\"shop.example\",\"*\"]"
        );
        assert!(
            found[0]
                .help
                .ends_with("AppConfig(allowed_hosts=(\"shop.example\",))")
        );
    }

    #[test]
    fn a_variable_is_pointed_at_and_corrected() {
        let case = ChirpCase::new().variable("CHIRP_ALLOWED_HOSTS", "*");
        let found = case.in_production(&RULE);
        assert!(found[0].first_spot().contains("CHIRP_ALLOWED_HOSTS"));
        assert!(
            found[0]
                .help
                .ends_with(": CHIRP_ALLOWED_HOSTS=shop.example")
        );
    }

    #[test]
    fn named_hosts_and_their_subdomains_are_good() {
        let hosts = json!(["shop.example", "*.shop.example"]);
        let case = ChirpCase::new().keyword("allowed_hosts", hosts);
        assert_eq!(case.severities(&RULE), "- / - / -");
    }

    #[test]
    fn a_value_that_could_not_be_read_is_another_rule_s() {
        let case = ChirpCase::new().keyword("allowed_hosts", json!(7));
        assert_eq!(case.severities(&RULE), "- / - / -");
    }
}
