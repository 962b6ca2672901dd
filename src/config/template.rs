//! A commented TOML file for beginners: every key with its meaning, unit, range and default.

use std::fmt::Write as _;

use super::field::{CHIRP, Field, Model};
use super::kind::Kind;
use super::value::Value;

const WIDTH: usize = 96;

/// The template of a model's file.
///
/// A comment line of the form `# name = value` is a setting; uncommenting one that has a default
/// changes nothing.
#[must_use]
pub fn template<M: Model>() -> String {
    let product = M::PRODUCT;
    let mut out = format!("#:schema ./{}.schema.json\n", product.name);
    let make = format!(
        "{0} config schema --output-format json > {0}.schema.json",
        product.name
    );
    comment(
        &mut out,
        &format!(
            "{} of {}. Every setting stands here with its default, or with an example where it has \
             none: remove the # in front of it to set it. Variables ({}…), flags and `{} config show \
             --origin` know the same names.",
            product.class, product.name, product.env_prefix, product.name
        ),
    );
    comment(&mut out, &format!("The schema for editors: {make}"));
    if *product != CHIRP {
        heading(&mut out, "App");
        comment(
            &mut out,
            "The app to serve: module:attribute, or module:factory().",
        );
        comment(&mut out, "Unset by default.");
        out.push_str("# app = \"myapp:app\"\n\n");
        comment(
            &mut out,
            "Folder that the app is imported from; unset means the working directory.",
        );
        out.push_str("# app_dir = \".\"\n");
    }
    let mut topic = "";
    let mut fields = M::fields().iter().filter(|field| !field.derived).peekable();
    while let Some(field) = fields.next() {
        if field.topic.0 == topic {
            out.push('\n');
        } else {
            topic = field.topic.0;
            heading(&mut out, topic);
        }
        let mut block = vec![field];
        while let Some(next) =
            fields.next_if(|next| next.block.is_some() && next.block == field.block)
        {
            block.push(next);
        }
        if block.len() > 1 {
            comment(&mut out, "These go together: set all of them, or none.");
        }
        for field in &block {
            describe(&mut out, field);
        }
        for field in &block {
            let _ = writeln!(out, "# {} = {}", field.name, shown_value(field));
        }
    }
    heading(&mut out, "Preflight");
    comment(
        &mut out,
        &format!(
            "Rules that stay silent; {} rule NAME explains a rule.",
            product.name
        ),
    );
    out.push_str("# check = { ignore = [], warnings_as_errors = false, include_info = false }\n");
    out
}

fn heading(out: &mut String, topic: &str) {
    let _ = write!(out, "\n# --- {topic} ");
    for _ in topic.len()..WIDTH - 7 {
        out.push('-');
    }
    out.push_str("\n\n");
}

fn comment(out: &mut String, text: &str) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            out.push_str(&line);
            out.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
}

fn describe(out: &mut String, field: &Field) {
    for paragraph in field.doc.split("\n\n") {
        comment(out, paragraph);
    }
    let mut facts = vec![capitalised(&field.kind.expects())];
    if let Some(unit) = field.unit {
        facts.push(format!("in {unit}"));
    }
    let default = field.default.value();
    facts.push(match (&default, default.to_toml()) {
        (Value::Null, _) => "unset by default (leave it out to unset it)".into(),
        (_, Some(_)) if field.kind == Kind::FileMode => format!("default {}", shown_value(field)),
        (_, Some(default)) => format!("default {default}"),
        (_, None) => "unset by default".into(),
    });
    if field.nullable && default != Value::Null {
        facts.push("\"\" means none".into());
    }
    comment(out, &format!("{}.", facts.join(", ")));
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

fn shown_value(field: &Field) -> String {
    if let Some(example) = field.example {
        return example.to_owned();
    }
    toml_value(field, &field.default.value()).unwrap_or_default()
}

/// A value as TOML writes it for this field; file modes are octal.
pub(super) fn toml_value(field: &Field, value: &Value) -> Option<String> {
    match (field.kind, value) {
        (Kind::FileMode, Value::Integer(mode)) => Some(format!("0o{mode:o}")),
        _ => value.to_toml(),
    }
}
