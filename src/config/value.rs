//! Values between text and type: what a layer wrote ([`Raw`]), what a field holds ([`Value`]),
//! and why the one is not the other ([`Mistake`]).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value as Json;

/// A value as TOML, JSON or Python wrote it.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw {
    /// Absent on purpose (`None`).
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer, and whether it was written in decimal.
    Integer {
        /// The number.
        value: i64,
        /// `false` for `0o660` and the like.
        decimal: bool,
    },
    /// A float.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Raw>),
    /// A table.
    Table(BTreeMap<String, Raw>),
    /// Something that no field takes: a date, a live object, a number beyond 64 bits.
    Other(&'static str),
}

impl Raw {
    /// What it is, for messages: `the text "abc"`, `a list`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "nothing (None)".into(),
            Self::Bool(value) => format!("the boolean {value}"),
            Self::Integer { value, .. } => format!("the number {value}"),
            Self::Float(value) => format!("the number {value:?}"),
            Self::Text(text) if text.is_empty() => "an empty text".into(),
            Self::Text(text) => format!("the text {:?}", shorten(text)),
            Self::List(_) => "a list".into(),
            Self::Table(_) => "a table".into(),
            Self::Other(what) => (*what).into(),
        }
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 40 {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(39).collect();
    short.push('…');
    short
}

impl From<&Json> for Raw {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(value), _) => Self::Integer {
                    value,
                    decimal: true,
                },
                (None, Some(_)) if number.is_u64() => Self::Other("a number beyond 64 bits"),
                (None, Some(value)) => Self::Float(value),
                (None, None) => Self::Other("a number beyond 64 bits"),
            },
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Json::Object(map) => Self::Table(
                map.iter()
                    .map(|(key, value)| (key.clone(), Self::from(value)))
                    .collect(),
            ),
        }
    }
}

/// A value of the right kind for its field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A nullable field that is not set.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A number.
    Number(f64),
    /// Text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
    /// Texts by name.
    Table(BTreeMap<String, String>),
    /// Booleans by name.
    Flags(BTreeMap<String, bool>),
}

impl Value {
    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::from(*value),
            Self::Integer(value) => Json::from(*value),
            Self::Number(value) => Json::from(*value),
            Self::Text(value) => Json::from(value.as_str()),
            Self::List(items) => Json::from(items.clone()),
            Self::Table(map) => serde_json::json!(map),
            Self::Flags(map) => serde_json::json!(map),
        }
    }

    /// As a TOML value, or `None` for null, which TOML does not have.
    #[must_use]
    pub fn to_toml(&self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Number(value) => format!("{value:?}"),
            Self::Text(text) => toml_text(text),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(|item| toml_text(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Table(map) => inline_table(map.iter().map(|(key, text)| (key, toml_text(text)))),
            Self::Flags(map) => {
                inline_table(map.iter().map(|(key, value)| (key, value.to_string())))
            }
        })
    }
}

fn inline_table<'a>(entries: impl Iterator<Item = (&'a String, String)>) -> String {
    let entries: Vec<_> = entries
        .map(|(key, value)| format!("{} = {value}", toml_text(key)))
        .collect();
    if entries.is_empty() {
        "{}".into()
    } else {
        format!("{{ {} }}", entries.join(", "))
    }
}

/// A TOML basic string.
#[must_use]
pub fn toml_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Why a value does not fit its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What the field takes: `an integer from 0 to 65535`.
    pub expected: String,
    /// What is wrong with this value: `70000 is too large`.
    pub found: String,
    /// What to do.
    pub help: Option<String>,
    /// Which item of a list, or which key of a table, it is.
    pub part: Option<Part>,
    /// What is wrong with further parts of the same value.
    pub further: Vec<Mistake>,
}

/// A part of a compound value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Item of a list, from 0.
    Item(usize),
    /// Value of a table's key.
    Key(String),
}

impl Mistake {
    /// A mistake without advice.
    #[must_use]
    pub fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            found: found.into(),
            help: None,
            part: None,
            further: Vec::new(),
        }
    }

    /// Puts the mistakes of several parts together; `None` where there are none.
    #[must_use]
    pub fn of_parts(parts: Vec<Self>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let first = parts.next()?;
        Some(Self {
            further: parts.collect(),
            ..first
        })
    }

    /// This mistake and those of further parts, one by one.
    pub fn each(mut self) -> impl Iterator<Item = Self> {
        let further = std::mem::take(&mut self.further);
        std::iter::once(self).chain(further)
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Names the part.
    #[must_use]
    pub fn part(mut self, part: Part) -> Self {
        self.part = Some(part);
        self
    }
}
