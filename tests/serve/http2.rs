//! HTTP/2 with prior knowledge, frame by frame.

use std::io::{Read as _, Write as _};
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::client::Client;
use crate::server::TestServer;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const END_STREAM: u8 = 1;
const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

pub(crate) struct Http2(pub(crate) Client);

impl Http2 {
    pub(crate) fn connect(server: &TestServer) -> Self {
        let mut client = Self(Client::connect(server));
        client.0.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        client.send(SETTINGS, 0, 0, &[]);
        client
    }

    pub(crate) fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.0.send(frame(kind, flags, stream, payload));
    }

    /// A request whose pseudo headers are these, with an authority.
    pub(crate) fn request(&mut self, stream: u32, method: u8, path: &str, flags: u8) {
        self.send(HEADERS, END_HEADERS | flags, stream, &head(method, path));
    }

    /// The next frame; None at the end of the connection.
    pub(crate) fn frame(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        if self.0.0.read_exact(&mut head).is_err() {
            return None;
        }
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        self.0.0.read_exact(&mut payload).unwrap();
        let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream,
            payload,
        })
    }

    /// The next frame of this kind.
    pub(crate) fn find(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self
                .frame()
                .unwrap_or_else(|| panic!("no frame of kind {kind}"));
            if frame.kind == kind && !(kind == SETTINGS && frame.flags & ACK != 0) {
                return frame;
            }
        }
    }

    /// First byte of the next response's header block, and its body.
    pub(crate) fn response(&mut self) -> (u32, u8, Vec<u8>) {
        let head = self.find(HEADERS);
        let mut body = Vec::new();
        let mut ended = head.flags & END_STREAM != 0;
        while !ended {
            let data = self.find(DATA);
            ended = data.flags & END_STREAM != 0;
            body.extend(data.payload);
        }
        (head.stream, head.payload[0], body)
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Entries of HPACK's static table (RFC 7541 A): methods and statuses.
pub(crate) const GET: u8 = 0x82;
const POST: u8 = 0x83;
pub(crate) const OK: u8 = 0x88;
const BAD_REQUEST: u8 = 0x8c;
const SERVER_ERROR: u8 = 0x8e;

/// A header block: method, scheme, path and authority, the last two literal and not indexed.
fn head(method: u8, path: &str) -> Vec<u8> {
    let mut block = vec![method, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
    block.extend(path.bytes());
    block.extend([0x01, 1, b'a']);
    block
}

/// A header line, literal and not indexed.
pub(crate) fn line(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0];
    for text in [name, value] {
        block.push(u8::try_from(text.len()).unwrap());
        block.extend(text.bytes());
    }
    block
}

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
    ] {
        let block = [head(GET, "/"), more].concat();
        client.send(HEADERS, END_HEADERS | END_STREAM, stream, &block);
        assert_eq!(client.response().1, BAD_REQUEST);
    }
    let calls = server.seen.calls.load(Ordering::Relaxed);
    let block = [head(POST, "/echo"), line("content-length", "6")].concat();
    client.send(HEADERS, END_HEADERS, 5, &block);
    assert_eq!(client.response().2, b"the request body is too large\n");
    assert_eq!(server.seen.calls.load(Ordering::Relaxed), calls);
    client.request(7, POST, "/echo", 0);
    client.send(DATA, 0, 7, b"abcdef");
    assert_eq!(client.response().2, b"the request body is too large\n");
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
fn a_rapid_reset_ends_the_connection() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    let mut flood = Vec::new();
    for stream in (1..4000).step_by(2) {
        flood.extend(frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            stream,
            &head(GET, "/never"),
        ));
        flood.extend(frame(RESET, 0, stream, &8_u32.to_be_bytes()));
    }
    // The server may end the connection before it has all of this.
    let _ = client.0.0.get_mut().write_all(&flood);
    server.until("the connection is gone", |server| server.connections() == 0);
    assert_eq!(Client::connect(&server).get("/").status, 200);
}

#[test]
fn floods_of_pings_and_settings_do_not_starve_others() {
    let server = TestServer::with(|settings| settings.keep_alive_timeout = Duration::from_secs(3));
    let mut flooding = Http2::connect(&server);
    flooding
        .0
        .0
        .get_mut()
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let flood = [frame(PING, 0, 0, &[0; 8]), frame(SETTINGS, 0, 0, &[])]
        .concat()
        .repeat(2000);
    let mut other = Client::connect(&server);
    for _ in 0..5 {
        // Nobody reads the answers: at some point the server takes no more either.
        let _ = flooding.0.0.get_mut().write(&flood);
        assert_eq!(other.get("/").status, 200);
    }
    server.until("the flood is over", |server| server.connections() == 0);
}

#[test]
fn a_header_list_that_is_too_large_does_not_end_in_the_application() {
    let server = TestServer::with(|settings| settings.limits.head = 4096);
    let mut client = Http2::connect(&server);
    let block = [head(GET, "/"), line("x", &"y".repeat(100)).repeat(60)].concat();
    client.send(HEADERS, END_HEADERS | END_STREAM, 1, &block);
    loop {
        match client.frame() {
            Some(frame) if [SETTINGS, WINDOW_UPDATE].contains(&frame.kind) => {}
            Some(frame) => {
                assert!([HEADERS, RESET, GOAWAY].contains(&frame.kind), "{frame:?}");
                break;
            }
            None => break,
        }
    }
    assert_eq!(server.seen.calls.load(Ordering::Relaxed), 0);
}
