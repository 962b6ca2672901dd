//! The model against its reference, field by field: what the reference says, the model does. The
//! model may have more.
//!
//! tests/fixtures/reference/ holds the two files of the contract as they were agreed.

#![cfg(test)]

mod constraints;

use std::collections::BTreeSet;

use pounce_core::config::app::PYTHON_ONLY;
use pounce_core::config::field::{Display, FlagForm, Secrecy, Stability};
use pounce_core::config::kind::Kind;
use pounce_core::config::secrets::is_secret_name;
use pounce_core::config::value::Value;
use pounce_core::config::{AppConfig, Field, Model, ServerConfig, environment, schema};
use serde_json::{Value as Json, json};

const SERVER: &str = include_str!("../fixtures/reference/server-config.json");
const APP: &str = include_str!("../fixtures/reference/app-config.json");

fn reference(text: &str) -> Vec<Json> {
    let document: Json = serde_json::from_str(text).unwrap();
    document["fields"].as_array().unwrap().clone()
}

fn name(entry: &Json) -> &str {
    entry["name"].as_str().unwrap()
}

/// Each entry of a reference with its field; those that exist in Python only have none.
fn pairs<M: Model>(text: &str) -> Vec<(Json, &'static Field)> {
    let entries = reference(text).into_iter();
    let entries = entries.filter(|entry| entry["python_only"] != json!(true));
    entries
        .map(|entry| {
            let field = M::field(name(&entry));
            let field = field.unwrap_or_else(|| panic!("the model has no field {}", name(&entry)));
            (entry, field)
        })
        .collect()
}

fn both() -> Vec<(Json, &'static Field)> {
    let mut all = pairs::<ServerConfig>(SERVER);
    all.extend(pairs::<AppConfig>(APP));
    all
}

#[test]
fn every_field_of_the_reference_is_there() {
    assert_eq!(reference(SERVER).len(), 79);
    assert_eq!(reference(APP).len(), 97);
    assert_eq!(pairs::<ServerConfig>(SERVER).len(), 79);
    assert_eq!(pairs::<AppConfig>(APP).len(), 95);
    let python_only: Vec<_> = reference(APP)
        .iter()
        .filter(|entry| entry["python_only"] == json!(true))
        .map(|entry| name(entry).to_owned())
        .collect();
    assert_eq!(python_only, PYTHON_ONLY);
}

#[test]
fn types_are_those_of_the_reference() {
    for (entry, field) in both() {
        let (expected, nullable) = match &entry["type"] {
            Json::Array(kinds) => (kinds[0].as_str().unwrap(), true),
            Json::String(kind) => json_type(kind),
            other => panic!("{}: {other}", field.name),
        };
        let found = match field.kind {
            Kind::Bool => "boolean",
            Kind::Integer { .. } | Kind::FileMode => "integer",
            Kind::Positive | Kind::NonNegative | Kind::Share => "number",
            Kind::Text | Kind::NonEmpty | Kind::UrlPath | Kind::Choice(_) => "string",
            Kind::Tier(_) => "boolean or string",
            Kind::List => "array",
            Kind::Table | Kind::Flags => "object",
        };
        assert_eq!(found, expected, "{}", field.name);
        assert_eq!(field.nullable, nullable, "{}", field.name);
        if let Some(items) = entry.get("items").or_else(|| entry.get("values")) {
            assert_eq!(items, "string", "{}", field.name);
        }
    }
}

/// A type of Python's annotations as one of JSON Schema, and whether it may be None.
fn json_type(kind: &str) -> (&str, bool) {
    let (kind, nullable) = match kind.strip_suffix(" | None") {
        Some(kind) => (kind, true),
        None => (kind, false),
    };
    let kind = match kind {
        "bool" => "boolean",
        "int" => "integer",
        "float" => "number",
        "str" | "str | Path" => "string",
        "bool | str" => "boolean or string",
        "tuple[str, ...]" | "tuple[str | Path, ...]" => "array",
        "tuple[tuple[str, bool], ...]" => "object",
        known @ ("boolean" | "integer" | "number" | "string" | "array" | "object") => known,
        other => panic!("an unknown type in the reference: {other}"),
    };
    (kind, nullable)
}

