//! `unsupported_setting`: a setting that this build cannot honour is not at its default.

use crate::check::finding::{Finding, Severity};
use crate::check::rule::{Context, Rule, Scope, Tool};
use crate::config::{Model, Resolved};

const ID: &str = "unsupported_setting";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "a setting that this build cannot honour is set",
    scope: Scope::Config,
    tools: &[Tool::Chirp, Tool::Pounce],
    severities: "error (server); warning (an app of this project's own chirp)",
    fatal: true,
    page: include_str!("../../../docs/rules/unsupported_setting.md"),
    check,
};

/// Settings of the server that this build reads and cannot honour.
const SERVER: [&str; 2] = ["http3_enabled", "http3_zero_rtt_enabled"];
/// Settings of an app likewise.
const APP: [&str; 0] = [];

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    if let Some(server) = cx.server {
        judge(server, &SERVER, Severity::Error, findings);
    }
    let own = cx.app().is_some_and(|app| app.framework.name == "chirp");
    if let Some(app) = cx.app_config.filter(|_| own) {
        judge(app, &APP, Severity::Warning, findings);
    }
}

fn judge<M: Model>(
    resolved: &Resolved<M>,
    unsupported: &[&str],
    severity: Severity,
    findings: &mut Vec<Finding>,
) {
    for name in unsupported {
        let setting = resolved.setting(name);
        let default = M::field(name).map(|field| field.default.value());
        if setting.invalid || default.as_ref() == Some(&setting.value) {
            continue;
        }
        findings.push(
            Finding::new(ID, severity, format!("this build cannot honour {name}"))
                .field(*name)
                .at(resolved.place(name), "set here")
                .why("a setting that is accepted and does nothing is found out in production")
                .help(format!("leave {name} at its default")),
        );
    }
}
