//! HTTP/2 with prior knowledge, frame by frame.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::client::Client;
use crate::frames::{
    ACK, BAD_REQUEST, DATA, END_HEADERS, END_STREAM, GET, GOAWAY, HEADERS, Http2, OK, PING, POST,
    PREFACE, RESET, SERVER_ERROR, SETTINGS, WINDOW_UPDATE, frame, head, line,
};
use crate::server::TestServer;

#[test]
fn requests_are_served_beside_each_other() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    client.request(1, GET, "/later", END_STREAM);
    client.request(3, GET, "/", END_STREAM);
    assert_eq!(client.response(), (3, OK, b"hello\n".to_vec()));
    client.request(5, POST, "/echo", 0);
    client.send(DATA, 0, 5, b"abc");
    client.send(DATA, END_STREAM, 5, b"def");
    let mut rest = [client.response(), client.response()];
    rest.sort();
    assert_eq!(
        rest,
        [(1, OK, b"later\n".to_vec()), (5, OK, b"abcdef".to_vec())]
    );
}

#[test]
fn an_application_that_fails_is_a_500_or_a_reset_stream() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    client.request(1, GET, "/fail", END_STREAM);
    let (_, status, body) = client.response();
    assert_eq!(
        (status, body),
        (SERVER_ERROR, b"Internal Server Error\n".to_vec())
    );
    client.request(3, GET, "/fail-late", END_STREAM);
    assert_eq!(client.find(RESET).stream, 3);
    client.request(5, GET, "/", END_STREAM);
    assert_eq!(client.response().2, b"hello\n");
}

#[test]
fn a_stream_that_the_client_resets_is_told_to_the_application() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    client.request(1, GET, "/never", END_STREAM);
    server.until("it is called", |server| {
        server.seen.calls.load(Ordering::Relaxed) == 1
    });
    client.send(RESET, 0, 1, &8_u32.to_be_bytes());
    server.until("it is told", |server| {
        server.seen.closed.load(Ordering::Relaxed) == 1
    });
    client.request(3, GET, "/", END_STREAM);
    assert_eq!(client.response().2, b"hello\n");
}

#[test]
fn hosts_and_sizes_are_checked_as_over_http_1() {
    let server = TestServer::with(|settings| settings.limits.body = 5);
    let mut client = Http2::connect(&server);
    for (stream, more) in [
        (1, line("host", "a b")),
        (3, [line("host", "a"), line("host", "b")].concat()),
        (9, line("host", "b")),
        (11, line("host", "a:81")),
        (13, line("host", "")),
        (15, line("content-length", "0").repeat(2)),
        (17, line("x", " y")),
        (19, line("x", "y\t")),
        (21, line("x", " ")),
        (23, line("x\"", "y")),
    ] {
        let block = [head(GET, "/"), more].concat();
        client.send(HEADERS, END_HEADERS | END_STREAM, stream, &block);
        assert_eq!(client.response().1, BAD_REQUEST, "{stream}");
    }
    let calls = server.seen.calls.load(Ordering::Relaxed);
    let block = [head(POST, "/echo"), line("content-length", "6")].concat();
    client.send(HEADERS, END_HEADERS, 25, &block);
    assert_eq!(client.response().2, b"the request body is too large\n");
    assert_eq!(server.seen.calls.load(Ordering::Relaxed), calls);
    client.request(27, POST, "/echo", 0);
    client.send(DATA, 0, 27, b"abcdef");
    assert_eq!(client.response().2, b"the request body is too large\n");
    for (stream, host) in [(29, "a"), (31, "A"), (33, "a:80"), (35, "A:80"), (37, "a:")] {
        let block = [head(GET, "/host"), line("host", host)].concat();
        client.send(HEADERS, END_HEADERS | END_STREAM, stream, &block);
        assert_eq!(client.response(), (stream, OK, b"a\n".to_vec()));
    }
}

#[test]
fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let server = TestServer::with(|settings| settings.limits.body = 1 << 20);
    let mut client = Http2::connect(&server);
    let refused = [head(POST, "/"), line("content-length", "1048577")].concat();
    client.request(1, POST, "/", 0);
    assert_eq!(client.response(), (1, OK, b"hello\n".to_vec()));
    client.send(HEADERS, END_HEADERS, 3, &refused);
    assert_eq!(client.response().2, b"the request body is too large\n");
    client.send(DATA, END_STREAM, 1, b"late");
    client.send(DATA, 0, 3, &[b'x'; 1 << 14]);
    client.request(5, GET, "/", END_STREAM);
    // Neither stream is reset: clients would lose the answer.
    loop {
        let frame = client.frame().unwrap();
        assert_ne!(frame.kind, RESET, "{frame:?}");
        if frame.stream == 5 {
            break;
        }
    }
    // A body that goes on is not taken for ever.
    assert_eq!(client.find(RESET).stream, 3);
}

