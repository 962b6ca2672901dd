//! JSON Schema (draft 2020-12) of the configuration files, for editors and other tools.

use schemars::{Schema, json_schema};
use serde_json::{Map, Value as Json, json};

use super::field::{CHIRP, Field, FlagForm, Model, Secrecy};
use super::kind::Kind;

/// Which file a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// pounce.toml or chirp.toml.
    OwnFile,
    /// pyproject.toml, of which only our table is described.
    Pyproject,
}

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of a model's file.
#[must_use]
pub fn schema<M: Model>(document: Document) -> Schema {
    let product = M::PRODUCT;
    let mut head = Map::new();
    head.insert("$schema".into(), DIALECT.into());
    let body = object::<M>();
    match document {
        Document::OwnFile => {
            head.insert("$id".into(), product.schema_id.into());
            head.insert("title".into(), product.file.into());
            head.extend(body);
        }
        Document::Pyproject => {
            let table = product.name;
            head.insert(
                "$id".into(),
                format!("urn:pounce-rs:schema:pyproject.toml:tool.{table}").into(),
            );
            head.insert(
                "title".into(),
                format!("pyproject.toml, [tool.{table}]").into(),
            );
            head.insert("type".into(), "object".into());
            head.insert(
                "properties".into(),
                json!({
                    "tool": { "type": "object", "properties": { table: { "$ref": format!("#/$defs/{table}") } } }
                }),
            );
            head.insert("$defs".into(), json!({ table: body }));
        }
    }
    head.into()
}

fn object<M: Model>() -> Map<String, Json> {
    let product = M::PRODUCT;
    let mut properties = Map::new();
    for field in M::fields() {
        properties.insert(field.name.into(), property::<M>(field).into());
        if let Some(alias) = field.alias {
            let old = json_schema!({
                "description": format!("Old name of {}.", field.name),
                "deprecated": true,
                "type": ["string", "array"],
                "items": { "type": "string" },
            });
            properties.insert(alias.into(), old.into());
        }
    }
    if *product != CHIRP {
        properties.insert(
            "app".into(),
            json!({
                "description": "The app to serve: module:attribute, or module:factory().",
                "type": "string", "minLength": 1, "examples": ["myapp:app"],
            }),
        );
        properties.insert(
            "app_dir".into(),
            json!({
                "description": "Folder that the app is imported from.",
                "type": "string", "minLength": 1, "examples": ["src"],
            }),
        );
    }
    properties.insert("check".into(), check_table());
    let mut object = Map::new();
    object.insert(
        "description".into(),
        format!("{} of {}.", product.class, product.name).into(),
    );
    object.insert("type".into(), "object".into());
    object.insert("properties".into(), properties.into());
    object.insert("additionalProperties".into(), false.into());
    object.insert("allOf".into(), conditions::<M>().into());
    object
}

fn check_table() -> Json {
    json!({
        "description": "Settings of the preflight.",
        "type": "object",
        "properties": {
            "ignore": {
                "description": "Rules that stay silent.",
                "type": "array", "items": { "type": "string" }, "default": [],
            },
            "warnings_as_errors": {
                "description": "Fail on warnings too.", "type": "boolean", "default": false,
            },
            "include_info": {
                "description": "Report notes too.", "type": "boolean", "default": false,
            },
        },
        "additionalProperties": false,
    })
}

/// Cross-field conditions that JSON Schema can say, as if/then: editors that stopped at draft-07
/// pass over `dependentRequired`.
fn conditions<M: Model>() -> Vec<Json> {
    let mut all = vec![
        json!({ "if": { "required": ["ssl_certfile"] }, "then": { "required": ["ssl_keyfile"] } }),
        json!({ "if": { "required": ["ssl_keyfile"] }, "then": { "required": ["ssl_certfile"] } }),
    ];
    for field in M::fields().iter().filter(|field| field.derived) {
        all.push(json!({
            "$comment": format!("{} is derived, not settable", field.name),
            "not": { "required": [field.name] },
        }));
    }
    if M::index("http3_enabled").is_some() {
        all.push(json!({
            "$comment": "HTTP/3 needs a certificate and a key, and runs over UDP",
            "if": { "properties": { "http3_enabled": { "const": true } }, "required": ["http3_enabled"] },
            "then": {
                "required": ["ssl_certfile", "ssl_keyfile"],
                "not": { "required": ["uds"] },
            },
        }));
    }
    if M::index("uds").is_some() {
        all.push(json!({
            "$comment": "uds stands instead of host and port",
            "not": {
                "required": ["uds"],
                "anyOf": [{ "required": ["host"] }, { "required": ["port"] }],
            },
        }));
    }
    all
}