#[test]
fn defaults_are_those_of_the_reference() {
    for (entry, field) in both() {
        // Python writes an empty table of flags as an empty tuple of pairs.
        let expected = match (&field.kind, &entry["default"]) {
            (Kind::Flags, Json::Array(pairs)) if pairs.is_empty() => json!({}),
            (_, default) => default.clone(),
        };
        assert_eq!(field.default.value().to_json(), expected, "{}", field.name);
    }
}

#[test]
fn every_default_fits_its_field() {
    for field in ServerConfig::fields().iter().chain(AppConfig::fields()) {
        let value = field.default.value();
        assert!((field.check)(&value).is_ok(), "{}: {value:?}", field.name);
    }
    assert_eq!(ServerConfig::default().port, 8000);
    assert_eq!(AppConfig::default().workers, 0);
}

#[test]
fn enums_are_those_of_the_reference() {
    let mut seen = 0;
    for (entry, field) in both() {
        let Some(expected) = entry.get("enum").and_then(Json::as_array) else {
            continue;
        };
        let Kind::Choice(choices) = field.kind else {
            panic!("{} is no choice", field.name);
        };
        let expected: BTreeSet<_> = expected.iter().filter_map(Json::as_str).collect();
        assert_eq!(
            choices.iter().copied().collect::<BTreeSet<_>>(),
            expected,
            "{}",
            field.name
        );
        seen += 1;
    }
    assert_eq!(seen, 5);
}

#[test]
fn flags_are_those_of_the_reference() {
    for (entry, field) in both() {
        let Some(expected) = entry.get("flag").and_then(Json::as_str) else {
            continue;
        };
        let flag = field
            .flag
            .unwrap_or_else(|| panic!("{} has no flag {expected}", field.name));
        let written = expected.split(' ').next().unwrap().trim_start_matches("--");
        assert_eq!(flag.name, written, "{}", field.name);
        if let Some((_, negative)) = expected.split_once(" / ") {
            assert_eq!(negative, format!("--no-{}", flag.name), "{}", field.name);
        }
        // Each boolean has its --no- form, whether or not the reference spells it.
        assert_eq!(
            flag.form == FlagForm::Switch,
            field.kind == Kind::Bool,
            "{}",
            field.name
        );
        if expected.ends_with("(repeatable)") {
            assert_eq!(flag.form, FlagForm::Repeated, "{}", field.name);
        }
        if expected.ends_with("(comma-separated)") {
            assert_eq!(flag.form, FlagForm::Value, "{}", field.name);
            let value = field.kind.parse("10.0.0.1,unix:").unwrap();
            assert_eq!(value, Value::List(vec!["10.0.0.1".into(), "unix:".into()]));
        }
    }
}

#[test]
fn units_are_those_of_the_reference() {
    for (entry, field) in both() {
        if let Some(unit) = entry.get("unit") {
            assert_eq!(
                field.unit.map(Json::from).as_ref(),
                Some(unit),
                "{}",
                field.name
            );
        }
        let constraint = entry
            .get("constraint")
            .and_then(Json::as_str)
            .unwrap_or_default();
        for unit in ["seconds", "bytes"] {
            if constraint.split([' ', ',']).any(|word| word == unit) {
                assert_eq!(field.unit, Some(unit), "{}", field.name);
            }
        }
    }
}