#[test]
fn a_connection_begins_with_settings() {
    let server = TestServer::start();
    let request = frame(HEADERS, END_HEADERS | END_STREAM, 1, &head(GET, "/"));
    for first in [
        request.clone(),
        frame(SETTINGS, ACK, 0, &[]),
        frame(SETTINGS, 0, 1, &[]),
        frame(PING, 0, 0, &[0; 8]),
    ] {
        let mut client = Client::connect(&server);
        client.send([PREFACE.as_bytes(), &first, &request].concat());
        assert!(Http2(client).frame().is_none());
    }
    assert_eq!(server.seen.calls.load(Ordering::Relaxed), 0);
    // A bit of the stream's number is reserved, and ignored.
    let mut client = Client::connect(&server);
    let settings = frame(SETTINGS, 0, 1 << 31, &[]);
    client.send([PREFACE.as_bytes(), &settings, &request].concat());
    assert_eq!(Http2(client).response().1, OK);
    // In whatever pieces they come.
    let mut client = Client::connect(&server);
    client.0.get_ref().set_nodelay(true).unwrap();
    let mut other = Client::connect(&server);
    for byte in [PREFACE.as_bytes(), &frame(SETTINGS, 0, 0, &[]), &request].concat() {
        client.send([byte]);
        other.get("/");
    }
    assert_eq!(Http2(client).response(), (1, OK, b"hello\n".to_vec()));
}

#[test]
fn trailers_have_no_white_space_around_values() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    client.request(1, GET, "/ticks", END_STREAM);
    client.find(HEADERS);
    let block = client.find(HEADERS).payload;
    // One byte of Huffman code (RFC 7541, appendix B), and it says "3".
    assert!(block.ends_with(&[0x81, 0x67]), "{block:x?}");
}

#[test]
fn headers_of_the_connection_are_left_out() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    client.request(1, GET, "/headers", END_STREAM);
    assert_eq!(client.response(), (1, OK, Vec::new()));
}

#[test]
fn schemes_and_paths_are_checked_as_over_http_1() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    let mut stream = 1;
    let mut status = |method: u8, scheme: &str, path: &str| {
        let scheme = [&[6, u8::try_from(scheme.len()).unwrap()], scheme.as_bytes()].concat();
        let block = [&[method][..], &scheme, &head(method, path)[2..]].concat();
        client.send(HEADERS, END_HEADERS | END_STREAM, stream, &block);
        stream += 2;
        client.response().1
    };
    assert_eq!(status(GET, "http", "/"), OK);
    assert_eq!(status(GET, "HTTPS", "/?a?b/c"), OK);
    for path in ["*", "?a", "/\u{e4}", "/?\u{e4}"] {
        assert_eq!(status(GET, "http", path), BAD_REQUEST, "{path}");
    }
    for scheme in ["", "1http"] {
        assert_eq!(status(GET, scheme, "/"), BAD_REQUEST, "{scheme}");
    }
    assert_eq!(server.seen.calls.load(Ordering::Relaxed), 2);
}

#[test]
fn tunnels_and_unknown_expectations_are_refused_as_over_http_1() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    let tunnel = [
        vec![0x02, 7],
        b"CONNECT".to_vec(),
        vec![0x01, 4],
        b"a:80".to_vec(),
    ]
    .concat();
    client.send(HEADERS, END_HEADERS, 1, &tunnel);
    assert_eq!(client.response().2, b"CONNECT is not served here\n");
    client.send(HEADERS, END_HEADERS, 5, &tunnel[..9]);
    assert_eq!(client.response().2, b"the request target is invalid\n");
    let block = [head(POST, "/echo"), line("expect", "tea")].concat();
    client.send(HEADERS, END_HEADERS | END_STREAM, 7, &block);
    assert_eq!(
        client.response().2,
        b"an expectation other than 100-continue\n"
    );
    assert_eq!(server.seen.calls.load(Ordering::Relaxed), 0);
}

#[test]
fn cookies_that_come_in_pieces_are_one_header() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    let pieces = [
        head(GET, "/cookies"),
        line("cookie", "a=b"),
        line("cookie", "c=d"),
    ];
    client.send(HEADERS, END_HEADERS | END_STREAM, 1, &pieces.concat());
    assert_eq!(client.response().2, b"[\"a=b; c=d\"]\n");
    let mut old = Client::connect(&server);
    old.send("GET /cookies HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n");
    assert_eq!(old.response().body, "[\"a=b\", \"c=d\"]\n");
}