/// The schema of one field.
#[must_use]
pub fn property<M: Model>(field: &Field) -> Schema {
    let mut map = Map::new();
    map.insert("description".into(), description(field).into());
    let kind = type_name(&field.kind);
    let kind = if field.nullable {
        json!([kind, "null"])
    } else {
        kind.into()
    };
    map.insert("type".into(), kind);
    for (key, value) in constraints(&field.kind) {
        map.insert(key.into(), value);
    }
    if let Kind::Tier(tiers) = field.kind {
        map.insert("type".into(), json!(["boolean", "string"]));
        let mut choices = vec![json!(false), json!(true)];
        choices.extend(tiers.iter().map(|tier| json!(tier)));
        map.insert("enum".into(), choices.into());
    }
    map.insert("default".into(), field.default.value().to_json());
    if let Some(example) = field.example.and_then(toml_example) {
        map.insert("examples".into(), json!([example]));
    }
    if field.derived {
        map.insert("readOnly".into(), true.into());
    }
    map.insert("x-stability".into(), field.stability.name().into());
    map.insert("x-topic".into(), field.topic.0.into());
    if let Some(unit) = field.unit {
        map.insert("x-unit".into(), unit.into());
    }
    if !field.derived && field.kind != Kind::Flags {
        map.insert(
            "x-variable".into(),
            field.variable(M::PRODUCT.env_prefix).into(),
        );
    }
    if let Some(flag) = field.flag {
        let shown = match flag.form {
            FlagForm::Switch => format!("--{0} / --no-{0}", flag.name),
            FlagForm::Value => format!("--{}", flag.name),
            FlagForm::Repeated => format!("--{} (repeatable)", flag.name),
        };
        map.insert("x-flag".into(), shown.into());
    }
    if field.secrecy != Secrecy::Public {
        map.insert("x-secret".into(), true.into());
    }
    map.into()
}

fn description(field: &Field) -> String {
    let text: Vec<_> = field
        .doc
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let mut text = text.join("\n\n");
    if let Some(unit) = field.unit {
        text.push_str(&format!("\n\nUnit: {unit}."));
    }
    text
}

fn type_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bool => "boolean",
        Kind::Integer { .. } | Kind::FileMode => "integer",
        Kind::Positive | Kind::Share => "number",
        Kind::Text | Kind::NonEmpty | Kind::UrlPath | Kind::Choice(_) | Kind::Tier(_) => "string",
        Kind::List => "array",
        Kind::Table | Kind::Flags => "object",
    }
}

fn constraints(kind: &Kind) -> Vec<(&'static str, Json)> {
    match kind {
        Kind::Integer { min, max } if *max == i64::MAX => vec![("minimum", json!(min))],
        Kind::Integer { min, max } => vec![("minimum", json!(min)), ("maximum", json!(max))],
        Kind::FileMode => vec![("minimum", json!(0)), ("maximum", json!(0o777))],
        Kind::Positive => vec![("exclusiveMinimum", json!(0))],
        Kind::Share => vec![("minimum", json!(0)), ("maximum", json!(1))],
        Kind::NonEmpty => vec![("minLength", json!(1)), ("pattern", json!("\\S"))],
        Kind::UrlPath => vec![("pattern", json!("^/[^?# ]*$"))],
        Kind::Choice(choices) => vec![("enum", json!(choices))],
        Kind::List => vec![("items", json!({ "type": "string" }))],
        Kind::Table => vec![
            (
                "additionalProperties",
                json!({ "type": "string", "minLength": 1 }),
            ),
            ("propertyNames", json!({ "pattern": "^/" })),
        ],
        Kind::Flags => vec![("additionalProperties", json!({ "type": "boolean" }))],
        Kind::Bool | Kind::Text | Kind::Tier(_) => Vec::new(),
    }
}

/// The example of a field, written in TOML, as JSON.
fn toml_example(example: &str) -> Option<Json> {
    let document: toml::Table = format!("example = {example}").parse().ok()?;
    serde_json::to_value(document.get("example")?).ok()
}

/// The schema as text.
#[must_use]
pub fn text<M: Model>(document: Document) -> String {
    format!("{:#}\n", Json::from(schema::<M>(document)))
}
