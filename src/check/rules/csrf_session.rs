//! `csrf_session`: CSRF protection finds the session that it keeps its token in.

use crate::app::snapshot::Middleware;
use crate::check::finding::Finding;
use crate::check::rule::{Context, ERROR, Rule, Scope, Tool};

const ID: &str = "csrf_session";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "CSRFMiddleware stands inside of SessionMiddleware",
    scope: Scope::App,
    tools: &[Tool::Chirp],
    severities: "error / error / error",
    fatal: false,
    page: include_str!("../../../docs/rules/csrf_session.md"),
    check,
};

const WHY: &str =
    "the token is kept in the session: where there is none yet, every form is refused";

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let (Some(app), Some(severity)) = (cx.chirp_app(), cx.severity(ERROR)) else {
        return;
    };
    // The list is in resolved order, outermost first.
    let first = |class: &str| app.middleware.iter().position(|entry| entry.is(class));
    let Some(at) = first("CSRFMiddleware") else {
        return;
    };
    let csrf = &app.middleware[at];
    match first("SessionMiddleware") {
        None => findings.push(
            Finding::new(ID, severity, "CSRFMiddleware without SessionMiddleware")
                .at(csrf.position.clone(), "finds no session")
                .at(app.created_at.clone(), "SessionMiddleware: never added to this app")
                .why(WHY)
                .help("in front of it: app.add_middleware(SessionMiddleware(SessionConfig(secret_key=app.config.secret_key)))"),
        ),
        Some(outer) if outer < at => {}
        Some(inner) => {
            let session = &app.middleware[inner];
            findings.push(
                Finding::new(ID, severity, "CSRFMiddleware stands outside of SessionMiddleware")
                    .at(csrf.position.clone(), "runs first and finds no session")
                    .at(session.position.clone(), "makes the session, further inside")
                    .why(WHY)
                    .help(remedy(csrf, session)),
            );
        }
    }
}

fn remedy(csrf: &Middleware, session: &Middleware) -> String {
    if csrf.priority == session.priority {
        return "add SessionMiddleware first: of equal priority the one added first is outermost"
            .into();
    }
    format!(
        "give SessionMiddleware a priority below CSRFMiddleware's (they have {} and {}; the lower one is outermost)",
        session.priority, csrf.priority
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chirp_case::ChirpCase;
    use super::RULE;

    #[test]
    fn csrf_without_a_session_is_an_error() {
        let case = ChirpCase::new().middleware("CSRFMiddleware", json!({}));
        assert_eq!(case.severities(&RULE), "error / error / error");
        let found = case.in_production(&RULE);
        assert_eq!(found[0].first_spot(), "shop.py:50");
        assert_eq!(found[0].labels[1].0, "shop.py:1");
    }

    #[test]
    fn csrf_in_front_of_the_session_is_an_error_with_both_places() {
        let case = ChirpCase::new()
            .middleware("CSRFMiddleware", json!({}))
            .middleware("SessionMiddleware", json!({}));
        assert_eq!(case.severities(&RULE), "error / error / error");
        let found = case.in_production(&RULE);
        assert_eq!(found[0].first_spot(), "shop.py:50");
        assert_eq!(found[0].labels[1].0, "shop.py:51");
        assert!(found[0].help.starts_with("add SessionMiddleware first"));
    }

    #[test]
    fn priorities_that_turn_the_order_are_named() {
        let case = ChirpCase::new()
            .middleware("CSRFMiddleware", json!({}))
            .middleware("SessionMiddleware", json!({}))
            .app(|app| {
                app.middleware[0].priority = -5;
                app.middleware[1].priority = 10;
            });
        let found = case.in_production(&RULE);
        assert!(found[0].help.contains("they have 10 and -5"));
    }

    #[test]
    fn csrf_inside_of_the_session_is_good_also_by_subclasses() {
        let case = ChirpCase::new()
            .middleware("ShopSessions", json!({}))
            .middleware("CSRFMiddleware", json!({}))
            .app(|app| app.middleware[0].bases.push("SessionMiddleware".into()));
        assert_eq!(case.severities(&RULE), "- / - / -");
        assert_eq!(ChirpCase::new().severities(&RULE), "- / - / -");
    }
}
