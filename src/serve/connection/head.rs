//! The head of a request: what is checked of a stream's, and what both versions are brought to.

use http::header::{CONTENT_LENGTH, COOKIE, EXPECT, HOST};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method};
use hyper::ext::Protocol;

use crate::serve::http::refusal::Refusal;
use crate::serve::http::target::{is_host, is_origin_form};
use crate::serve::http::value::is_padded;

/// The check of a request over HTTP/2, whose framing and most of whose syntax the protocol itself has
/// checked.
pub(super) fn refuse_stream(head: &Parts, max_headers: usize, max_body: u64) -> Option<Refusal> {
    let expectation = head.headers.get(EXPECT);
    if head.headers.len() > max_headers {
        Some(Refusal::TooManyHeaders)
    } else if head.method == Method::CONNECT && head.extensions.get::<Protocol>().is_none() {
        // A tunnel goes somewhere (RFC 9113 8.5).
        let aimless = head.uri.authority().is_none();
        Some(if aimless {
            Refusal::Target
        } else {
            Refusal::Connect
        })
    } else if !is_target(head) {
        Some(Refusal::Target)
    } else if expectation
        .is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
    {
        Some(Refusal::Expectation)
    } else {
        refuse_host(head)
            .or_else(|| refuse_length(&head.headers, max_body))
            .or_else(|| refuse_fields(&head.headers))
    }
}

/// Whether `:scheme` and `:path` are what RFC 9113 8.3.1 says: the protocol stack takes any characters
/// that a URI may have, in any place.
fn is_target(head: &Parts) -> bool {
    let scheme = head.uri.scheme_str().map(str::as_bytes);
    let path = head.uri.path_and_query().map(PathAndQuery::as_str);
    scheme.is_none_or(|scheme| scheme.first().is_some_and(u8::is_ascii_alphabetic))
        && path.is_some_and(|path| is_origin_form(head.method.as_str(), path))
}

fn refuse_host(head: &Parts) -> Option<Refusal> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = hosts.next().map(HeaderValue::as_bytes);
    let authority = head.uri.authority().map(|name| name.as_str().as_bytes());
    if hosts.next().is_some() {
        return Some(Refusal::HostRepeated);
    }
    if [host, authority]
        .into_iter()
        .flatten()
        .any(|name| !is_host(name))
    {
        return Some(Refusal::HostInvalid);
    }
    match (host, authority) {
        (None, None) => Some(Refusal::HostMissing),
        (Some(host), Some(authority)) => {
            let scheme = head.uri.scheme_str();
            let encrypted = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
            let port: &[u8] = if encrypted { b":443" } else { b":80" };
            // An empty port, or that of the scheme, says nothing (RFC 3986 6.2.3).
            let bare = |name: &[u8]| {
                let bare = name.strip_suffix(port).or_else(|| name.strip_suffix(b":"));
                bare.unwrap_or(name).to_ascii_lowercase()
            };
            // Whoever looked at the other one has judged another request.
            let same = host == authority || bare(host) == bare(authority);
            (!same).then_some(Refusal::HostDiffers)
        }
        _ => None,
    }
}

fn refuse_length(headers: &HeaderMap, max_body: u64) -> Option<Refusal> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    // The protocol has seen to it that this is a number, and the length of the body.
    let length = lengths
        .next()
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if lengths.next().is_some() {
        Some(Refusal::ContentLengthRepeated)
    } else {
        length
            .is_some_and(|length| length > max_body)
            .then_some(Refusal::BodyTooLarge)
    }
}

fn refuse_fields(headers: &HeaderMap) -> Option<Refusal> {
    headers.iter().find_map(|(name, value)| {
        if is_padded(value) {
            Some(Refusal::HeaderPadding)
        } else {
            // The one character that the type behind takes, and that is none of a token.
            let quote = name.as_str().contains('"');
            quote.then_some(Refusal::HeaderName)
        }
    })
}

/// Where the target names the host, the Host header does so too, in first place (RFC 9112 3.2.2).
pub(super) fn name_host(head: &mut Parts) {
    let authority = head
        .uri
        .authority()
        .map(|authority| HeaderValue::from_str(authority.as_str()));
    if let Some(Ok(authority)) = authority {
        head.headers.insert(HOST, authority);
    }
}

/// Cookies come in pieces over HTTP/2, and are one header to everybody else (RFC 9113 8.2.3).
pub(super) fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(COOKIE).iter();
    if let (Some(first), Some(second)) = (cookies.next(), cookies.next()) {
        let mut joined = first.as_bytes().to_vec();
        for cookie in std::iter::once(second).chain(cookies) {
            joined.extend_from_slice(b"; ");
            joined.extend_from_slice(cookie.as_bytes());
        }
        if let Ok(joined) = HeaderValue::from_bytes(&joined) {
            headers.insert(COOKIE, joined);
        }
    }
}