#[test]
fn a_file_is_sent_and_hints_are_not() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    client.request(1, GET, "/file-part", END_STREAM);
    let expected = std::fs::read(crate::application::SENT).unwrap();
    assert_eq!(client.response(), (1, OK, expected[..10].to_vec()));
    client.request(3, GET, "/hints", END_STREAM);
    assert_eq!(client.response(), (3, OK, b"hinted\n".to_vec()));
    // Larger than the window that it may fill: it waits with the client, and goes with it.
    client.request(5, GET, "/file", END_STREAM);
    client.find(DATA);
    client.send(RESET, 0, 5, &8_u32.to_be_bytes());
    client.request(7, GET, "/", END_STREAM);
    while client.find(HEADERS).stream != 7 {}
}

#[test]
fn a_client_that_takes_nothing_is_let_go() {
    let server = TestServer::with(|settings| settings.write_timeout = Duration::from_millis(100));
    let mut client = Http2::connect(&server);
    client.request(1, GET, "/large", END_STREAM);
    // The stream's window is used up and not renewed.
    server.until("the application is told", |server| {
        server.seen.closed.load(Ordering::Relaxed) == 1
    });
    server.until("the connection is gone", |server| server.connections() == 0);
}

#[test]
fn silence_is_ended_with_a_farewell() {
    let server =
        TestServer::with(|settings| settings.keep_alive_timeout = Duration::from_millis(100));
    let mut client = Http2::connect(&server);
    client.request(1, GET, "/", END_STREAM);
    assert_eq!(client.response().2, b"hello\n");
    client.find(GOAWAY);
    server.until("nothing is left", |server| {
        server.connections() == 0 && server.tasks() == 2
    });
}

#[test]
fn a_drain_finishes_the_streams_that_are_open() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    client.request(1, GET, "/later", END_STREAM);
    server.until("it is called", |server| {
        server.seen.calls.load(Ordering::Relaxed) == 1
    });
    server.drain();
    client.find(GOAWAY);
    assert_eq!(client.response(), (1, OK, b"later\n".to_vec()));
    server.until("nothing is left", |server| server.connections() == 0);
}

#[test]
fn health_is_told_over_http_2() {
    let server = TestServer::with(|settings| settings.health_check_path = Some("/health".into()));
    let mut client = Http2::connect(&server);
    client.request(1, GET, "/health", END_STREAM);
    let (stream, status, body) = client.response();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((stream, status, &body["status"]), (1, OK, &"ok".into()));
    assert_eq!(server.seen.calls.load(Ordering::Relaxed), 0);
    client.request(3, GET, "/", END_STREAM);
    assert_eq!(client.response(), (3, OK, b"hello\n".to_vec()));
}

#[test]
fn a_large_answer_waits_for_a_slow_reader() {
    let server =
        TestServer::with(|settings| settings.keep_alive_timeout = Duration::from_millis(200));
    let mut client = Http2::connect(&server);
    client.request(1, GET, "/megabytes", END_STREAM);
    let mut received = 0;
    while received < 65_535 {
        received += client.find(DATA).payload.len();
    }
    // Longer than an idle connection would be left, and than its farewell takes.
    std::thread::sleep(Duration::from_secs(2));
    for stream in [0, 1] {
        client.send(WINDOW_UPDATE, 0, stream, &(64_u32 << 20).to_be_bytes());
    }
    loop {
        let data = client.find(DATA);
        received += data.payload.len();
        if data.flags & END_STREAM != 0 {
            break;
        }
    }
    assert_eq!(received, 16 << 20);
}

#[test]
fn a_window_that_stays_closed_ends_the_connection() {
    let server = TestServer::with(|settings| settings.write_timeout = Duration::from_millis(300));
    let mut client = Http2::connect(&server);
    // SETTINGS_INITIAL_WINDOW_SIZE: nothing may be sent.
    client.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    client.request(1, GET, "/", END_STREAM);
    client.request(3, GET, "/fail", END_STREAM);
    server.until("both are asked for", |server| {
        server.seen.calls.load(Ordering::Relaxed) == 2
    });
    server.until("the connection is over", |server| server.connections() == 0);
}

#[test]
fn an_answer_of_the_server_to_head_has_no_body() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    // The method as a literal, as the static table has none for HEAD.
    let mut block = vec![0x02, 4];
    block.extend(b"HEAD");
    block.extend(&head(GET, "/fail")[1..]);
    client.send(HEADERS, END_HEADERS | END_STREAM, 1, &block);
    let answer = client.find(HEADERS);
    assert_eq!(answer.payload[0], SERVER_ERROR);
    assert_ne!(answer.flags & END_STREAM, 0);
}
