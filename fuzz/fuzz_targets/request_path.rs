//! Any bytes as what a client sends: the check in front of hyper, what proxies say, and the access log.
//! It does not matter in which pieces bytes come; what passes is read the same way by hyper's own parser;
//! no header leads to a host that is none; and no request makes a second line in the log.
#![no_main]

use std::time::{Duration, SystemTime};

use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};
use http::{Uri, Version};
use libfuzzer_sys::fuzz_target;
use pounce_core::serve::access::{Format, Line, Stamp};
use pounce_core::serve::http::refusal::Refusal;
use pounce_core::serve::http::scanner::{Limits, Scanner};
use pounce_core::serve::proxy::{self, Origin};
use pounce_core::serve::reactor::Peer;
use pounce_core::serve::request_id::RequestId;

const LIMITS: Limits = Limits {
    head: 2048,
    headers: 32,
    body: 512,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else {
        return;
    };
    let whole = judge(&[bytes]);
    let (front, back) = bytes.split_at(usize::from(*first).min(bytes.len()));
    assert_eq!(judge(&[front, back]), whole);
    let single: Vec<_> = bytes.chunks(1).collect();
    assert_eq!(judge(&single), whole);
    if whole.1 > 0 {
        parse(bytes);
    }
    forward(bytes, u32::from(*first % 4));
    log(bytes);
});

/// How many bytes pass, how many heads, and what is refused.
fn judge(pieces: &[&[u8]]) -> (usize, u64, Option<Refusal>) {
    let mut scanner = Scanner::new(LIMITS);
    let (mut held, mut passed, mut refusal) = (Vec::new(), 0, None);
    for piece in pieces {
        held.extend_from_slice(piece);
        let progress = scanner.advance(&held);
        assert!(progress.judged <= held.len());
        held.drain(..progress.judged);
        passed += progress.judged;
        refusal = progress.refusal;
        if refusal.is_some() {
            break;
        }
    }
    (passed, scanner.heads(), refusal)
}

/// A head that has passed.
fn parse(bytes: &[u8]) {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(bytes).expect("what has passed is a head");
    assert!(parsed.is_complete());
    let target = request.path.expect("a head has a target");
    target.parse::<Uri>().expect("a target is one for hyper");
    for header in request.headers {
        HeaderName::from_bytes(header.name.as_bytes()).expect("a name is one for hyper");
        HeaderValue::from_bytes(header.value).expect("a value is one for hyper");
    }
}

/// Lines of the input as what proxies say.
fn forward(bytes: &[u8], hops: u32) {
    const NAMES: [HeaderName; 4] = [
        FORWARDED,
        HeaderName::from_static("x-forwarded-for"),
        HeaderName::from_static("x-forwarded-proto"),
        HeaderName::from_static("x-forwarded-host"),
    ];
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some((name, value)) = line.split_first() else {
            continue;
        };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(NAMES[usize::from(name % 4)].clone(), value);
        }
    }
    let origin = proxy::read(&headers, hops);
    if let Some(host) = &origin.host {
        let host = host.to_str().expect("a host is ASCII");
        assert!(!host.is_empty() && !host.contains(['/', '@', ' ', ',', '"']));
    }
    if hops == 0 {
        assert_eq!(origin, Origin::default());
    }
    proxy::strip(&mut headers);
    assert!(headers.is_empty());
    assert_eq!(proxy::read(&headers, hops), Origin::default());
}

/// Text of the input in the log.
fn log(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (method, path) = text.split_once(' ').unwrap_or((&text, ""));
    let id = HeaderValue::from_bytes(bytes).ok();
    let id = id.as_ref().and_then(RequestId::from_peer);
    let line = Line {
        time: SystemTime::UNIX_EPOCH,
        method,
        path,
        version: Version::HTTP_11,
        status: 200,
        bytes: 1,
        duration: Duration::ZERO,
        id: id.as_ref().map_or("-", RequestId::as_str),
        peer: Peer::Unix,
        client: None,
        refusal: Some(path),
    };
    for format in [Format::Text, Format::Json] {
        let mut out = Vec::new();
        line.append(format, &mut Stamp::default(), &mut out);
        let out = String::from_utf8(out).expect("the log is UTF-8");
        let inner = out.strip_suffix('\n').expect("a line has an end");
        assert!(!inner.contains(char::is_control), "{inner:?}");
        if format == Format::Json {
            let read: serde_json::Value = serde_json::from_str(inner).expect("JSON");
            assert_eq!(read["method"], method);
            assert_eq!(read["path"], path);
            assert_eq!(read["refused"], path);
        }
    }
}
