//! What was probably meant by a text that a field does not take: a unit, quotes too many, a word for 0.

use super::field::Field;
use super::kind::Kind;
use super::value::{Mistake, Value, toml_text};

/// Words that other servers take where a field here has 0.
const ZERO_WORDS: [&str; 7] = ["auto", "max", "cpu", "none", "off", "unlimited", "infinite"];

/// Advice for a text in a file or a keyword.
pub(super) fn for_written(field: &Field, text: &str, mistake: Mistake) -> Mistake {
    if mistake.help.is_some() {
        return mistake;
    }
    match number(field, text).or_else(|| zero(field, text)) {
        Some(help) => mistake.help(help),
        None => mistake,
    }
}

/// Advice for the text of a variable or a flag.
pub(super) fn for_text(field: &Field, text: &str, mistake: Mistake) -> Mistake {
    // Advice about a value with quotes is about the quotes, whatever else is said of it.
    let found = unquoted(field, text)
        .or_else(|| listed(field, text))
        .or_else(|| number(field, text))
        .or_else(|| zero(field, text));
    match found {
        Some(help) => mistake.help(help),
        None => mistake,
    }
}

/// `30s` for seconds, `1MB` for bytes: the number that was meant.
fn number(field: &Field, text: &str) -> Option<String> {
    let unit = field.unit?;
    let text = text.trim().to_ascii_lowercase();
    let at = text.find(|character: char| character.is_ascii_alphabetic())?;
    let amount: f64 = text[..at].trim().replace('_', "").parse().ok()?;
    let factor = match unit {
        "seconds" => seconds(&text[at..])?,
        "bytes" => bytes(&text[at..])?,
        _ => return None,
    };
    let meant = amount * factor;
    let value = match field.kind {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a cast saturates, and the field's range is checked below"
        )]
        Kind::Integer { .. } if meant.fract() == 0.0 => Value::Integer(meant as i64),
        Kind::Positive | Kind::NonNegative => Value::Number(meant),
        _ => return None,
    };
    (field.check)(&value).ok()?;
    Some(format!("write {}: the unit is {unit}", value.to_toml()?))
}

fn seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ms" | "msec" | "millis" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        _ => return None,
    })
}

/// Sizes count in 1024s, as nginx and Docker read them.
fn bytes(unit: &str) -> Option<f64> {
    Some(match unit {
        "b" | "byte" | "bytes" => 1.0,
        "k" | "kb" | "kib" => 1024.0,
        "m" | "mb" | "mib" => 1024.0 * 1024.0,
        "g" | "gb" | "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    })
}

/// `auto`, where 0 has a meaning: the field's own words for it.
fn zero(field: &Field, text: &str) -> Option<String> {
    let Kind::Integer { min: 0, .. } = field.kind else {
        return None;
    };
    let word = text.trim().to_ascii_lowercase();
    let meaning = field
        .summary()
        .split("; ")
        .find(|part| part.starts_with("0 means"))?;
    ZERO_WORDS
        .contains(&word.as_str())
        .then(|| meaning.trim_end_matches(['.', '\n']).replace('\n', " "))
}

/// Quotes that became part of a value: no shell took them off.
fn unquoted(field: &Field, text: &str) -> Option<String> {
    let inner = ['"', '\''].into_iter().find_map(|quote| {
        text.trim()
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
    })?;
    let value = field.kind.parse(inner).ok()?;
    (field.check)(&value).ok()?;
    Some(format!(
        "write {inner}: the quotes became part of the value, as docker --env-file keeps them"
    ))
}

/// A list in the form of TOML or JSON.
fn listed(field: &Field, text: &str) -> Option<String> {
    if field.kind != Kind::List {
        return None;
    }
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    let items: Vec<_> = inner
        .split(',')
        .map(|item| item.trim().trim_matches(['"', '\'']))
        .filter(|item| !item.is_empty())
        .collect();
    Some(format!(
        "write {}: items without brackets and quotes, separated by commas",
        items.join(",")
    ))
}

/// One text where a list belongs: its items in brackets.
pub(super) fn bracketed(text: &str) -> String {
    let items: Vec<_> = text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(toml_text)
        .collect();
    format!("put it in brackets: [{}]", items.join(", "))
}

#[cfg(test)]
mod tests {
    use crate::config::field::Model;
    use crate::config::value::Raw;
    use crate::config::{Field, ServerConfig};

    fn field(name: &str) -> &'static Field {
        ServerConfig::field(name).unwrap()
    }

    fn advice(name: &str, text: &str) -> Option<String> {
        let written = field(name).read(&Raw::Text(text.into())).unwrap_err().help;
        let typed = field(name).parse(text).unwrap_err().help;
        assert_eq!(written, typed, "{name} = {text:?}");
        written
    }

    #[test]
    fn a_number_with_its_unit_is_told_as_the_number_that_it_is() {
        for (name, text, number) in [
            ("header_timeout", "30s", "30.0: the unit is seconds"),
            ("header_timeout", "500ms", "0.5: the unit is seconds"),
            ("header_timeout", "2 min", "120.0: the unit is seconds"),
            ("max_request_size", "1MB", "1048576: the unit is bytes"),
            ("max_header_size", "64k", "65536: the unit is bytes"),
        ] {
            let expected = format!("write {number}");
            assert_eq!(
                advice(name, text).as_deref(),
                Some(expected.as_str()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_word_for_zero_is_told_what_zero_means() {
        let expected = "0 means as many as the container may use CPUs";
        assert_eq!(advice("workers", "auto").as_deref(), Some(expected));
        assert_eq!(
            advice("max_connections", "unlimited").as_deref(),
            Some("0 means no limit")
        );
    }

    #[test]
    fn quotes_and_brackets_of_a_variable_are_named() {
        let help = |name: &str, text: &str| field(name).parse(text).unwrap_err().help.unwrap();
        assert!(help("port", "\"8000\"").starts_with("write 8000: the quotes"));
        assert!(help("log_level", "'info'").starts_with("write info: the quotes"));
        assert!(help("host", "\"0.0.0.0\"").starts_with("write 0.0.0.0: the quotes"));
        assert!(
            help("trusted_hosts", "[\"10.0.0.1\", \"10.0.0.2\"]")
                .starts_with("write 10.0.0.1,10.0.0.2: ")
        );
    }
}
