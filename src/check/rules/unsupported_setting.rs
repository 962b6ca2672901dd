//! `unsupported_setting`: a setting that this build cannot honour is not at its default.

use crate::check::finding::{Finding, Severity};
use crate::check::rule::{Context, Rule, Scope, Tool};
use crate::config::value::Value;
use crate::config::{Model, Resolved};

const ID: &str = "unsupported_setting";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "a setting that this build cannot honour is set",
    scope: Scope::Config,
    tools: &[Tool::Chirp, Tool::Pounce],
    severities: "error (server); warning (an app of this project's own chirp); info in a check where it is only not there yet",
    fatal: true,
    page: include_str!("../../../docs/rules/unsupported_setting.md"),
    check,
};

/// Settings of the server that no build of this line honours.
const NEVER: [&str; 2] = ["http3_enabled", "http3_zero_rtt_enabled"];
/// Settings of the server that this build reads and cannot honour yet. The configuration is right, so a
/// check only notes them; a launch stops at them. What only shapes a feature (its path, its size) stands
/// behind the switch of that feature, and is not named beside it.
const SERVER: [&str; 11] = [
    "compression_min_size",
    "debug",
    "introspection_enabled",
    "metrics_enabled",
    "otel_endpoint",
    "rate_limit_enabled",
    "reload",
    "request_queue_enabled",
    "sentry_dsn",
    "server_timing",
    "static_files",
];
/// Features that are on by default and that this build does not have yet: the default promises nothing,
/// asking for one does.
const ASKED_FOR: [&str; 1] = ["compression"];
/// Settings of an app likewise: those that its server gets from it.
const APP: [&str; 5] = [
    "metrics_enabled",
    "otel_endpoint",
    "rate_limit_enabled",
    "request_queue_enabled",
    "sentry_dsn",
];

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    if let Some(server) = cx.server {
        judge(server, &NEVER, Severity::Error, findings);
        judge(server, &SERVER, Severity::Info, findings);
        for name in ASKED_FOR {
            let setting = server.setting(name);
            if setting.is_set() && !setting.invalid && setting.value == Value::Bool(true) {
                findings.push(finding(server, name, Severity::Info));
            }
        }
    }
    let own = cx.app().is_some_and(|app| app.framework.name == "chirp");
    if let Some(app) = cx.app_config.filter(|_| own) {
        judge(app, &APP, Severity::Info, findings);
    }
}

fn judge<M: Model>(
    resolved: &Resolved<M>,
    unsupported: &[&'static str],
    severity: Severity,
    findings: &mut Vec<Finding>,
) {
    for name in unsupported {
        let setting = resolved.setting(name);
        let default = M::field(name).map(|field| field.default.value());
        if setting.invalid || default.as_ref() == Some(&setting.value) {
            continue;
        }
        findings.push(finding(resolved, name, severity));
    }
}

fn finding<M: Model>(resolved: &Resolved<M>, name: &'static str, severity: Severity) -> Finding {
    Finding::new(ID, severity, format!("this build cannot honour {name}"))
        .field(name)
        .at(resolved.place(name), "set here")
        .why("a setting that is accepted and does nothing is found out in production")
        .help(format!("leave {name} at its default"))
}
