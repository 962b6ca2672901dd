//! `security_stack`: an app that changes things has sessions, CSRF protection and security headers.

use crate::app::snapshot::App;
use crate::check::finding::{Finding, Severity};
use crate::check::mutating::Surface;
use crate::check::rule::{Context, HARDENING, Rule, Scope, Tool, WARNING};

const ID: &str = "security_stack";
const PROTECTION: [&str; 2] = ["SessionMiddleware", "CSRFMiddleware"];
const HEADERS: &str = "SecurityHeadersMiddleware";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "an app with mutating routes has sessions, CSRF protection and security headers",
    scope: Scope::App,
    tools: &[Tool::Chirp],
    severities: "sessions or CSRF missing: - / warning / error; headers missing: warning",
    fatal: false,
    page: include_str!("../../../docs/rules/security_stack.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(app) = cx.chirp_app() else { return };
    let Some(surface) = Surface::of(app) else {
        return;
    };
    let missing = |class: &&str| !app.middleware.iter().any(|entry| entry.is(class));
    let unprotected: Vec<&str> = PROTECTION.into_iter().filter(missing).collect();
    let headers = missing(&HEADERS);
    if let (false, Some(severity)) = (unprotected.is_empty(), cx.severity(HARDENING)) {
        findings.push(protection(app, &surface, &unprotected, severity));
    }
    if let (true, Some(severity)) = (headers, cx.severity(WARNING)) {
        findings.push(
            finding(app, &surface, HEADERS, severity)
                .why("without these headers other sites can frame the pages and lead clicks into them, and browsers guess content types")
                .help("app.add_middleware(SecurityHeadersMiddleware())"),
        );
    }
}

fn protection(app: &App, surface: &Surface<'_>, missing: &[&str], severity: Severity) -> Finding {
    let finding = finding(app, surface, &missing.join(" and "), severity).why(
        "the browser sends cookies along whoever made it send the request: without a token in the session any site can act as the user",
    );
    let [single] = missing else {
        return finding
            .help("from chirp import secure_stack")
            .help("for middleware in secure_stack(app.config): app.add_middleware(middleware)");
    };
    if *single == "SessionMiddleware" {
        finding
            .help("outside of CSRFMiddleware, with a lower priority or in front of it:")
            .help("app.add_middleware(SessionMiddleware(SessionConfig(secret_key=app.config.secret_key)))")
    } else {
        finding
            .help("inside of SessionMiddleware, behind it:")
            .help("app.add_middleware(CSRFMiddleware())")
    }
}

fn finding(app: &App, surface: &Surface<'_>, missing: &str, severity: Severity) -> Finding {
    let message = format!("{} without {missing}", surface.counted());
    Finding::new(ID, severity, message)
        .route(surface.first.path.clone())
        .at(surface.first.position.clone(), surface.label())
        .at(
            app.created_at.clone(),
            format!("{missing}: never added to this app"),
        )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chirp_case::ChirpCase;
    use super::*;

    fn shop() -> ChirpCase {
        ChirpCase::new()
            .route("/", &["GET"])
            .route("/orders", &["POST"])
            .route("/orders/{id:int}", &["PUT", "DELETE"])
    }

    #[test]
    fn everything_missing_is_two_findings() {
        let case = shop();
        assert_eq!(
            case.severities(&RULE),
            "warning / warning+warning / error+warning"
        );
        let found = case.in_production(&RULE);
        assert_eq!(
            found[0].message,
            "2 mutating routes without SessionMiddleware and CSRFMiddleware"
        );
        assert_eq!(found[0].first_spot(), "shop.py:11");
        assert_eq!(found[0].labels[1].0, "shop.py:1");
        assert!(found[0].help.contains("secure_stack"));
        assert_eq!(
            found[1].message,
            "2 mutating routes without SecurityHeadersMiddleware"
        );
    }

    #[test]
    fn one_missing_is_named_alone() {
        let case = shop()
            .middleware(HEADERS, json!({}))
            .middleware("SessionMiddleware", json!({}));
        assert_eq!(case.severities(&RULE), "- / warning / error");
        let found = case.in_production(&RULE);
        assert_eq!(found[0].message, "2 mutating routes without CSRFMiddleware");
        assert!(found[0].help.contains("CSRFMiddleware()"));
    }

    #[test]
    fn a_page_with_form_actions_mutates() {
        let case = ChirpCase::new()
            .route("/notes", &["GET"])
            .app(|app| app.routes[0].form_actions.push("save".into()));
        let found = case.in_production(&RULE);
        assert_eq!(found[0].severity, "error");
        assert_eq!(found[0].first_label(), "a page with form actions (save)");
    }

    #[test]
    fn the_whole_stack_is_good_also_by_subclasses() {
        let case = shop()
            .middleware("SessionMiddleware", json!({}))
            .middleware("CSRFMiddleware", json!({}))
            .middleware("ShopHeaders", json!({}))
            .app(|app| app.middleware[2].bases = vec!["ShopHeaders".into(), HEADERS.into()]);
        assert_eq!(case.severities(&RULE), "- / - / -");
    }

    #[test]
    fn an_app_that_only_reads_needs_nothing() {
        let case = ChirpCase::new().route("/", &["GET", "HEAD"]);
        assert_eq!(case.severities(&RULE), "- / - / -");
    }

    #[test]
    fn apps_of_other_frameworks_are_not_judged() {
        let case = shop().app(|app| app.framework.name = "fastapi".into());
        assert_eq!(case.severities(&RULE), "- / - / -");
    }
}
