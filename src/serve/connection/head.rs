//! The head of a request: what is checked of a stream's, and what both versions are brought to.

use http::header::{CONTENT_LENGTH, COOKIE, EXPECT, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use hyper::ext::Protocol;

use crate::serve::http::refusal::Refusal;
use crate::serve::http::target::is_host;

/// The check of a request over HTTP/2, whose framing and field syntax the protocol itself has checked.
pub(super) fn refuse_stream(head: &Parts, max_headers: usize, max_body: u64) -> Option<Refusal> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = hosts.next();
    let valid = |host: &HeaderValue| is_host(host.as_bytes());
    let authority = head.uri.authority();
    let length = head
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let expectation = head.headers.get(EXPECT);
    if head.headers.len() > max_headers {
        Some(Refusal::TooManyHeaders)
    } else if head.method == Method::CONNECT && head.extensions.get::<Protocol>().is_none() {
        Some(Refusal::Connect)
    } else if expectation
        .is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
    {
        Some(Refusal::Expectation)
    } else if hosts.next().is_some() {
        Some(Refusal::HostRepeated)
    } else if host.is_some_and(|host| !valid(host))
        || authority.is_some_and(|authority| !is_host(authority.as_str().as_bytes()))
    {
        Some(Refusal::HostInvalid)
    } else if host.is_none() && authority.is_none() {
        Some(Refusal::HostMissing)
    } else if length.is_some_and(|length| length > max_body) {
        Some(Refusal::BodyTooLarge)
    } else {
        None
    }
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
