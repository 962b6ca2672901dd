//! The Forwarded header (RFC 7239).

use std::borrow::Cow;

use http::HeaderMap;
use http::header::FORWARDED;

use super::{Origin, address, host, is_secure};

/// What the element `hops` positions from the right says; nothing where any part of the header is
/// malformed up to there: who writes that is not to be believed.
pub(super) fn read(headers: &HeaderMap, hops: u32) -> Origin {
    let mut counted = None;
    let mut left = hops;
    for line in headers.get_all(FORWARDED).iter().rev() {
        let elements = line.to_str().ok().and_then(|line| parts(line, ','));
        let Some(elements) = elements else {
            return Origin::default();
        };
        for element in elements.into_iter().rev() {
            if left > 0 {
                left -= 1;
                counted = Some(element);
            }
        }
    }
    counted.and_then(origin).unwrap_or_default()
}

fn origin(element: &str) -> Option<Origin> {
    let mut origin = Origin::default();
    for pair in parts(element, ';')? {
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_once('=')?;
        let value = unquoted(value)?;
        if name.eq_ignore_ascii_case("for") {
            // `unknown` and `_obfuscated` identifiers are valid, and tell nothing.
            origin.client = address(&value);
        } else if name.eq_ignore_ascii_case("proto") {
            origin.secure = is_secure(&value);
        } else if name.eq_ignore_ascii_case("host") {
            origin.host = host(&value);
        }
    }
    Some(origin)
}

/// The parts between separators that stand outside of quotes, without white space around them; None where
/// a quote is not closed.
fn parts(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if character == separator && !quoted => {
                parts.push(text[start..at].trim_matches([' ', '\t']));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim_matches([' ', '\t']));
    (!quoted).then_some(parts)
}

/// A token as it is, or what a quoted string says.
fn unquoted(value: &str) -> Option<Cow<'_, str>> {
    let Some(rest) = value.strip_prefix('"') else {
        return (!value.contains('"')).then_some(Cow::Borrowed(value));
    };
    let inner = rest.strip_suffix('"')?;
    if !inner.contains(['\\', '"']) {
        return Some(Cow::Borrowed(inner));
    }
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.push(characters.next()?),
            '"' => return None,
            _ => text.push(character),
        }
    }
    Some(Cow::Owned(text))
}
