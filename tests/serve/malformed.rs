//! Requests that are not HTTP, or that two servers could read in two ways: refused, and closed.

use std::net::Shutdown;
use std::sync::atomic::Ordering;

use crate::client::Client;
use crate::server::TestServer;

const GOOD: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Sends these bytes and a good request behind them: the status of the only answer.
fn refused(server: &TestServer, bytes: impl AsRef<[u8]>) -> u16 {
    let raw = bytes.as_ref();
    let bytes = raw.escape_ascii().to_string();
    let calls = server.seen.calls.load(Ordering::Relaxed);
    let mut client = Client::connect(server);
    client.send(raw).send(GOOD);
    let response = client.response();
    assert_eq!(response.header("connection"), Some("close"), "{bytes:?}");
    assert_eq!(response.header("server"), Some("pounce"), "{bytes:?}");
    assert_eq!(response.id.len(), 32, "{bytes:?}");
    client.assert_closed();
    assert_eq!(
        server.seen.calls.load(Ordering::Relaxed),
        calls,
        "{bytes:?}"
    );
    response.status
}

#[test]
fn every_malformed_head_is_answered_with_400_and_reaches_nobody() {
    let server = TestServer::start();
    let post = |rest: &str| format!("POST /echo HTTP/1.1\r\nHost: a\r\n{rest}");
    for bytes in [
        " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1x\r\nHost: a\r\n\r\n",
        "GET / HTCPCP/1.1\r\nHost: a\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
        "GET / HTTP/1.1\rHost: a\r\r",
        "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\n\n",
        "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
        "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / http/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/01.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.10\r\nHost: a\r\n\r\n",
        "GET / HTTP/1,1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1\r\nHost: a\r\n\r\n",
        "GET / HTTP/+1.1\r\nHost: a\r\n\r\n",
        "GET HTTP/1.1\r\nHost: a\r\n\r\n",
        "/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET\0 / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /?\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\\a#b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a/#b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a:b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET //a b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS a HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT * HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \u{e4}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
    ] {
        assert_eq!(refused(&server, bytes), 400, "{bytes:?}");
    }
    for rest in [
        "X: a\r\n b\r\n\r\n",
        "X : a\r\n\r\n",
        "X\r\n\r\n",
        ": a\r\n\r\n",
        "X y: a\r\n\r\n",
        "X: \0\r\n\r\n",
        "X: a\rb\r\n\r\n",
        "X: \x07\r\n\r\n",
        "X: \x7f\r\n\r\n",
        "\0X: a\r\n\r\n",
        "X\t: a\r\n\r\n",
        "X\r: a\r\n\r\n",
        "X\n: a\r\n\r\n",
        "X(: a\r\n\r\n",
        "\u{e4}: a\r\n\r\n",
        "\tX: a\r\n\r\n",
        "X: a\r\n\tb\r\n\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "Content-Length: 5, 5\r\n\r\nhello",
        "Content-Length: +5\r\n\r\nhello",
        "Content-Length: 0x5\r\n\r\nhello",
        "Content-Length: -5\r\n\r\nhello",
        "Content-Length: 5,5\r\n\r\nhello",
        "Content-Length: 5 5\r\n\r\nhello",
        "Content-Length: 5.0\r\n\r\nhello",
        "Content-Length: 5;a\r\n\r\nhello",
        "Content-Length: \"5\"\r\n\r\nhello",
        "Content-Length: 5\0\r\n\r\nhello",
        "Content-Length: 18446744073709551621\r\n\r\nhello",
        "Content-Length:\r\n 5\r\n\r\nhello",
        "Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
        "\u{b2}Content-Length: 5\r\n\r\nhello",
        "Content-Length: \u{665}\r\n\r\nhello",
        "Content-Length: \r\n\r\nhello",
        "Content-Length: 5 \x0b\r\n\r\nhello",
        "Content-Length: 99999999999999999999\r\n\r\nhello",
        "Content-Length : 5\r\n\r\nhello",
        "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: , chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\x0b\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chun\rked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: \r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
        " Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    ] {
        assert_eq!(refused(&server, post(rest)), 400, "{rest:?}");
    }
    for old in [
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        assert_eq!(refused(&server, old), 400, "{old:?}");
    }
    // Not UTF-8.
    assert_eq!(
        refused(&server, b"GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n"),
        400
    );
    assert_eq!(
        refused(&server, b"GET / HTTP/1.1\r\nHost: a\xe4\r\n\r\n"),
        400
    );
    assert_eq!(
        refused(&server, post("").replace("Host", "\u{212a}").as_bytes()),
        400
    );
}

