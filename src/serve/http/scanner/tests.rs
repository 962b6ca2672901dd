use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits {
    head: 512,
    headers: 8,
    body: 1000,
};

/// Feeds the pieces as a connection would: what is not judged is kept in front of the next piece.
/// Gives the bytes that passed, the heads, and the refusal.
fn feed<'a>(
    limits: Limits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (usize, u64, Option<Refusal>) {
    let mut scanner = Scanner::new(limits);
    let mut held = Vec::new();
    let mut passed = 0;
    for piece in pieces {
        held.extend_from_slice(piece);
        let progress = scanner.advance(&held);
        held.drain(..progress.judged);
        passed += progress.judged;
        if progress.refusal.is_some() {
            assert_eq!(
                scanner.advance(b"GET / HTTP/1.0\r\n\r\n").refusal,
                progress.refusal
            );
            return (passed, scanner.heads(), progress.refusal);
        }
    }
    (passed, scanner.heads(), None)
}

fn whole(bytes: &[u8]) -> (usize, u64, Option<Refusal>) {
    feed(LIMITS, [bytes])
}

/// A request whose header section is this, after `POST / HTTP/1.1` and a Host.
fn post(headers: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a.example\r\n{headers}")
}

#[test]
fn requests_that_pass() {
    for (bytes, heads) in [
        ("GET / HTTP/1.0\r\n\r\n".to_owned(), 1),
        ("\r\nGET / HTTP/1.1\r\nhost:a\r\n\r\n".to_owned(), 1),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 1),
        (
            "GET http://b.example/x HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            1,
        ),
        (
            "M-SEARCH / HTTP/1.1\r\nHost: a\r\nX: \u{fc}\tb\r\nEmpty:\r\n\r\n".to_owned(),
            1,
        ),
        (post("Content-Length: 5\r\n\r\nhello"), 1),
        (post("Content-Length: 0\r\n\r\n"), 1),
        (
            post("Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx"),
            1,
        ),
        (
            post("Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
            1,
        ),
        (
            post(
                "Transfer-Encoding: chunked\r\n\r\nA;a=b;c=\"d\"\r\n0123456789\r\n00\r\nX: y\r\n\r\n",
            ),
            1,
        ),
        (
            post("Content-Length: 2\r\n\r\nhi") + &post("\r\n") + "GET / HTTP/1.0\r\n\r\n",
            3,
        ),
    ] {
        assert_eq!(
            whole(bytes.as_bytes()),
            (bytes.len(), heads, None),
            "{bytes:?}"
        );
    }
}

