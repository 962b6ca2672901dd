//! Server configurations and machines for the tests of the rules about machines.

use serde_json::Value as Json;
use time::macros::datetime;

use crate::app::snapshot::Snapshot;
use crate::check::finding::{Finding, Spot};
use crate::check::machine::Machine;
use crate::check::machine::tls::{CertificateFacts, KeyKind, Sans, SignatureFacts};
use crate::check::rule::{Context, Rule, Tool};
use crate::config::keywords::Keyword;
use crate::config::types::Env;
use crate::config::{AppConfig, Inputs, Model, Place, Resolved, ServerConfig, Sources, resolve};

/// A configuration whose settings stand in one text, `name = value` a line.
pub(super) struct Case {
    text: String,
    pub(super) server: Resolved<ServerConfig>,
    pub(super) app_config: Option<Resolved<AppConfig>>,
    pub(super) machine: Machine,
    pub(super) snapshot: Option<Snapshot>,
}

impl Case {
    pub(super) fn new(settings: &[(&str, Json)]) -> Self {
        let lines: Vec<String> = settings
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        let text = lines.join("\n");
        Self {
            server: resolved(&text, settings),
            text,
            app_config: None,
            machine: Machine::default(),
            snapshot: None,
        }
    }

    pub(super) fn judge(&self, rule: &Rule) -> Vec<Finding> {
        let context = Context {
            tool: Tool::Pounce,
            posture: Env::Production,
            problems: &[],
            server: Some(&self.server),
            app_config: self.app_config.as_ref(),
            target: None,
            snapshot: self.snapshot.as_ref(),
            machine: Some(&self.machine),
        };
        let mut findings = Vec::new();
        (rule.check)(&context, &mut findings);
        assert!(findings.iter().all(|finding| finding.rule == rule.id));
        findings
    }

    /// What the labels of a finding point at, with what they say.
    pub(super) fn labels<'a>(&'a self, finding: &'a Finding) -> Vec<(&'a str, &'a str)> {
        let labels = finding.labels.iter();
        labels
            .map(|label| match &label.spot {
                Spot::Place(place) => (&self.text[place.span.clone()], label.text.as_str()),
                Spot::Python(_) => ("(python)", label.text.as_str()),
            })
            .collect()
    }
}

/// Resolves settings that stand in `text`.
pub(super) fn resolved<M: Model>(text: &str, settings: &[(&str, Json)]) -> Resolved<M> {
    let mut sources = Sources::default();
    let source = sources.add("pounce.toml", text);
    let keyword = |(name, value): &(&str, Json)| {
        let line = format!("{name} = {value}");
        let place = text.find(&line).map(|start| Place {
            source,
            span: start..start + line.len(),
        });
        Keyword {
            name: (*name).to_owned(),
            value: value.clone(),
            place,
            from: "pounce.toml".to_owned(),
        }
    };
    let inputs = Inputs {
        keywords: settings.iter().map(keyword).collect(),
        ..Inputs::default()
    };
    resolve(&inputs, &mut sources)
}

/// A certificate of 2026 with nothing to blame.
pub(super) fn certificate(subject: &str) -> CertificateFacts {
    CertificateFacts {
        block: 0,
        subject: subject.to_owned(),
        common_name: None,
        issuer: "CN=Middle".to_owned(),
        serial: "01".to_owned(),
        not_before: datetime!(2026-01-01 00:00 UTC),
        not_after: datetime!(2026-12-31 00:00 UTC),
        sans: Sans {
            dns: vec!["shop.example".to_owned()],
            ..Sans::default()
        },
        self_signed: false,
        is_ca: false,
        key: KeyKind::Ed25519,
        signature: SignatureFacts {
            name: "Ed25519".to_owned(),
            weakness: None,
        },
        server_auth: Some(true),
        digital_signature: Some(true),
        issuer_url: None,
    }
}
