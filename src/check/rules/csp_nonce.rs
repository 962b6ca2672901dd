//! `csp_nonce`: the inline scripts that Chirp puts into pages pass the app's own policy.

use serde_json::json;

use crate::app::snapshot::{App, Middleware};
use crate::check::content_security_policy::{Forbids, forbids_inline_scripts};
use crate::check::finding::Finding;
use crate::check::remedy;
use crate::check::rule::{Context, HARDENING, Rule, Scope, Tool};
use crate::config::types::Tier;
use crate::config::{AppConfig, Resolved};

const ID: &str = "csp_nonce";
const FIELD: &str = "csp_nonce_enabled";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "inline scripts of switched-on features pass the app's Content-Security-Policy",
    scope: Scope::App,
    tools: &[Tool::Chirp],
    severities: "- / warning / error",
    fatal: false,
    page: include_str!("../../../docs/rules/csp_nonce.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let (Some(resolved), Some(app), Some(severity)) =
        (cx.app_config, cx.chirp_app(), cx.severity(HARDENING))
    else {
        return;
    };
    let nonce = resolved.config.csp_nonce_enabled
        || resolved.setting(FIELD).invalid
        || app
            .middleware
            .iter()
            .any(|entry| entry.is("CSPNonceMiddleware"));
    if nonce {
        return;
    }
    let Some((headers, policy)) = effective_policy(app) else {
        return;
    };
    let features = inline_features(resolved);
    let (Some(forbids), false) = (forbids_inline_scripts(policy), features.is_empty()) else {
        return;
    };
    let message = format!(
        "the Content-Security-Policy blocks the inline scripts of {}",
        enumerate(&features)
    );
    let enable = remedy::set(resolved, FIELD, &json!(true));
    let mut finding = Finding::new(ID, severity, message)
        .field(FIELD)
        .at(
            headers.position.clone(),
            format!("sends {}", forbids.shown()),
        )
        .why("browsers drop a script without a nonce silently: the page looks right and the feature does nothing")
        .help(format!("give every response a nonce: {enable}"))
        .help(switch_off(resolved, &features));
    for feature in features
        .iter()
        .filter(|name| resolved.setting(name).is_set())
    {
        finding = finding.at(
            resolved.place(feature),
            format!("{feature} is switched on here"),
        );
    }
    findings.push(match remark(&forbids) {
        Some(remark) => finding.details(remark),
        None => finding,
    });
}

/// The policy that browsers see: the outermost middleware writes the header last.
fn effective_policy(app: &App) -> Option<(&Middleware, &str)> {
    app.middleware
        .iter()
        .filter(|entry| entry.is("SecurityHeadersMiddleware"))
        .find_map(|entry| {
            let policy = entry.settings.get("content_security_policy")?;
            Some((entry, policy.as_str()?))
        })
        .filter(|(_, policy)| !policy.trim().is_empty())
}

/// The features that put inline scripts into pages and are on.
fn inline_features(resolved: &Resolved<AppConfig>) -> Vec<&'static str> {
    let config = &resolved.config;
    let on = |tier: &Tier| *tier != Tier::Off;
    [
        ("alpine", config.alpine && !config.alpine_csp),
        ("safe_target", config.safe_target),
        ("sse_lifecycle", config.sse_lifecycle),
        ("delegation", config.delegation),
        ("islands", config.islands),
        ("view_transitions", on(&config.view_transitions)),
        ("speculation_rules", on(&config.speculation_rules)),
    ]
    .into_iter()
    .filter_map(|(name, on)| on.then_some(name))
    .collect()
}

fn switch_off(resolved: &Resolved<AppConfig>, features: &[&str]) -> String {
    let by_default: Vec<_> = features
        .iter()
        .copied()
        .filter(|name| !resolved.setting(name).is_set())
        .collect();
    if by_default.is_empty() {
        return "or switch off what the pages do not use".into();
    }
    let are = if by_default.len() == 1 { "is" } else { "are" };
    format!(
        "or switch off what the pages do not use ({} {are} on by default)",
        enumerate(&by_default)
    )
}