#[test]
fn every_malformed_head_is_refused_with_its_reason() {
    let get = |rest: &str| format!("GET {rest}");
    for (bytes, refusal) in [
        (
            "\r\n\r\nGET / HTTP/1.0\r\n\r\n".to_owned(),
            Refusal::EmptyLines,
        ),
        ("\nGET / HTTP/1.0\r\n\r\n".to_owned(), Refusal::BareLineFeed),
        (" GET / HTTP/1.0\r\n\r\n".to_owned(), Refusal::RequestLine),
        (get("/\r\n"), Refusal::RequestLine),
        (get("/ \r\n"), Refusal::Version),
        (get(" / HTTP/1.0\r\n"), Refusal::Target),
        (get("/  HTTP/1.0\r\n"), Refusal::Target),
        (get("/a b HTTP/1.0\r\n"), Refusal::Target),
        (get("/\tHTTP/1.0\r\n"), Refusal::RequestLine),
        (get("/\0 HTTP/1.0\r\n"), Refusal::Target),
        (get("/ HTTP/1.0\n"), Refusal::BareLineFeed),
        (get("/ HTTP/1.0\rX: y\r\n"), Refusal::BareCarriageReturn),
        (get("/ http/1.0\r\n"), Refusal::Version),
        (get("/ HTTP/1\r\n"), Refusal::Version),
        (get("/ HTTP/1.01\r\n"), Refusal::Version),
        (get("/ HTTP/1.1 \r\n"), Refusal::Version),
        (get("/ HTTP/1.2\r\n"), Refusal::VersionNotSupported),
        (get("/ HTTP/2.0\r\n"), Refusal::VersionNotSupported),
        ("G(T / HTTP/1.0\r\n".to_owned(), Refusal::Method),
        ("G\u{e4}T / HTTP/1.0\r\n".to_owned(), Refusal::Method),
        ("CONNECT a:443 HTTP/1.1\r\n".to_owned(), Refusal::Connect),
        (
            "GET / HTTP/1.0\r\n X: y\r\n".to_owned(),
            Refusal::ObsoleteFold,
        ),
        (post("X: y\r\n z\r\n"), Refusal::ObsoleteFold),
        (post("X: y\r\n\tz\r\n"), Refusal::ObsoleteFold),
        (post("X: y\n"), Refusal::BareLineFeed),
        (post("X: y\rz\r\n"), Refusal::BareCarriageReturn),
        (post("X: y\r\n\n"), Refusal::BareLineFeed),
        (post("X: y\r\r\n"), Refusal::BareCarriageReturn),
        (post("X : y\r\n"), Refusal::SpaceBeforeColon),
        (post("Content-Length : 5\r\n"), Refusal::SpaceBeforeColon),
        (post(": y\r\n"), Refusal::HeaderName),
        (post("X y: z\r\n"), Refusal::HeaderName),
        (post("X\u{e4}: z\r\n"), Refusal::HeaderName),
        (post("X\r\n"), Refusal::HeaderWithoutColon),
        (post("X: \0\r\n"), Refusal::HeaderValue),
        (post("X: \x0b\r\n"), Refusal::HeaderValue),
        (post("X: \x7f\r\n"), Refusal::HeaderValue),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), Refusal::HostMissing),
        (
            "GET http://a/ HTTP/1.1\r\n\r\n".to_owned(),
            Refusal::HostMissing,
        ),
        (post("Host: a.example\r\n"), Refusal::HostRepeated),
        (
            "GET / HTTP/1.1\r\nHost:\r\n".to_owned(),
            Refusal::HostInvalid,
        ),
        (
            "GET / HTTP/1.1\r\nHost: a b\r\n".to_owned(),
            Refusal::HostInvalid,
        ),
        (
            "GET / HTTP/1.0\r\nHost: a/b\r\n".to_owned(),
            Refusal::HostInvalid,
        ),
        (
            "GET / HTTP/1.1\r\nHost: a, b\r\n".to_owned(),
            Refusal::HostInvalid,
        ),
        (post("Expect: 200-maybe\r\n"), Refusal::Expectation),
    ] {
        let (passed, heads, refused) = whole(bytes.as_bytes());
        assert_eq!((passed, heads, refused), (0, 0, Some(refusal)), "{bytes:?}");
    }
}

#[test]
fn every_malformed_framing_is_refused_with_its_reason() {
    for (headers, refusal) in [
        ("Content-Length: +5\r\n", Refusal::ContentLengthInvalid),
        ("Content-Length: -5\r\n", Refusal::ContentLengthInvalid),
        ("Content-Length: 5, 5\r\n", Refusal::ContentLengthInvalid),
        ("Content-Length: 0x5\r\n", Refusal::ContentLengthInvalid),
        ("Content-Length: 5 5\r\n", Refusal::ContentLengthInvalid),
        ("Content-Length: \r\n", Refusal::ContentLengthInvalid),
        (
            "Content-Length: 18446744073709551616\r\n",
            Refusal::ContentLengthInvalid,
        ),
        (
            "Content-Length: 5\r\ncontent-length: 5\r\n",
            Refusal::ContentLengthRepeated,
        ),
        (
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            Refusal::ContentLengthRepeated,
        ),
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            Refusal::ContentLengthAndTransferEncoding,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            Refusal::ContentLengthAndTransferEncoding,
        ),
        (
            "Transfer-Encoding: gzip\r\n",
            Refusal::TransferEncodingInvalid,
        ),
        (
            "Transfer-Encoding: gzip, chunked\r\n",
            Refusal::TransferEncodingInvalid,
        ),
        (
            "Transfer-Encoding: chunked, identity\r\n",
            Refusal::TransferEncodingInvalid,
        ),
        (
            "Transfer-Encoding: chunked, chunked\r\n",
            Refusal::TransferEncodingInvalid,
        ),
        (
            "Transfer-Encoding: xchunked\r\n",
            Refusal::TransferEncodingInvalid,
        ),
        (
            "Transfer-Encoding: \"chunked\"\r\n",
            Refusal::TransferEncodingInvalid,
        ),
        ("Transfer-Encoding: \x0bchunked\r\n", Refusal::HeaderValue),
        (
            "Transfer-Encoding: chunked;a=b\r\n",
            Refusal::TransferEncodingInvalid,
        ),
        ("Transfer-Encoding:\r\n", Refusal::TransferEncodingInvalid),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            Refusal::TransferEncodingInvalid,
        ),
        (
            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
            Refusal::TransferEncodingInvalid,
        ),
        ("Content-Length: 1001\r\n\r\n", Refusal::BodyTooLarge),
    ] {
        assert_eq!(
            whole(post(headers).as_bytes()).2,
            Some(refusal),
            "{headers:?}"
        );
    }
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(
        whole(old.as_bytes()).2,
        Some(Refusal::TransferEncodingInHttp10)
    );
}

