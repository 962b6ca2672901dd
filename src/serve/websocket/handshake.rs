//! A client's opening handshake: whether it is one, and what answers it (RFC 6455 4.2, RFC 8441 5).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use hyper::ext::Protocol;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use super::offer::Agreement;
use crate::serve::http::refusal::Refusal;

/// What the key is hashed with (RFC 6455 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Bytes of a key.
const KEY: usize = 16;

/// A handshake that can be accepted.
#[derive(Debug)]
pub(in crate::serve) struct Handshake {
    /// The answer to the key; None over HTTP/2, which has none.
    answer: Option<HeaderValue>,
    pub(super) subprotocols: Vec<String>,
    pub(super) agreement: Option<Agreement>,
}

impl Handshake {
    /// Reads a request; None where it is none for a WebSocket.
    ///
    /// # Errors
    /// It is meant as one, and is no valid one.
    pub(in crate::serve) fn read(head: &Parts, compression: bool) -> Result<Option<Self>, Refusal> {
        let answer = if head.version == Version::HTTP_2 {
            if head.method != Method::CONNECT {
                return Ok(None);
            }
            let protocol = head.extensions.get::<Protocol>();
            if protocol.is_none_or(|protocol| protocol.as_str() != "websocket") {
                return Err(Refusal::Connect);
            }
            None
        } else {
            if head.version != Version::HTTP_11 || !has(&head.headers, &UPGRADE, "websocket") {
                return Ok(None);
            }
            Some(upgrade(head)?)
        };
        let mut versions = head.headers.get_all(SEC_WEBSOCKET_VERSION).iter();
        if versions.next().is_none_or(|version| version != "13") || versions.next().is_some() {
            return Err(Refusal::WebSocketVersion);
        }
        Ok(Some(Self {
            answer,
            subprotocols: subprotocols(&head.headers)?,
            agreement: compression
                .then(|| Agreement::with(&head.headers))
                .flatten(),
        }))
    }

    /// Status and headers of the answer that accepts; `headers` are the application's.
    pub(super) fn accept(
        &self,
        subprotocol: Option<&str>,
        mut headers: HeaderMap,
    ) -> (StatusCode, HeaderMap) {
        let status = match &self.answer {
            None => StatusCode::OK,
            Some(answer) => {
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(SEC_WEBSOCKET_ACCEPT, answer.clone());
                StatusCode::SWITCHING_PROTOCOLS
            }
        };
        // It is one of those that came in a header.
        if let Some(Ok(value)) = subprotocol.map(HeaderValue::from_str) {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, value);
        }
        if let Some(agreement) = &self.agreement {
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, agreement.header());
        }
        (status, headers)
    }
}

/// The answer to the key of a handshake over HTTP/1.1.
fn upgrade(head: &Parts) -> Result<HeaderValue, Refusal> {
    let headers = &head.headers;
    if head.method != Method::GET {
        return Err(Refusal::WebSocketMethod);
    }
    if !has(headers, &CONNECTION, "upgrade") {
        return Err(Refusal::WebSocketConnection);
    }
    let empty = headers
        .get(CONTENT_LENGTH)
        .is_none_or(|length| length == "0");
    if !empty || headers.contains_key(TRANSFER_ENCODING) {
        return Err(Refusal::WebSocketBody);
    }
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(Refusal::WebSocketKey);
    };
    match BASE64_STANDARD.decode(key.as_bytes()) {
        Ok(bytes) if bytes.len() == KEY => answer(key.as_bytes()).ok_or(Refusal::WebSocketKey),
        _ => Err(Refusal::WebSocketKey),
    }
}

fn answer(key: &[u8]) -> Option<HeaderValue> {
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(key);
    digest.update(GUID);
    HeaderValue::from_str(&BASE64_STANDARD.encode(digest.finish())).ok()
}

/// Whether a header that is a list has this member, in any case.
fn has(headers: &HeaderMap, name: &HeaderName, member: &str) -> bool {
    headers.get_all(name).iter().any(|value| {
        value.to_str().is_ok_and(|text| {
            text.split(',')
                .any(|part| part.trim().eq_ignore_ascii_case(member))
        })
    })
}

