//! The Forwarded header (RFC 7239).

use std::borrow::Cow;

use http::HeaderMap;
use http::header::FORWARDED;

use super::{Origin, address, host, is_secure};

/// What the element `hops` positions from the right says; nothing where any part of the header is
/// malformed up to there: who writes that is not to be believed. What the client has written further left
/// is not looked at: a quote that it leaves open hides nobody.
pub(super) fn read(headers: &HeaderMap, hops: u32) -> Origin {
    let mut counted = None;
    let mut left = hops;
    for line in headers.get_all(FORWARDED).iter().rev() {
        let mut rest = Some(line.as_bytes());
        while let Some(elements) = rest.filter(|_| left > 0) {
            let Some((before, element)) = split_last(elements) else {
                return Origin::default();
            };
            counted = Some(element);
            rest = before;
            left -= 1;
        }
    }
    counted
        .and_then(|element| std::str::from_utf8(element).ok())
        .and_then(origin)
        .unwrap_or_default()
}

/// The last element, and what stands before its comma; None where it is within quotes from its beginning.
/// Read from the right, as only what stands there is a proxy's.
fn split_last(elements: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let mut quoted = false;
    for (at, byte) in elements.iter().enumerate().rev() {
        match byte {
            b'"' if !(quoted && is_escaped(&elements[..at])) => quoted = !quoted,
            b',' if !quoted => return Some((Some(&elements[..at]), &elements[at + 1..])),
            _ => {}
        }
    }
    (!quoted).then_some((None, elements))
}

/// Whether what follows `before` in a quoted string is escaped.
fn is_escaped(before: &[u8]) -> bool {
    let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\');
    backslashes.count() % 2 == 1
}

fn origin(element: &str) -> Option<Origin> {
    let mut origin = Origin::default();
    for pair in pairs(element)? {
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

/// The parts between semicolons that stand outside of quotes, without white space around them; None where
/// a quote is not closed.
fn pairs(text: &str) -> Option<Vec<&str>> {
    let (mut pairs, mut start) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => {
                pairs.push(text[start..at].trim_matches([' ', '\t']));
                start = at + 1;
            }
            _ => {}
        }
    }
    pairs.push(text[start..].trim_matches([' ', '\t']));
    (!quoted).then_some(pairs)
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
