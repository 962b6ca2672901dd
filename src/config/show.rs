//! `config show`: the resolved values, redacted as each field says.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::field::{Display, Field, Model, Secrecy};
use super::resolve::{Resolved, Setting};
use super::secrets;
use super::source::Sources;
use super::template::toml_value;
use super::value::Value;

/// What to show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Where each value came from.
    pub origin: bool,
    /// What is hidden, but not secret.
    pub reveal: bool,
}

/// One line of the output.
struct Row<'a> {
    key: String,
    value: Value,
    field: &'static Field,
    setting: &'a Setting,
}

fn rows<'a, M: Model>(resolved: &'a Resolved<M>, options: Options) -> Vec<Row<'a>> {
    resolved
        .settings()
        .filter_map(|(field, setting)| {
            let secret = field.secrecy == Secrecy::Secret;
            let row = |key: String, value: Value| Row {
                key,
                value,
                field,
                setting,
            };
            if options.reveal && !secret {
                return Some(row(
                    field.name.into(),
                    without_user_information(&setting.value),
                ));
            }
            match field.display {
                Display::Value => Some(row(
                    field.name.into(),
                    without_user_information(&setting.value),
                )),
                Display::Presence => {
                    let set = is_there(field, setting);
                    Some(row(format!("{}_set", field.name), Value::Bool(set)))
                }
                Display::Nothing => None,
            }
        })
        .collect()
}

/// Whether a field holds something: a secret that is not empty, a list that is not empty, or any
/// value of a field that always has one.
fn is_there(field: &Field, setting: &Setting) -> bool {
    match &setting.value {
        Value::Null => false,
        Value::Text(text) => {
            !text.is_empty() && (setting.is_set() || field.secrecy == Secrecy::Public)
        }
        Value::List(items) => !items.is_empty(),
        Value::Table(map) => !map.is_empty(),
        Value::Flags(map) => !map.is_empty(),
        Value::Bool(_) | Value::Integer(_) | Value::Number(_) => true,
    }
}

/// Whatever a field is for: user name and password of a URL are never shown.
fn without_user_information(value: &Value) -> Value {
    let hidden = |text: &String| secrets::without_user_information(text.clone());
    match value {
        Value::Text(text) => Value::Text(hidden(text)),
        Value::List(items) => Value::List(items.iter().map(hidden).collect()),
        Value::Table(entries) => Value::Table(
            entries
                .iter()
                .map(|(key, text)| (hidden(key), hidden(text)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// As JSON: an object of values, or of `{value, origin}` where origins are wanted.
#[must_use]
pub fn json<M: Model>(resolved: &Resolved<M>, options: Options, sources: &Sources) -> Json {
    let mut out = Map::new();
    for row in rows(resolved, options) {
        let value = row.value.to_json();
        out.insert(
            row.key,
            if options.origin {
                json!({ "value": value, "origin": origin(row.setting, sources) })
            } else {
                value
            },
        );
    }
    Json::Object(out)
}

fn origin(setting: &Setting, sources: &Sources) -> Json {
    let mut origin = json!({ "layer": setting.origin.layer.name(), "name": setting.origin.name });
    if let Some(place) = &setting.origin.place {
        let source = sources.get(place.source);
        if source.path.is_some() {
            let (line, column) = source.line_column(place.span.start);
            origin["file"] = json!(source.name);
            origin["line"] = json!(line);
            origin["column"] = json!(column);
        }
    }
    origin
}

/// As TOML; a value that is not set is a comment.
#[must_use]
pub fn toml<M: Model>(resolved: &Resolved<M>, options: Options) -> String {
    let rows: Vec<_> = rows(resolved, options)
        .into_iter()
        .map(|row| {
            let text = toml_value(row.field, &row.value);
            let unset = text.is_none();
            let key = if unset {
                format!("# {}", row.key)
            } else {
                row.key
            };
            (key, text.unwrap_or_else(|| "(unset)".into()), row.setting)
        })
        .collect();
    let key_width = rows.iter().map(|(key, ..)| key.len()).max().unwrap_or(0);
    // A few long values must not push every origin off the screen.
    let value_width = rows
        .iter()
        .map(|(_, value, _)| value.chars().count())
        .filter(|width| *width <= 24)
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for (key, value, setting) in rows {
        if options.origin {
            let _ = writeln!(
                out,
                "{key:key_width$} = {value:value_width$}  # {}",
                setting.origin.name
            );
        } else {
            let _ = writeln!(out, "{key} = {value}");
        }
    }
    out
}
