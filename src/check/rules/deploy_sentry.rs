//! `deploy_sentry`: a Sentry DSN comes with a traces sample rate.

use serde_json::json;

use crate::check::finding::Finding;
use crate::check::remedy;
use crate::check::rule::{Context, Rule, Scope, Tool, WARNING};

const ID: &str = "deploy_sentry";
const DSN: &str = "sentry_dsn";
const RATE: &str = "sentry_traces_sample_rate";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "a Sentry DSN comes with a traces sample rate above 0",
    scope: Scope::App,
    tools: &[Tool::Chirp],
    severities: "warning / warning / warning",
    fatal: false,
    page: include_str!("../../../docs/rules/deploy_sentry.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let (Some(resolved), Some(severity)) = (cx.app_config, cx.severity(WARNING)) else {
        return;
    };
    let read = !resolved.setting(DSN).invalid && !resolved.setting(RATE).invalid;
    let config = &resolved.config;
    if !read || config.sentry_dsn.is_none() || config.sentry_traces_sample_rate != 0.0 {
        return;
    }
    let tenth = remedy::set(resolved, RATE, &json!(0.1));
    findings.push(
        Finding::new(ID, severity, "Sentry is on and gets no traces")
            .field(RATE)
            .at(resolved.place(RATE), "a rate of 0 sends none")
            .at(resolved.place(DSN), "Sentry is switched on here")
            .why("errors arrive without the requests and queries around them, and slow requests are never seen")
            .help(format!("send a share of them: {tenth}")),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chirp_case::ChirpCase;
    use super::RULE;

    const DSN: &str = "https://hush@sentry.example/1";

    #[test]
    fn a_rate_of_zero_is_found_where_it_is_written() {
        let case = ChirpCase::new()
            .keyword("sentry_dsn", json!(DSN))
            .keyword("sentry_traces_sample_rate", json!(0));
        assert_eq!(case.severities(&RULE), "warning / warning / warning");
        let found = case.in_production(&RULE);
        assert_eq!(found[0].first_spot(), "sentry_traces_sample_rate=0");
        assert_eq!(found[0].labels.len(), 2);
        let said = format!("{} {} {}", found[0].message, found[0].why, found[0].help);
        assert!(!said.contains("hush"));
    }

    #[test]
    fn a_rate_or_no_sentry_is_good() {
        let rate = |rate: f64| ChirpCase::new().keyword("sentry_traces_sample_rate", json!(rate));
        assert_eq!(rate(0.0).severities(&RULE), "- / - / -");
        let case = rate(0.01).keyword("sentry_dsn", json!(DSN));
        assert_eq!(case.severities(&RULE), "- / - / -");
        let case = ChirpCase::new().keyword("sentry_dsn", json!(DSN));
        assert_eq!(case.severities(&RULE), "- / - / -");
    }
}
