//! `deploy_debug`: debug is off in production.

use serde_json::json;

use crate::check::finding::{Finding, Severity};
use crate::check::remedy;
use crate::check::rule::{Context, Rule, Scope, Tool};

const ID: &str = "deploy_debug";
const FIELD: &str = "debug";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "debug is off in production",
    scope: Scope::App,
    tools: &[Tool::Chirp],
    severities: "- / - / error",
    fatal: false,
    page: include_str!("../../../docs/rules/deploy_debug.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let table = [None, None, Some(Severity::Error)];
    let (Some(resolved), Some(severity)) = (cx.app_config, cx.severity(table)) else {
        return;
    };
    if resolved.setting(FIELD).invalid || !resolved.config.debug {
        return;
    }
    let off = remedy::set(resolved, FIELD, &json!(false));
    findings.push(
        Finding::new(ID, severity, "debug is on in production")
            .field(FIELD)
            .at(resolved.place(FIELD), "switched on here")
            .why("error pages show source, variables and settings to whoever provokes an error, and the app runs as one reloading worker")
            .help(format!("leave it out, or switch it off: {off}")),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chirp_case::ChirpCase;
    use super::RULE;

    #[test]
    fn debug_is_an_error_in_production_only() {
        let case = ChirpCase::new().keyword("debug", json!(true));
        assert_eq!(case.severities(&RULE), "- / - / error");
        let found = case.in_production(&RULE);
        assert_eq!(found[0].first_spot(), "debug=true");
        assert!(found[0].help.ends_with("AppConfig(debug=False)"));
    }

    #[test]
    fn a_variable_that_switches_it_on_is_pointed_at() {
        let case = ChirpCase::new().variable("CHIRP_DEBUG", "1");
        let found = case.in_production(&RULE);
        assert!(found[0].first_spot().contains("CHIRP_DEBUG"));
        assert!(found[0].help.ends_with("CHIRP_DEBUG=false"));
    }

    #[test]
    fn debug_off_is_good() {
        assert_eq!(ChirpCase::new().severities(&RULE), "- / - / -");
        let case = ChirpCase::new().keyword("debug", json!(false));
        assert_eq!(case.severities(&RULE), "- / - / -");
    }
}
