//! What client and server agree on for `permessage-deflate` (RFC 7692 7.1).

use http::header::SEC_WEBSOCKET_EXTENSIONS;
use http::{HeaderMap, HeaderValue};

/// The largest window on either side: 4 KB a direction instead of 32 is enough for messages, and what
/// other servers take.
const WINDOW_BITS: u8 = 12;
/// The smallest window that the compressor has.
const LEAST_WINDOW_BITS: u8 = 9;

/// The parameters of a connection that compresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Agreement {
    /// The server begins each message with an empty window.
    pub(super) server_no_context_takeover: bool,
    /// The client does.
    pub(super) client_no_context_takeover: bool,
    /// Base-2 logarithm of the server's window.
    pub(super) server_window_bits: u8,
    /// Base-2 logarithm of the client's window, where the client can be told of one.
    pub(super) client_window_bits: Option<u8>,
}

impl Agreement {
    /// The first of a client's offers that can be met; None where there is none.
    pub(super) fn with(headers: &HeaderMap) -> Option<Self> {
        headers
            .get_all(SEC_WEBSOCKET_EXTENSIONS)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| split(value, ','))
            .find_map(Self::meet)
    }

    fn meet(offer: &str) -> Option<Self> {
        let mut parts = split(offer, ';');
        if !parts.next()?.eq_ignore_ascii_case("permessage-deflate") {
            return None;
        }
        let mut agreement = Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_window_bits: WINDOW_BITS,
            client_window_bits: None,
        };
        let mut seen = Vec::new();
        for part in parts {
            let (name, value) = part
                .split_once('=')
                .map_or((part, None), |(name, value)| (name, Some(unquoted(value))));
            let name = name.trim().to_ascii_lowercase();
            match (name.as_str(), value) {
                ("server_no_context_takeover", None) => agreement.server_no_context_takeover = true,
                ("client_no_context_takeover", None) => agreement.client_no_context_takeover = true,
                ("server_max_window_bits", Some(value)) => {
                    // A window of 8 bits is more than this compressor can promise to stay within.
                    let bits = bits(value).filter(|bits| *bits >= LEAST_WINDOW_BITS)?;
                    agreement.server_window_bits = bits.min(WINDOW_BITS);
                }
                ("client_max_window_bits", None) => {
                    agreement.client_window_bits = Some(WINDOW_BITS);
                }
                ("client_max_window_bits", Some(value)) => {
                    agreement.client_window_bits = Some(bits(value)?.min(WINDOW_BITS));
                }
                _ => return None,
            }
            if seen.contains(&name) {
                return None;
            }
            seen.push(name);
        }
        Some(agreement)
    }

    /// The value of the header that tells the client.
    pub(super) fn header(&self) -> HeaderValue {
        let mut text = String::from("permessage-deflate");
        if self.server_no_context_takeover {
            text += "; server_no_context_takeover";
        }
        if self.client_no_context_takeover {
            text += "; client_no_context_takeover";
        }
        text += &format!("; server_max_window_bits={}", self.server_window_bits);
        if let Some(bits) = self.client_window_bits {
            text += &format!("; client_max_window_bits={bits}");
        }
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("permessage-deflate"))
    }
}

/// The trimmed parts between separators that stand in no quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '"';
        character == separator && !quoted
    })
    .map(str::trim)
}

fn unquoted(value: &str) -> &str {
    let value = value.trim();
    value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value)
}

/// A number from 8 to 15, without a leading zero.
fn bits(value: &str) -> Option<u8> {
    let plain = value.bytes().all(|byte| byte.is_ascii_digit()) && !value.starts_with('0');
    let bits = plain.then(|| value.parse().ok()).flatten()?;
    (8..=15).contains(&bits).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreed(offer: &'static str) -> Option<String> {
        let headers =
            HeaderMap::from_iter([(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(offer))]);
        let agreement = Agreement::with(&headers)?;
        Some(agreement.header().to_str().unwrap().to_owned())
    }

    #[test]
    fn the_first_offer_that_can_be_met_is_taken() {
        for (offer, answer) in [
            ("permessage-deflate", "; server_max_window_bits=12"),
            (
                "permessage-deflate; client_max_window_bits",
                "; server_max_window_bits=12; client_max_window_bits=12",
            ),
            (
                "x-other, permessage-deflate; Client_Max_Window_Bits=\"8\"; server_max_window_bits=10",
                "; server_max_window_bits=10; client_max_window_bits=8",
            ),
            (
                "permessage-deflate;server_no_context_takeover ;client_no_context_takeover",
                "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12",
            ),
            (
                "permessage-deflate; server_max_window_bits=8, permessage-deflate",
                "; server_max_window_bits=12",
            ),
            (
                "x; a=\"permessage-deflate, permessage-deflate\", permessage-deflate; client_max_window_bits=15",
                "; server_max_window_bits=12; client_max_window_bits=12",
            ),
        ] {
            let expected = format!("permessage-deflate{answer}");
            assert_eq!(agreed(offer), Some(expected), "{offer}");
        }
    }

    #[test]
    fn what_is_not_understood_is_not_agreed_on() {
        for offer in [
            "",
            "x-webkit-deflate-frame",
            "permessage-deflate; unknown",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=09",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; client_max_window_bits=+9",
            "permessage-deflate; client_max_window_bits=",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            "permessage-deflate;",
        ] {
            assert_eq!(agreed(offer), None, "{offer}");
        }
    }
}
