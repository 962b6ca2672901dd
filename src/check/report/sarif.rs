//! `sarif`: SARIF 2.1.0 (OASIS), which code scanning services read.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::Options;
use super::place::{self, Region, Texts, ToolPath, places, tool_path};
use crate::check::finding::{Finding, Severity};
use crate::check::judge::Verdict;
use crate::check::rule::Rule;
use crate::check::rules;
use crate::config::{Place, Sources};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn render(verdict: &Verdict, sources: &Sources, options: &Options) -> String {
    let root = place::root();
    let log = log(verdict, sources, options, root.as_deref());
    format!("{log:#}\n")
}

fn log(verdict: &Verdict, sources: &Sources, options: &Options, root: Option<&Path>) -> Json {
    let texts = Texts::of(verdict, sources);
    let rules: Vec<&Rule> = rules::ALL
        .iter()
        .copied()
        .filter(|rule| rule.tools.contains(&verdict.tool))
        .collect();
    let indices: BTreeMap<&str, usize> = rules
        .iter()
        .enumerate()
        .map(|(index, rule)| (rule.id, index))
        .collect();
    let results: Vec<Json> = verdict
        .findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| options.wants(finding))
        .map(|(index, finding)| {
            let mut result = result(finding, &texts, root);
            if let Some(index) = indices.get(finding.rule) {
                result["ruleIndex"] = json!(index);
            }
            if let Some(baseline) = &options.baseline {
                let new = baseline.is_new(index);
                result["baselineState"] = json!(if new { "new" } else { "unchanged" });
            }
            result
        })
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": verdict.tool.name(),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.into_iter().map(descriptor).collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": format!("{}/{}/", verdict.tool.name(), verdict.posture.as_str())},
            "invocations": [{"executionSuccessful": true}],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn descriptor(rule: &Rule) -> Json {
    let level = if rule.severities.contains("error") {
        "error"
    } else {
        "warning"
    };
    json!({
        "id": rule.id,
        "name": rule.id,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": format!("{} ({})", rule.summary, rule.severities)},
        "help": {"text": rule.page, "markdown": rule.page},
        "helpUri": format!("urn:pounce-rs:rule:{}", rule.id),
        "defaultConfiguration": {"level": level},
        "properties": {"tags": [rule.scope.as_str()]},
    })
}

fn result(finding: &Finding, texts: &Texts<'_>, root: Option<&Path>) -> Json {
    let mut locations = places(finding).filter_map(|(place, text)| {
        let location = location(place, text, texts, root)?;
        Some(location)
    });
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": {"text": message(finding)},
        "partialFingerprints": {"finding/v1": fingerprint(finding, texts, root)},
    });
    if let Some(first) = locations.next() {
        result["locations"] = json!([first]);
    }
    let related: Vec<Json> = locations
        .zip(1..)
        .map(|(mut location, id)| {
            location["id"] = json!(id);
            location
        })
        .collect();
    if !related.is_empty() {
        result["relatedLocations"] = json!(related);
    }
    let mut properties = serde_json::Map::new();
    let optional = [
        ("route", &finding.route),
        ("setting", &finding.field),
        ("details", &finding.details),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            properties.insert(key.into(), json!(value));
        }
    }
    if !properties.is_empty() {
        result["properties"] = Json::Object(properties);
    }
    result
}

/// Message, reason and advice: viewers of SARIF show nothing else of a result.
fn message(finding: &Finding) -> String {
    let mut lines = vec![finding.message.clone()];
    lines.extend(finding.why.clone());
    lines.extend(finding.help.iter().map(|help| format!("help: {help}")));
    lines.join("\n")
}

fn location(place: &Place, label: &str, texts: &Texts<'_>, root: Option<&Path>) -> Option<Json> {
    let text = texts.get(place.source)?;
    let mut location = match &text.source.path {
        Some(path) => json!({"physicalLocation": {
            "artifactLocation": artifact(path, root),
            "region": region(text.region(&place.span)),
        }}),
        None => json!({"logicalLocations": [{
            "fullyQualifiedName": text.source.name,
            "kind": "parameter",
        }]}),
    };
    if !label.is_empty() {
        location["message"] = json!({"text": label});
    }
    Some(location)
}

fn region(region: Region) -> Json {
    json!({
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    })
}