fn subprotocols(headers: &HeaderMap) -> Result<Vec<String>, Refusal> {
    let mut found = Vec::new();
    for value in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
        let text = value.to_str().map_err(|_| Refusal::WebSocketSubprotocol)?;
        for part in text.split(',').map(str::trim) {
            // A name is a token, as a method is.
            if Method::from_bytes(part.as_bytes()).is_err() {
                return Err(Refusal::WebSocketSubprotocol);
            }
            found.push(part.to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const KEY: (&str, &str) = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    const VERSION: (&str, &str) = ("sec-websocket-version", "13");
    const UPGRADE: (&str, &str) = ("upgrade", "WebSocket");
    const CONNECTION: (&str, &str) = ("connection", "keep-alive, Upgrade");

    fn read(method: &str, headers: &[(&str, &str)]) -> Result<Option<Handshake>, Refusal> {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Handshake::read(&request.body(()).unwrap().into_parts().0, true)
    }

    #[test]
    fn the_example_of_the_rfc_is_answered() {
        let headers = [
            UPGRADE,
            CONNECTION,
            KEY,
            VERSION,
            ("sec-websocket-protocol", "chat, superchat"),
            ("sec-websocket-protocol", "third"),
            ("sec-websocket-extensions", "permessage-deflate"),
        ];
        let handshake = read("GET", &headers).unwrap().unwrap();
        assert_eq!(handshake.subprotocols, ["chat", "superchat", "third"]);
        let (status, headers) = handshake.accept(Some("chat"), HeaderMap::new());
        assert_eq!(status, StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(
            headers["sec-websocket-accept"],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(headers["sec-websocket-protocol"], "chat");
        assert_eq!(headers["connection"], "upgrade");
        let extensions = headers["sec-websocket-extensions"].to_str().unwrap();
        assert!(extensions.starts_with("permessage-deflate"));
    }

    #[test]
    fn what_is_none_is_left_to_http() {
        assert!(read("GET", &[]).unwrap().is_none());
        assert!(
            read("GET", &[("upgrade", "h2c"), CONNECTION, KEY, VERSION])
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn every_part_of_it_is_needed() {
        let whole = [UPGRADE, CONNECTION, KEY, VERSION];
        let with = |at: usize, header: (&'static str, &'static str)| {
            let mut headers = whole;
            headers[at] = header;
            read("GET", &headers).unwrap_err()
        };
        assert!(read("GET", &whole).unwrap().is_some());
        assert_eq!(read("POST", &whole).unwrap_err(), Refusal::WebSocketMethod);
        assert_eq!(
            with(1, ("connection", "close")),
            Refusal::WebSocketConnection
        );
        for key in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZT==",
            "dGhlIHNhbXBsZSBub25j",
            "dGhlIHNhbXBsZSBub25jZQ=\t=",
        ] {
            assert_eq!(
                with(2, ("sec-websocket-key", key)),
                Refusal::WebSocketKey,
                "{key:?}"
            );
        }
        assert_eq!(with(2, ("x", "y")), Refusal::WebSocketKey);
        for version in ["", "8", "13, 8", "013"] {
            assert_eq!(
                with(3, ("sec-websocket-version", version)),
                Refusal::WebSocketVersion
            );
        }
        let more = |header| read("GET", &[UPGRADE, CONNECTION, KEY, VERSION, header]).unwrap_err();
        assert_eq!(more(KEY), Refusal::WebSocketKey);
        assert_eq!(more(VERSION), Refusal::WebSocketVersion);
        assert_eq!(more(("content-length", "1")), Refusal::WebSocketBody);
        assert_eq!(
            more(("transfer-encoding", "chunked")),
            Refusal::WebSocketBody
        );
        for list in ["", "a,,b", "a b", "a,\u{e4}"] {
            assert_eq!(
                more(("sec-websocket-protocol", list)),
                Refusal::WebSocketSubprotocol,
                "{list:?}"
            );
        }
    }
}