#[test]
fn every_malformed_chunk_is_refused_with_its_reason() {
    let long = "a".repeat(1100);
    for (chunks, refusal) in [
        ("\r\n", Refusal::ChunkSize),
        ("g\r\n", Refusal::ChunkSize),
        ("+5\r\n", Refusal::ChunkSize),
        ("-5\r\n", Refusal::ChunkSize),
        ("0x5\r\n", Refusal::ChunkSize),
        (" 5\r\n", Refusal::ChunkSize),
        ("5 \r\n", Refusal::ChunkSize),
        ("5 ;a\r\n", Refusal::ChunkSize),
        ("10000000000000005\r\n", Refusal::ChunkSize),
        ("5\n", Refusal::BareLineFeed),
        ("5;a\rb\r\n", Refusal::ChunkExtension),
        ("5;a\0\r\n", Refusal::ChunkExtension),
        (&format!("5;{long}"), Refusal::ChunkExtension),
        ("5\r\nhelloX", Refusal::ChunkEnd),
        ("5\r\nhello\n", Refusal::ChunkEnd),
        ("5\r\nhello\rX", Refusal::ChunkEnd),
        ("3e9\r\n", Refusal::BodyTooLarge),
        ("ffffffffffffffff\r\n", Refusal::BodyTooLarge),
        ("0\r\nX: y\n\r\n", Refusal::BareLineFeed),
        ("0\r\nX : y\r\n", Refusal::SpaceBeforeColon),
        ("0\r\n x: y\r\n", Refusal::ObsoleteFold),
        ("0\r\ncontent-Length: 5\r\n", Refusal::Trailer),
        ("0\r\nTransfer-Encoding: chunked\r\n", Refusal::Trailer),
        ("0\r\nHost: a\r\n", Refusal::Trailer),
    ] {
        let request = post(&format!("Transfer-Encoding: chunked\r\n\r\n{chunks}"));
        let (_, heads, refused) = whole(request.as_bytes());
        assert_eq!((heads, refused), (1, Some(refusal)), "{chunks:?}");
    }
}

#[test]
fn bodies_and_extensions_count_over_all_chunks() {
    let head = post("Transfer-Encoding: chunked\r\n\r\n");
    let chunk = "190\r\n".to_owned() + &"x".repeat(400) + "\r\n";
    assert_eq!(whole((head.clone() + &chunk + &chunk).as_bytes()).2, None);
    let third = head.clone() + &chunk + &chunk + &chunk;
    assert_eq!(whole(third.as_bytes()).2, Some(Refusal::BodyTooLarge));
    let extended = format!("1;{}\r\nx\r\n", "a".repeat(1000));
    assert_eq!(
        whole((head.clone() + &extended.repeat(8)).as_bytes()).2,
        None
    );
    assert_eq!(
        whole((head + &extended.repeat(9)).as_bytes()).2,
        Some(Refusal::ChunkExtension)
    );
}

#[test]
fn limits_hold_for_complete_and_incomplete_heads() {
    let line = format!("GET /{} HTTP/1.0\r\n", "a".repeat(600));
    assert_eq!(whole(line.as_bytes()).2, Some(Refusal::TargetTooLong));
    assert_eq!(
        whole(&line.as_bytes()[..513]).2,
        Some(Refusal::TargetTooLong)
    );
    assert_eq!(whole(&line.as_bytes()[..512]).2, None);
    let large = post(&format!("X: {}\r\n\r\n", "a".repeat(600)));
    assert_eq!(whole(large.as_bytes()).2, Some(Refusal::HeadTooLarge));
    assert_eq!(
        whole(&large.as_bytes()[..513]).2,
        Some(Refusal::HeadTooLarge)
    );
    let many = "X: y\r\n".repeat(7);
    assert_eq!(whole(post(&format!("{many}\r\n")).as_bytes()).2, None);
    assert_eq!(
        whole(post(&format!("{many}X: y\r\n")).as_bytes()).2,
        Some(Refusal::TooManyHeaders)
    );
    let trailers = post(&format!(
        "Transfer-Encoding: chunked\r\n\r\n0\r\n{}",
        "X: y\r\n".repeat(9)
    ));
    assert_eq!(whole(trailers.as_bytes()).2, Some(Refusal::TooManyHeaders));
}