fn artifact(path: &Path, root: Option<&Path>) -> Json {
    match tool_path(path, root) {
        ToolPath::Relative(path) => json!({"uri": encode(&path), "uriBaseId": "%SRCROOT%"}),
        ToolPath::Absolute(path) => {
            let path = path.to_string_lossy().replace('\\', "/");
            json!({"uri": format!("file://{}", encode(&path))})
        }
    }
}

/// A path as the path of a URI (RFC 3986): what is not unreserved or a slash is percent-encoded.
fn encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// The same for the same finding in a later run, also where its line has moved.
fn fingerprint(finding: &Finding, texts: &Texts<'_>, root: Option<&Path>) -> String {
    let file = texts
        .first(finding)
        .map(|(text, _)| match &text.source.path {
            Some(path) => artifact(path, root)["uri"].to_string(),
            None => text.source.name.clone(),
        });
    let parts = [
        Some(finding.rule),
        finding.route.as_deref(),
        finding.field.as_deref(),
        file.as_deref(),
        Some(finding.message.as_str()),
    ];
    let identity = parts.map(Option::unwrap_or_default).join("\u{0}");
    format!("{:016x}", fnv_1a(identity.as_bytes()))
}

/// FNV-1a, 64 bits: no secret is behind it, it only has to be the same everywhere and for ever.
fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::super::{BaselineResult, testing};
    use super::*;

    fn log_of(options: &Options) -> Json {
        let (verdict, sources) = testing::verdict();
        log(&verdict, &sources, options, Some(Path::new("/srv/shop")))
    }

    #[test]
    fn the_results() {
        let mut log = log_of(&Options::default());
        for result in log["runs"][0]["results"].as_array_mut().unwrap() {
            // It moves when a rule is added; a test of its own looks at it.
            result.as_object_mut().unwrap().shift_remove("ruleIndex");
        }
        let results = format!("{:#}", log["runs"][0]["results"]);
        insta::assert_snapshot!(results);
    }

    #[test]
    fn logs_are_valid_by_the_schema_of_the_standard() {
        let schema = include_str!("../../../tests/fixtures/sarif/sarif-schema-2.1.0.json");
        let schema: Json = serde_json::from_str(schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let all = Options {
            include_info: true,
            baseline: Some(BaselineResult {
                added: vec![0, 1],
                removed: Vec::new(),
            }),
            ..Options::default()
        };
        for options in [Options::default(), all] {
            let log = log_of(&options);
            let errors: Vec<_> = validator
                .iter_errors(&log)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert_eq!(errors, Vec::<String>::new());
        }
        // The validator does look: a log without its tool is refused.
        let mut broken = log_of(&Options::default());
        broken["runs"][0]["tool"] = json!({});
        assert!(!validator.is_valid(&broken));
    }

    #[test]
    fn every_result_names_its_rule() {
        let log = log_of(&Options::default());
        let run = &log["runs"][0];
        let results = run["results"].as_array().unwrap();
        let mut indexed = 0;
        for result in results.iter().filter(|one| one["ruleIndex"].is_u64()) {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            let rule = &run["tool"]["driver"]["rules"][index];
            assert_eq!(rule["id"], result["ruleId"]);
            indexed += 1;
        }
        assert!(indexed > 0);
    }

    #[test]
    fn paths_become_uris() {
        assert_eq!(
            encode("src/my app/é%#?.py"),
            "src/my%20app/%C3%A9%25%23%3F.py"
        );
        let absolute = artifact(Path::new("/etc/pounce.toml"), Some(Path::new("/srv/shop")));
        assert_eq!(absolute, json!({"uri": "file:///etc/pounce.toml"}));
    }

    #[test]
    fn a_fingerprint_does_not_move_with_the_line() {
        let (mut verdict, sources) = testing::verdict();
        let texts = Texts::of(&verdict, &sources);
        let before: Vec<_> = verdict
            .findings
            .iter()
            .map(|finding| fingerprint(finding, &texts, None))
            .collect();
        let mut distinct = before.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), before.len());
        for finding in &mut verdict.findings {
            for label in &mut finding.labels {
                if let crate::check::finding::Spot::Place(place) = &mut label.spot {
                    place.span = 0..1;
                }
            }
        }
        let after: Vec<_> = verdict
            .findings
            .iter()
            .map(|finding| fingerprint(finding, &texts, None))
            .collect();
        assert_eq!(before, after);
    }
}
