//! `cookie_secure`: the session cookie goes over HTTPS only.

use serde_json::Value as Json;

use crate::app::snapshot::Middleware;
use crate::check::finding::{Finding, Severity};
use crate::check::rule::{Context, ERROR, HARDENING, Rule, Scope, Tool};
use crate::config::types::Env;

const ID: &str = "cookie_secure";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "the session cookie is Secure",
    scope: Scope::App,
    tools: &[Tool::Chirp],
    severities: "not Secure: - / warning / error; samesite=none and not Secure: error",
    fatal: false,
    page: include_str!("../../../docs/rules/cookie_secure.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(app) = cx.chirp_app() else { return };
    for session in &app.middleware {
        if session.is("SessionMiddleware") && secure(session, cx.posture) == Some(false) {
            findings.extend(insecure(cx, session));
        }
    }
}

/// Whether the cookie is Secure; `None` where the setting could not be seen.
fn secure(session: &Middleware, posture: Env) -> Option<bool> {
    match session.settings.get("secure")? {
        Json::Bool(secure) => Some(*secure),
        Json::String(text) if text == "auto" => Some(posture != Env::Development),
        _ => None,
    }
}

fn insecure(cx: &Context<'_>, session: &Middleware) -> Option<Finding> {
    let samesite = session.settings.get("samesite").and_then(Json::as_str);
    if samesite.is_some_and(|samesite| samesite.eq_ignore_ascii_case("none")) {
        return cx
            .severity(ERROR)
            .map(|severity| dropped(session, severity));
    }
    let severity = cx.severity(HARDENING)?;
    Some(
        Finding::new(ID, severity, format!("the session cookie is not Secure in {}", cx.posture.as_str()))
            .at(session.position.clone(), "made with secure=False")
            .why("one request over plain HTTP, which an attacker in the network can provoke, shows the cookie, and with it the session")
            .help("leave secure out of SessionConfig(...): \"auto\" makes the cookie Secure outside development"),
    )
}

fn dropped(session: &Middleware, severity: Severity) -> Finding {
    let automatic = session.settings.get("secure").is_some_and(Json::is_string);
    let label = if automatic {
        "samesite=\"none\", and secure=\"auto\" is not Secure in development"
    } else {
        "samesite=\"none\" with secure=False"
    };
    Finding::new(
        ID,
        severity,
        "browsers drop the session cookie: samesite is none and it is not Secure",
    )
    .at(session.position.clone(), label)
    .why("a cookie for other sites that is not Secure is refused, so no session ever lives longer than its request")
    .help("SessionConfig(samesite=\"lax\") where the app is not embedded in other sites")
    .help("SessionConfig(secure=True) where it is; then use HTTPS in development too")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chirp_case::ChirpCase;
    use super::RULE;

    fn session(secure: &serde_json::Value, samesite: &str) -> ChirpCase {
        let settings = json!({"secure": secure, "samesite": samesite});
        ChirpCase::new().middleware("SessionMiddleware", settings)
    }

    #[test]
    fn a_cookie_that_is_not_secure_hardens_with_the_posture() {
        let case = session(&json!(false), "lax");
        assert_eq!(case.severities(&RULE), "- / warning / error");
        let found = case.in_production(&RULE);
        assert_eq!(found[0].first_spot(), "shop.py:50");
        assert_eq!(
            found[0].message,
            "the session cookie is not Secure in production"
        );
    }

    #[test]
    fn samesite_none_without_secure_is_one_error_everywhere() {
        let case = session(&json!(false), "none");
        assert_eq!(case.severities(&RULE), "error / error / error");
        let found = case.in_production(&RULE);
        assert_eq!(found[0].first_spot(), "shop.py:50");
    }

    #[test]
    fn samesite_none_with_auto_fails_in_development_only() {
        let case = session(&json!("auto"), "None");
        assert_eq!(case.severities(&RULE), "error / - / -");
    }

    #[test]
    fn secure_and_auto_cookies_are_good() {
        assert_eq!(
            session(&json!("auto"), "lax").severities(&RULE),
            "- / - / -"
        );
        assert_eq!(session(&json!(true), "none").severities(&RULE), "- / - / -");
        assert_eq!(ChirpCase::new().severities(&RULE), "- / - / -");
    }

    #[test]
    fn a_setting_that_was_not_seen_is_not_judged() {
        let case = ChirpCase::new().middleware("SessionMiddleware", json!({}));
        assert_eq!(case.severities(&RULE), "- / - / -");
    }

    #[test]
    fn each_session_is_judged_also_by_subclasses() {
        let case = session(&json!(false), "lax")
            .middleware("AdminSessions", json!({"secure": false}))
            .app(|app| app.middleware[1].bases.push("SessionMiddleware".into()));
        assert_eq!(case.severities(&RULE), "- / warning+warning / error+error");
    }
}