#[test]
fn bytes_behind_an_upgrade_wait_for_its_answer() {
    let request = post("Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi");
    let bytes = [request.as_bytes(), b"\x81\x05not HTTP"].concat();
    let mut scanner = Scanner::new(LIMITS);
    assert_eq!(
        scanner.advance(&bytes),
        Progress {
            judged: request.len(),
            refusal: None
        }
    );
    assert_eq!(scanner.place(b""), Place::Held);
    assert_eq!(scanner.advance(b"\x81\x05not HTTP").judged, 0);
    scanner.resume();
    assert_eq!(scanner.advance(b"GET / HTTP/1.0\r\n\r\n").judged, 18);
    let old = "GET / HTTP/1.0\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(whole(old.repeat(2).as_bytes()), (old.len() * 2, 2, None));
}

#[test]
fn the_place_tells_idle_from_slow() {
    let mut scanner = Scanner::new(LIMITS);
    assert_eq!(scanner.place(b""), Place::Between);
    assert_eq!(scanner.place(b"\r\n"), Place::Between);
    assert_eq!(scanner.place(b"G"), Place::Head);
    scanner.advance(post("Content-Length: 2\r\n\r\nh").as_bytes());
    assert_eq!(scanner.place(b""), Place::Body);
    scanner.advance(b"i");
    assert_eq!(scanner.place(b""), Place::Between);
    scanner.advance(post("Transfer-Encoding: chunked\r\n\r\n0\r\n").as_bytes());
    assert_eq!(scanner.place(b""), Place::Body);
}

/// Pieces of requests, good and bad, so that random sequences reach every state.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "GET / HTTP/1.1\r\n",
        "POST /a?b HTTP/1.1\r\n",
        "GET http://a/ HTTP/1.0\r\n",
        "Host: a\r\n",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Upgrade: x\r\n",
        "X: y\r\n",
        "\r\n",
        "\r",
        "\n",
        "abc",
        "3\r\nabc\r\n",
        "0\r\n\r\n",
        "0\r\nX: y\r\n\r\n",
        ";e=f",
        "5",
        " ",
        ":",
        "Content-Length: 2000\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
    ]);
    prop_oneof![
        12 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (100..600_usize).prop_map(|count| vec![b'a'; count]),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn verdict_and_boundaries_do_not_depend_on_the_split(bytes in stream(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let at_once = whole(&bytes);
        prop_assert_eq!(feed(LIMITS, bytes.chunks(1)), at_once);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|window| &bytes[window[0]..window[1]]);
        prop_assert_eq!(feed(LIMITS, pieces), at_once);
    }

    #[test]
    fn what_passes_is_read_the_same_way_by_the_parser_behind(
        method in "[A-Z!]{1,8}",
        target in prop_oneof!["/[!-~]{0,30}", "http://[a-z.]{1,9}(:[0-9]{1,6})?/[!-~]{0,9}", "[!-~ ]{1,20}"],
        version in prop_oneof![4 => Just("HTTP/1.1".to_owned()), 1 => "HTTP/[0-3]\\.[0-2]"],
        headers in prop::collection::vec(("[A-Za-z_ -]{0,20}", "[ -~\\t\\x80-\\xff\\x01]{0,20}"), 0..7),
    ) {
        use std::fmt::Write as _;
        let mut text = format!("{method} {target} {version}\r\nHost: a\r\n");
        for (name, value) in &headers {
            write!(text, "{name}:{value}\r\n").unwrap();
        }
        text.push_str("\r\n");
        let (passed, heads, refusal) = feed(LIMITS, [text.as_bytes()]);
        prop_assert!(refusal.is_some() != (heads == 1));
        if heads == 1 {
            let mut parsed = [httparse::EMPTY_HEADER; 64];
            let mut request = httparse::Request::new(&mut parsed);
            prop_assert_eq!(request.parse(text.as_bytes()), Ok(httparse::Status::Complete(text.len())));
            prop_assert_eq!(request.method, Some(method.as_str()));
            prop_assert_eq!(request.path, Some(target.as_str()));
            prop_assert!(target.parse::<http::Uri>().is_ok());
            let names: Vec<_> = request.headers[1..].iter().map(|header| header.name).collect();
            prop_assert_eq!(names, headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>());
            prop_assert!(passed == text.len());
        }
    }
}