#[test]
fn secrets_are_those_of_the_reference() {
    for (entry, field) in both() {
        match &entry["secret"] {
            Json::Bool(true) => assert_eq!(field.secrecy, Secrecy::Secret, "{}", field.name),
            // The model hides the user information of more URLs than the reference asks for.
            Json::Bool(false) => assert_ne!(field.secrecy, Secrecy::Secret, "{}", field.name),
            _ => assert_eq!(field.secrecy, Secrecy::UserInformation, "{}", field.name),
        }
        // Files and environments are masked by name: fields must agree with the names.
        assert_eq!(
            is_secret_name(field.name),
            field.secrecy == Secrecy::Secret,
            "{}",
            field.name
        );
    }
}

#[test]
fn what_is_shown_is_as_the_reference_says() {
    for (entry, field) in both() {
        let expected = match entry["shown_as"].as_str().unwrap() {
            "value" => Display::Value,
            "set or not (never the value)" => Display::Presence,
            "not shown" => Display::Nothing,
            other => panic!("{}: {other}", field.name),
        };
        assert_eq!(field.display, expected, "{}", field.name);
    }
}

#[test]
fn stability_is_that_of_the_reference() {
    for (entry, field) in pairs::<ServerConfig>(SERVER) {
        let expected = match entry.get("stability").and_then(Json::as_str) {
            Some("beta") => Stability::Beta,
            None => Stability::Stable,
            Some(other) => panic!("{}: {other}", field.name),
        };
        assert_eq!(field.stability, expected, "{}", field.name);
    }
}

#[test]
fn derived_fields_are_those_that_a_file_cannot_set() {
    for (entry, field) in pairs::<ServerConfig>(SERVER) {
        assert_eq!(
            field.derived,
            entry["settable_in_file"] == json!(false),
            "{}",
            field.name
        );
    }
    assert!(AppConfig::fields().iter().all(|field| !field.derived));
}

#[test]
fn documented_variables_are_read() {
    for (entry, field) in pairs::<AppConfig>(APP) {
        if let Some(variable) = entry.get("documented_env").and_then(Json::as_str) {
            assert_eq!(field.variable("CHIRP_"), variable, "{}", field.name);
        }
        // Every field with a text form is read from its variable; flags come by CHIRP_FEATURE_*.
        let readable = field.kind != Kind::Flags;
        let pairs = [(field.variable("CHIRP_").into(), "\u{0}".into())];
        let mut sources = pounce_core::config::Sources::default();
        let mut problems = Vec::new();
        let layer = environment::read(
            AppConfig::PRODUCT,
            AppConfig::fields(),
            "CHIRP_",
            &environment::Variables::from_pairs(pairs),
            &mut sources,
            &mut problems,
        );
        assert_eq!(layer.entries.len(), usize::from(readable), "{}", field.name);
    }
}

#[test]
fn keys_beside_the_fields_are_known() {
    let document: Json = serde_json::from_str(SERVER).unwrap();
    let schema = Json::from(schema::schema::<ServerConfig>(schema::Document::OwnFile));
    for key in document["keys_beside_the_fields"]
        .as_object()
        .unwrap()
        .keys()
    {
        assert!(schema["properties"].get(key).is_some(), "{key}");
    }
}

#[test]
fn the_schema_says_what_the_reference_says() {
    let schemas = [
        (
            reference(SERVER),
            Json::from(schema::schema::<ServerConfig>(schema::Document::OwnFile)),
        ),
        (
            reference(APP),
            Json::from(schema::schema::<AppConfig>(schema::Document::OwnFile)),
        ),
    ];
    for (entries, schema) in &schemas {
        for entry in entries
            .iter()
            .filter(|entry| entry["python_only"] != json!(true))
        {
            let property = &schema["properties"][name(entry)];
            assert!(property["description"].is_string(), "{}", name(entry));
            if !(entry["default"] == json!([]) && property["type"] == "object") {
                assert_eq!(property["default"], entry["default"], "{}", name(entry));
            }
            if entry["type"].is_array() {
                assert_eq!(property["type"], entry["type"], "{}", name(entry));
            }
            let stability = entry.get("stability").cloned().unwrap_or(json!("stable"));
            assert_eq!(property["x-stability"], stability, "{}", name(entry));
        }
    }
}
