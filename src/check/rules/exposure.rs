//! `exposure`: nothing meant for developers or operators is open to everyone.

mod address;

use address::Reach;

use crate::check::finding::{Finding, Severity};
use crate::check::rule::{Context, Rule, Scope, Tool};
use crate::config::{Place, Resolved, ServerConfig};

const ID: &str = "exposure";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "what is meant for developers or operators is not open to everyone",
    scope: Scope::Config,
    tools: &[Tool::Pounce],
    severities: "warning; debug with a public bind: error",
    fatal: false,
    page: include_str!("../../../docs/rules/exposure.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(server) = cx.server else {
        return;
    };
    let judge = Judge { server };
    findings.extend(judge.debug());
    findings.extend(judge.reload());
    findings.extend(judge.introspection());
    findings.extend(judge.metrics());
    findings.extend(judge.trusted_hosts());
    findings.extend(judge.plain_http());
}

struct Judge<'a> {
    server: &'a Resolved<ServerConfig>,
}

impl Judge<'_> {
    /// How far the server's own listener reaches; absent where its settings could not be read.
    fn listener(&self) -> Option<Reach> {
        if self.invalid("uds") || self.invalid("host") {
            return None;
        }
        match self.server.config.uds {
            Some(_) => Some(Reach::Machine),
            None => Some(address::reach(&self.server.config.host)),
        }
    }

    fn invalid(&self, field: &str) -> bool {
        self.server.setting(field).invalid
    }

    /// Whether other machines reach the listener.
    fn is_reached(&self) -> bool {
        self.listener().is_some_and(|reach| reach > Reach::Machine)
    }

    fn host_label(&self) -> String {
        format!(
            "reachable from other machines{}",
            address::remark(&self.server.config.host)
        )
    }

    /// A finding about a switch that is on, and about the bind that exposes it.
    fn switch(&self, severity: Severity, field: &str, message: String, label: &str) -> Finding {
        Finding::new(ID, severity, message)
            .field(field)
            .at(self.server.place(field), label)
            .at(self.place_of_host(), self.host_label())
    }

    fn place_of_host(&self) -> Option<Place> {
        self.server.setting("host").origin.place.clone()
    }

    fn debug(&self) -> Option<Finding> {
        let on = self.server.config.debug && !self.invalid("debug") && self.is_reached();
        on.then(|| {
            self.switch(
                Severity::Error,
                "debug",
                format!(
                    "debug is on, and the server listens on {}",
                    self.server.config.host
                ),
                "error pages show source code and variables",
            )
            .why("whoever makes the app fail reads its source, its settings and what is in them")
            .help("turn debug off, or listen on 127.0.0.1")
        })
    }

    fn reload(&self) -> Option<Finding> {
        let on = self.server.config.reload && !self.invalid("reload") && self.is_reached();
        on.then(|| {
            self.switch(
                Severity::Warning,
                "reload",
                format!(
                    "reload is on, and the server listens on {}",
                    self.server.config.host
                ),
                "restarts whenever a file changes",
            )
            .why("a half-written file takes the server down in front of its users")
            .help("turn reload off, or listen on 127.0.0.1")
        })
    }

    fn introspection(&self) -> Option<Finding> {
        let config = &self.server.config;
        let bind = &config.introspection_bind;
        let on = config.introspection_enabled
            && !self.invalid("introspection_enabled")
            && !self.invalid("introspection_bind")
            && address::reach(bind) == Reach::Everyone;
        on.then(|| {
            Finding::warning(ID, format!("the introspection endpoint listens on {bind}"))
                .field("introspection_bind")
                .at(
                    self.server.place("introspection_bind"),
                    format!("a public address{}", address::remark(bind)),
                )
                .at(self.server.place("introspection_enabled"), "turned on here")
                .why("it tells versions, settings and load of the server to whoever asks")
                .help(
                    "set introspection_bind to 127.0.0.1, or to an address of the private network",
                )
        })
    }

    fn metrics(&self) -> Option<Finding> {
        let on = self.server.config.metrics_enabled
            && !self.invalid("metrics_enabled")
            && self.listener() == Some(Reach::Everyone);
        on.then(|| {
            self.switch(
                Severity::Warning,
                "metrics_enabled",
                format!(
                    "the metrics endpoint is open to everyone on {}",
                    self.server.config.host
                ),
                "served by the same listener as the app",
            )
            .why("request counts, routes and failures of the app can be read by whoever asks")
            .help("listen on a private address, or keep the path from the public in the proxy in front")
        })
    }

    fn trusted_hosts(&self) -> Option<Finding> {
        let on = self.server.config.trusted_hosts.has_everyone() && !self.invalid("trusted_hosts");
        on.then(|| {
            let finding = Finding::warning(ID, "trusted_hosts trusts everyone")
                .field("trusted_hosts")
                .at(
                    self.server.place("trusted_hosts"),
                    "* believes the forwarded headers of any client",
                )
                .why("any client can choose the address, scheme and host that the app sees");
            if self.server.config.uds.is_some() {
                finding.help("for a proxy on the Unix socket write trusted_hosts = [\"unix:\"]")
            } else {
                finding
                    .help("name the proxies: their addresses, or their network such as 10.0.0.0/8")
            }
        })
    }

    fn plain_http(&self) -> Option<Finding> {
        let config = &self.server.config;
        let readable = !self.invalid("ssl_certfile")
            && !self.invalid("ssl_keyfile")
            && !self.invalid("trusted_hosts");
        let bare = config.ssl_certfile.is_none()
            && config.ssl_keyfile.is_none()
            && config.trusted_hosts.is_empty();
        (readable && bare && self.is_reached()).then(|| {
            Finding::warning(
                ID,
                format!("plain HTTP on {}, and no proxy is trusted", config.host),
            )
            .field("host")
            .at(self.server.place("host"), self.host_label())
            .why("passwords and session cookies cross the network readable for everyone on the way")
            .help("with a proxy in front that does TLS: name it in trusted_hosts")
            .help("without one: set ssl_certfile and ssl_keyfile")
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::check::rules::machine_cases::Case;

    /// Severity and message of each finding; TLS is on, so that plain HTTP stays out of the way.
    fn messages(settings: &[(&str, Json)]) -> Vec<String> {
        let mut all = vec![
            ("ssl_certfile", json!("cert.pem")),
            ("ssl_keyfile", json!("key.pem")),
        ];
        all.extend(settings.iter().cloned());
        spelled(&Case::new(&all))
    }

    fn spelled(case: &Case) -> Vec<String> {
        let findings = case.judge(&RULE);
        findings
            .into_iter()
            .map(|finding| format!("{}: {}", finding.severity.as_str(), finding.message))
            .collect()
    }

    const SILENT: [&str; 0] = [];

    #[test]
    fn the_defaults_expose_nothing() {
        assert_eq!(spelled(&Case::new(&[])), SILENT);
    }

    #[test]
    fn debug_in_front_of_others_is_an_error() {
        let case = Case::new(&[
            ("debug", json!(true)),
            ("host", json!("0.0.0.0")),
            ("trusted_hosts", json!(["10.0.0.1"])),
        ]);
        let findings = case.judge(&RULE);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].severity, Severity::Error);
        let labels = case.labels(&findings[0]);
        assert_eq!(labels[0].0, "debug = true");
        assert_eq!(labels[1].0, "host = \"0.0.0.0\"");
        for host in ["127.0.0.1", "::1", "localhost"] {
            let settings = [("debug", json!(true)), ("host", json!(host))];
            assert_eq!(messages(&settings), SILENT, "{host}");
        }
        let socket = [("debug", json!(true)), ("uds", json!("/run/p.sock"))];
        assert_eq!(messages(&socket), SILENT);
    }

    #[test]
    fn reload_in_front_of_others_is_a_warning() {
        let settings = [("reload", json!(true)), ("host", json!("192.168.1.4"))];
        assert_eq!(
            messages(&settings),
            ["warning: reload is on, and the server listens on 192.168.1.4"]
        );
    }

    #[test]
    fn introspection_and_metrics_may_be_open_to_a_private_network() {
        for (host, open) in [("::", true), ("203.0.113.7", true), ("10.1.2.3", false)] {
            let introspection = [
                ("introspection_enabled", json!(true)),
                ("introspection_bind", json!(host)),
            ];
            assert_eq!(messages(&introspection).len(), usize::from(open), "{host}");
            let metrics = [("metrics_enabled", json!(true)), ("host", json!(host))];
            assert_eq!(messages(&metrics).len(), usize::from(open), "{host}");
        }
        let off = [("introspection_bind", json!("0.0.0.0"))];
        assert_eq!(messages(&off), SILENT);
    }

    #[test]
    fn the_findings_point_at_what_caused_them() {
        let case = Case::new(&[
            ("introspection_enabled", json!(true)),
            ("introspection_bind", json!("0.0.0.0")),
            ("trusted_hosts", json!(["*"])),
            ("metrics_enabled", json!(true)),
            ("host", json!("::")),
        ]);
        let findings = case.judge(&RULE);
        let first: Vec<_> = findings
            .iter()
            .map(|finding| case.labels(finding)[0].0)
            .collect();
        assert_eq!(
            first,
            [
                "introspection_bind = \"0.0.0.0\"",
                "metrics_enabled = true",
                "trusted_hosts = [\"*\"]",
            ]
        );
    }

    #[test]
    fn trusting_everyone_is_a_warning_on_any_bind() {
        assert_eq!(
            messages(&[("trusted_hosts", json!(["10.0.0.1", "*"]))]),
            ["warning: trusted_hosts trusts everyone"]
        );
    }

    #[test]
    fn plain_http_needs_a_trusted_proxy_or_a_local_bind() {
        let public = ("host", json!("0.0.0.0"));
        assert_eq!(
            spelled(&Case::new(std::slice::from_ref(&public))),
            ["warning: plain HTTP on 0.0.0.0, and no proxy is trusted"]
        );
        let behind = Case::new(&[public.clone(), ("trusted_hosts", json!(["10.0.0.0/8"]))]);
        assert_eq!(spelled(&behind), SILENT);
        assert_eq!(messages(&[public]), SILENT);
        let name = Case::new(&[("host", json!("web.internal"))]);
        let findings = name.judge(&RULE);
        assert!(name.labels(&findings[0])[0].1.contains("not looked up"));
    }

    #[test]
    fn unreadable_settings_are_left_to_the_config_rule() {
        let case = Case::new(&[("host", json!("")), ("debug", json!(true))]);
        assert_eq!(spelled(&case), SILENT);
    }
}
