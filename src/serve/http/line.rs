//! The lines of a head or a trailer section: names, values, and what may not be in them.

use memchr::memchr;

use super::refusal::Refusal;

const fn token_map() -> [bool; 256] {
    let mut map = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        map[byte] = matches!(byte as u8,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\''
            | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~');
        byte += 1;
    }
    map
}

static TOKEN: [bool; 256] = token_map();

/// Whether this is a token (RFC 9110 5.6.2).
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| TOKEN[usize::from(byte)])
}

/// Whether a control character other than HTAB is in it. Without branches, so that it is vectorised.
pub(super) fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |found, &byte| {
        found | (((byte < 0x20) & (byte != b'\t')) | (byte == 0x7f))
    })
}

/// Takes the line end off; `line` ends with a line feed.
pub(super) fn without_end(line: &[u8]) -> Result<&[u8], Refusal> {
    line.strip_suffix(b"\r\n").ok_or(Refusal::BareLineFeed)
}

/// Name and value of a header line without its end; the value without white space around it.
pub(super) fn header(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    if let Some(b' ' | b'\t') = line.first() {
        return Err(Refusal::ObsoleteFold);
    }
    let Some(colon) = memchr(b':', line) else {
        return Err(control_or(line, Refusal::HeaderWithoutColon));
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if !is_token(name) {
        return Err(if let Some(b' ' | b'\t') = name.last() {
            Refusal::SpaceBeforeColon
        } else {
            control_or(name, Refusal::HeaderName)
        });
    }
    if has_control(value) {
        return Err(control_or(value, Refusal::HeaderValue));
    }
    Ok((name, trimmed(value)))
}

/// A stray carriage return is named as such, everything else as `otherwise`.
fn control_or(bytes: &[u8], otherwise: Refusal) -> Refusal {
    if memchr(b'\r', bytes).is_some() {
        Refusal::BareCarriageReturn
    } else {
        otherwise
    }
}

/// Without optional white space (RFC 9110 5.6.3) at both ends.
fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Decimal digits only, no overflow.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Hexadecimal digits only, no overflow.
pub(super) fn hexadecimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &byte| {
        let digit = char::from(byte).to_digit(16)?;
        number.checked_mul(16)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_and_fit() {
        assert_eq!(decimal(b"007"), Some(7));
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for wrong in [
            "",
            "+5",
            "-5",
            "5 ",
            "5, 5",
            "0x5",
            "5.0",
            "18446744073709551616",
        ] {
            assert_eq!(decimal(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(hexadecimal(b"fF"), Some(255));
        assert_eq!(hexadecimal(b"ffffffffffffffff"), Some(u64::MAX));
        for wrong in ["", "+5", "0x5", "g", "10000000000000000"] {
            assert_eq!(hexadecimal(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_header_line_is_a_token_a_colon_and_a_value() {
        assert_eq!(header(b"A-b: \t c d\t "), Ok((&b"A-b"[..], &b"c d"[..])));
        assert_eq!(header(b"a:"), Ok((&b"a"[..], &b""[..])));
        assert_eq!(header(b"a:\xff\tb"), Ok((&b"a"[..], &b"\xff\tb"[..])));
        for (line, refusal) in [
            (&b" a: b"[..], Refusal::ObsoleteFold),
            (b"\ta: b", Refusal::ObsoleteFold),
            (b"a", Refusal::HeaderWithoutColon),
            (b"a : b", Refusal::SpaceBeforeColon),
            (b"a\t: b", Refusal::SpaceBeforeColon),
            (b": b", Refusal::HeaderName),
            (b"a b: c", Refusal::HeaderName),
            (b"a\0: c", Refusal::HeaderName),
            (b"a\xe4: c", Refusal::HeaderName),
            (b"a: b\0", Refusal::HeaderValue),
            (b"a: \x7f", Refusal::HeaderValue),
            (b"a: b\rc", Refusal::BareCarriageReturn),
            (b"a\r: b", Refusal::BareCarriageReturn),
        ] {
            assert_eq!(header(line), Err(refusal), "{line:?}");
        }
    }
}