fn remark(forbids: &Forbids) -> Option<String> {
    forbids.has_fixed_nonce().then(|| {
        "the policy holds a nonce that is the same in every response: Chirp's scripts do not carry it, and anyone can read it".into()
    })
}

fn enumerate(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [single] => (*single).to_owned(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chirp_case::ChirpCase;
    use super::*;

    const STRICT: &str = "default-src 'self'; script-src 'self' https://unpkg.com";

    fn with_policy(policy: &str) -> ChirpCase {
        let settings = json!({"content_security_policy": policy});
        ChirpCase::new().middleware("SecurityHeadersMiddleware", settings)
    }

    /// Features that are on by default, off.
    fn bare(case: ChirpCase) -> ChirpCase {
        case.keyword("safe_target", json!(false))
            .keyword("sse_lifecycle", json!(false))
    }

    #[test]
    fn a_strict_policy_without_a_nonce_hardens_with_the_posture() {
        let case = with_policy(STRICT);
        assert_eq!(case.severities(&RULE), "- / warning / error");
        let found = case.in_production(&RULE);
        assert_eq!(
            found[0].message,
            "the Content-Security-Policy blocks the inline scripts of safe_target and sse_lifecycle"
        );
        assert_eq!(found[0].first_spot(), "shop.py:50");
        assert_eq!(
            found[0].first_label(),
            "sends script-src 'self' https://unpkg.com"
        );
        assert!(found[0].help.contains("AppConfig(csp_nonce_enabled=True)"));
    }

    #[test]
    fn each_feature_alone_is_enough_and_is_pointed_at() {
        let features = [
            ("alpine", json!(true)),
            ("safe_target", json!(true)),
            ("sse_lifecycle", json!(true)),
            ("delegation", json!(true)),
            ("islands", json!(true)),
            ("view_transitions", json!("full")),
            ("speculation_rules", json!(true)),
        ];
        for (name, value) in features {
            let case = bare(with_policy(STRICT)).keyword(name, value);
            let found = case.in_production(&RULE);
            assert_eq!(found.len(), 1, "{name}");
            assert!(found[0].message.ends_with(name), "{name}");
            assert!(found[0].labels[1].0.starts_with(name), "{name}");
        }
    }

    #[test]
    fn features_that_are_off_and_alpine_s_csp_build_emit_nothing() {
        let case = bare(with_policy(STRICT))
            .keyword("view_transitions", json!("off"))
            .keyword("speculation_rules", json!(false));
        assert_eq!(case.severities(&RULE), "- / - / -");
        let case = bare(with_policy(STRICT))
            .keyword("alpine", json!(true))
            .keyword("alpine_csp", json!(true));
        assert_eq!(case.severities(&RULE), "- / - / -");
    }

    #[test]
    fn a_nonce_is_good() {
        let case = with_policy(STRICT).keyword(FIELD, json!(true));
        assert_eq!(case.severities(&RULE), "- / - / -");
        let case = with_policy(STRICT).middleware("CSPNonceMiddleware", json!({}));
        assert_eq!(case.severities(&RULE), "- / - / -");
    }

    #[test]
    fn a_policy_that_allows_inline_scripts_or_none_is_not_judged_here() {
        let case = with_policy("script-src 'self' 'unsafe-inline'");
        assert_eq!(case.severities(&RULE), "- / - / -");
        let case = ChirpCase::new().middleware(
            "SecurityHeadersMiddleware",
            json!({"content_security_policy": null}),
        );
        assert_eq!(case.severities(&RULE), "- / - / -");
        assert_eq!(ChirpCase::new().severities(&RULE), "- / - / -");
    }

    #[test]
    fn a_nonce_that_never_changes_is_no_nonce() {
        let case = with_policy("script-src 'self' 'nonce-abc'");
        assert_eq!(case.severities(&RULE), "- / warning / error");
        let found = case.in_production(&RULE);
        assert!(found[0].details.contains("the same in every response"));
    }

    #[test]
    fn the_outermost_headers_decide() {
        let case = with_policy("script-src 'unsafe-inline'").middleware(
            "SecurityHeadersMiddleware",
            json!({"content_security_policy": STRICT}),
        );
        assert_eq!(case.severities(&RULE), "- / - / -");
    }
}
