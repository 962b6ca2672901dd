//! White space around the values of headers, which over HTTP/2 is a part of them (RFC 9113 8.2.1).

use http::{HeaderMap, HeaderValue};

/// Whether white space stands around a value, which over HTTP/2 is a part of it (RFC 9113 8.2.1).
pub(crate) fn is_padded(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    [bytes.first(), bytes.last()]
        .into_iter()
        .any(|byte| matches!(byte, Some(b' ' | b'\t')))
}

/// Takes white space from around values, which may not be sent over HTTP/2 (RFC 9113 8.2.1).
pub(crate) fn trim_values(headers: &mut HeaderMap) {
    for value in headers.values_mut().filter(|value| is_padded(value)) {
        let trimmed = value.as_bytes().trim_ascii();
        if let Ok(trimmed) = HeaderValue::from_bytes(trimmed) {
            *value = trimmed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_values_is_taken_away() {
        let mut headers = HeaderMap::new();
        for value in [" a b\t", "a", " ", ""] {
            headers.append("x", HeaderValue::from_static(value));
        }
        trim_values(&mut headers);
        let values: Vec<_> = headers.get_all("x").iter().collect();
        assert_eq!(values, ["a b", "a", "", ""]);
    }
}
