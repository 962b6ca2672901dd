//! `hsts`: browsers are told to come by HTTPS only.

use serde_json::{Value as Json, json};

use crate::check::finding::{Finding, Severity};
use crate::check::mutating::Surface;
use crate::check::remedy;
use crate::check::rule::{Context, Rule, Scope, Tool};
use crate::config::AppConfig;

const ID: &str = "hsts";
const FIELD: &str = "strict_transport_security";
/// One year, as browsers' preload lists ask for.
const VALUE: &str = "max-age=31536000; includeSubDomains";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "an app with mutating routes tells browsers to come by HTTPS only",
    scope: Scope::App,
    tools: &[Tool::Chirp],
    severities: "- / - / warning",
    fatal: false,
    page: include_str!("../../../docs/rules/hsts.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let table = [None, None, Some(Severity::Warning)];
    let (Some(resolved), Some(app), Some(severity)) =
        (cx.app_config, cx.chirp_app(), cx.severity(table))
    else {
        return;
    };
    let Some(surface) = Surface::of(app) else {
        return;
    };
    let mut headers = app
        .middleware
        .iter()
        .filter(|entry| entry.is("SecurityHeadersMiddleware"));
    let by_middleware = headers.clone().any(|entry| {
        let value = entry.settings.get(FIELD).and_then(Json::as_str);
        value.is_some_and(|value| !value.is_empty())
    });
    let config = &resolved.config;
    if resolved.setting(FIELD).invalid
        || config.strict_transport_security.is_some()
        || has_tls(config)
        || by_middleware
    {
        return;
    }
    let label = if resolved.setting(FIELD).is_set() {
        "left out on purpose".to_owned()
    } else {
        resolved.absence(FIELD)
    };
    let set = remedy::set(resolved, FIELD, &json!(VALUE));
    findings.push(
        Finding::new(ID, severity, "no Strict-Transport-Security header")
            .field(FIELD)
            .at(resolved.place(FIELD), label)
            .at(
                headers.next().and_then(|entry| entry.position.clone()),
                "these headers do not hold it",
            )
            .at(surface.first.position.clone(), surface.label())
            .why("a browser that comes by plain HTTP first sends what it is asked for to whoever sits in between, before any redirect to HTTPS")
            .help(format!("once every host below the name speaks HTTPS: {set}"))
            .help("browsers keep it for the whole max-age: begin with a short one"),
    );
}

/// Whether the app's own server ends TLS; it then sends the header by itself in production.
fn has_tls(config: &AppConfig) -> bool {
    config.ssl_certfile.is_some() && config.ssl_keyfile.is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chirp_case::ChirpCase;
    use super::*;

    fn shop() -> ChirpCase {
        ChirpCase::new().route("/orders", &["POST"])
    }

    #[test]
    fn a_mutating_app_without_hsts_is_warned_in_production() {
        let case = shop();
        assert_eq!(case.severities(&RULE), "- / - / warning");
        let found = case.in_production(&RULE);
        assert_eq!(found[0].first_spot(), "AppConfig()");
        assert_eq!(found[0].labels[1].0, "shop.py:10");
        assert!(found[0].help.contains("max-age=31536000"));
    }

    #[test]
    fn security_headers_without_it_are_pointed_at() {
        let case = shop().middleware("SecurityHeadersMiddleware", json!({FIELD: null}));
        assert_eq!(case.severities(&RULE), "- / - / warning");
        let found = case.in_production(&RULE);
        assert_eq!(found[0].labels[1].0, "shop.py:50");
    }

    #[test]
    fn an_empty_value_is_none() {
        let case = shop().keyword(FIELD, json!(""));
        let found = case.in_production(&RULE);
        assert_eq!(found[0].first_spot(), "strict_transport_security=\"\"");
        assert_eq!(found[0].first_label(), "left out on purpose");
    }

    #[test]
    fn each_of_the_three_ways_is_good() {
        let setting = shop().keyword(FIELD, json!("max-age=600"));
        let middleware = shop().middleware(
            "SecurityHeadersMiddleware",
            json!({FIELD: "max-age=31536000"}),
        );
        let tls = shop()
            .keyword("ssl_certfile", json!("cert.pem"))
            .keyword("ssl_keyfile", json!("key.pem"));
        for case in [setting, middleware, tls] {
            assert_eq!(case.severities(&RULE), "- / - / -");
        }
    }

    #[test]
    fn an_app_that_only_reads_needs_none() {
        let case = ChirpCase::new().route("/", &["GET"]);
        assert_eq!(case.severities(&RULE), "- / - / -");
    }
}