#[test]
fn names_and_methods_are_tokens_and_values_have_no_controls() {
    let server = TestServer::start();
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    for byte in 0..=255 {
        let mut heads = Vec::new();
        if !token(byte) && byte != b':' {
            for name in [[b'x', byte, b'y'], [byte, b'x', b'y'], [b'x', b'y', byte]] {
                heads.push([b"GET / HTTP/1.1\r\nHost: a\r\n", &name[..], b": z\r\n\r\n"].concat());
            }
            heads.push([b"GE", &[byte][..], b"T / HTTP/1.1\r\nHost: a\r\n\r\n"].concat());
        }
        if byte.is_ascii_control() && byte != b'\t' {
            let value = [
                b"GET / HTTP/1.1\r\nHost: a\r\nx: y",
                &[byte][..],
                b"z\r\n\r\n",
            ];
            heads.push(value.concat());
        }
        for head in heads {
            assert_eq!(refused(&server, &head), 400, "{}", head.escape_ascii());
        }
    }
}

#[test]
fn what_is_unusual_and_valid_is_served() {
    let server = TestServer::start();
    for (bytes, body) in [
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "hello\n"),
        ("GET /host HTTP/1.1\r\nhOST:a\r\n\r\n", "a\n"),
        ("GET /host HTTP/1.1\r\nHost:\t a:80 \t\r\n\r\n", "a:80\n"),
        ("GET /host HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "[::1]:80\n"),
        // The target says who is meant, whatever the header says (RFC 9112 3.2.2).
        ("GET http://b/host HTTP/1.1\r\nHost: a\r\n\r\n", "b\n"),
        ("GET HTTP://b:80/host HTTP/1.1\r\nHost: a\r\n\r\n", "b:80\n"),
        (
            "GET /\"a\"?a?b//c&x={y}|[z] HTTP/1.1\r\nHost: a\r\n\r\n",
            "no such behaviour\n",
        ),
        (
            "GET //host HTTP/1.1\r\nHost: a\r\n\r\n",
            "no such behaviour\n",
        ),
        (
            "GET /../host HTTP/1.1\r\nHost: a\r\n\r\n",
            "no such behaviour\n",
        ),
        (
            "GET /%00%2f HTTP/1.1\r\nHost: a\r\n\r\n",
            "no such behaviour\n",
        ),
        (
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            "no such behaviour\n",
        ),
        ("OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n", "hello\n"),
        ("get / HTTP/1.1\r\nHost: a\r\n\r\n", "hello\n"),
        (
            "M-SEARCH!#$%&'*+.^_`|~ / HTTP/1.1\r\nHost: a\r\n\r\n",
            "hello\n",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nX:\r\nX: \t\u{e4}\r\n!: ?\r\n\r\n",
            "hello\n",
        ),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length:05 \r\n\r\nhello",
            "hello",
        ),
        ("POST /echo HTTP/1.1\r\nHost: a\r\n\r\n", ""),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tChunked \r\n\r\n05;a=\"b\";c\r\nhello\r\n000\r\nX: y\r\n\r\n",
            "hello",
        ),
    ] {
        let mut client = Client::connect(&server);
        let response = client.send(bytes).response();
        assert_eq!(response.body, body, "{bytes:?}");
        // Both sides agree on where it ended.
        assert_eq!(client.get("/").body, "hello\n", "{bytes:?}");
    }
    let mut client = Client::connect(&server);
    let response = client.send("GET / HTTP/1.0\r\n\r\n").response();
    assert_eq!(response.body, "hello\n");
}

