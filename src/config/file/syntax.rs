//! Where a syntax error stands, and what was probably meant.

use std::ops::Range;

/// The lines that a span touches.
pub(super) fn lines_of(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text[..span.start.min(text.len())]
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let end = text[span.end.min(text.len())..]
        .find('\n')
        .map_or(text.len(), |at| span.end + at);
    start..end.max(start + 1)
}

/// A span that can be seen: an empty one, or the end of a line, becomes the character before it.
pub(super) fn visible(text: &str, span: Range<usize>) -> Range<usize> {
    let start = span.start.min(text.len());
    if span.end > start && !text[start..span.end.min(text.len())].trim().is_empty() {
        return start..span.end.min(text.len());
    }
    let before = text[..start].trim_end();
    let from = before.char_indices().next_back().map_or(0, |(at, _)| at);
    from..before.len()
}

/// What to do about a syntax error.
pub(super) fn help(text: &str, error: &toml::de::Error) -> String {
    let span = error.span().unwrap_or(0..0);
    let lines = lines_of(text, &span);
    let line = text[lines.start..lines.end.min(text.len())].trim();
    let value = line.split_once('=').map(|(_, value)| value.trim());
    if error.message().contains("duplicate") {
        return "keep one of the two".into();
    }
    if error.message().contains("leading zero") {
        return "numbers have no leading zeros; a file mode is written 0o660".into();
    }
    if text.trim_start().starts_with('{') {
        return "this is JSON: in TOML each setting is a line of its own, key = value".into();
    }
    if let Some(key) = yaml_key(line) {
        return format!("this is YAML: in TOML the line starts with {key} =");
    }
    match value {
        Some("True" | "False" | "TRUE" | "FALSE" | "yes" | "no" | "on" | "off") => {
            "TOML writes booleans as true and false".into()
        }
        Some("None" | "null" | "none" | "nil") => {
            "TOML has no null: leave the key out to unset it".into()
        }
        Some(value)
            if !value.contains('"')
                && (value.starts_with(|first: char| {
                    first.is_alphabetic() || "/*:.".contains(first)
                }) || value.matches('.').count() > 1
                    || (value.starts_with(|first: char| first.is_ascii_digit())
                        && value.ends_with(|last: char| last.is_alphabetic()))) =>
        {
            "texts stand in double quotes".into()
        }
        _ => "see https://toml.io for the syntax".into(),
    }
}

/// The key of `key: value`.
fn yaml_key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(':')?;
    let name_like = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    (!key.is_empty() && key.chars().all(name_like)).then_some(key)
}