#[test]
fn what_is_not_served_here_has_a_status_of_its_own() {
    let server = TestServer::with(|settings| settings.http2 = false);
    assert_eq!(
        refused(&server, "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
        501
    );
    assert_eq!(refused(&server, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"), 505);
    assert_eq!(refused(&server, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
    assert_eq!(refused(&server, "GET / HTTP/0.9\r\nHost: a\r\n\r\n"), 505);
    assert_eq!(
        refused(&server, "CONNECT [::1]:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
        501
    );
    assert_eq!(refused(&server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    assert_eq!(
        refused(&server, "GET / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n"),
        417
    );
}

#[test]
fn every_malformed_chunk_ends_the_request_and_the_connection() {
    let server = TestServer::start();
    for chunks in [
        "5\nhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "ffffffffffffffff0\r\nhello\r\n0\r\n\r\n",
        "5;a\0b\r\nhello\r\n0\r\n\r\n",
        "5;a\rb\r\nhello\r\n0\r\n\r\n",
        "5;a\nhello\r\n0\r\n\r\n",
        "5;\n\r\nhello\r\n0\r\n\r\n",
        "5\r;a\r\nhello\r\n0\r\n\r\n",
        "5\r\r\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "5_0\r\nhello\r\n0\r\n\r\n",
        "\u{665}\r\nhello\r\n0\r\n\r\n",
        "5 ;a\r\nhello\r\n0\r\n\r\n",
        "5\t\r\nhello\r\n0\r\n\r\n",
        ";a\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "10000000000000000\r\nhello\r\n0\r\n\r\n",
        "0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "0\r\nHost: b\r\n\r\n",
        "0\r\nX : a\r\n\r\n",
        "0\r\nX: a\rb\r\n\r\n",
        "0\r\nX: \0\r\n\r\n",
        "0\r\nGET / HTTP/1.1\r\n\r\n",
        "0\n\n",
        "0\r\n\n",
        "\r\n\r\n",
        "0\r\nContent-Length: 5\r\n\r\n",
        "0\r\nX: a\n\r\n",
        "0\r\n X: a\r\n\r\n",
    ] {
        let torn = server.seen.torn.load(Ordering::Relaxed);
        let mut client = Client::connect(&server);
        client.send(
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        );
        client.send(chunks).send(GOOD);
        let response = client.response();
        assert_eq!(
            (response.status, response.header("connection")),
            (400, Some("close")),
            "{chunks:?}"
        );
        client.assert_closed();
        server.until("the body is torn", |server| {
            server.seen.torn.load(Ordering::Relaxed) > torn
        });
    }
}

#[test]
fn a_body_that_ends_early_is_the_clients_fault() {
    let server = TestServer::start();
    for (framing, body) in [
        ("Content-Length: 10", "abc"),
        ("Transfer-Encoding: chunked", "3\r\nabc\r\n"),
        ("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n"),
    ] {
        let mut client = Client::connect(&server);
        client.send(format!(
            "POST /echo HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n{body}"
        ));
        client.0.get_ref().shutdown(Shutdown::Write).unwrap();
        let response = client.response();
        assert_eq!(
            (response.status, response.body.as_str()),
            (400, "the request body ended early\n"),
            "{framing}"
        );
        client.assert_closed();
    }
}

#[test]
fn requests_in_front_of_a_malformed_one_are_answered_first() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send(concat!(
        "GET /later HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ));
    let statuses: Vec<_> = (0..3).map(|_| client.response().status).collect();
    assert_eq!(statuses, [200, 200, 400]);
    client.assert_closed();
    let mut client = Client::connect(&server);
    client.send(concat!(
        "GET /later HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    ));
    let statuses: Vec<_> = (0..2).map(|_| client.response().status).collect();
    assert_eq!(statuses, [200, 400]);
    client.assert_closed();
}
