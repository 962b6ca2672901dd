//! WebSocket over streams of HTTP/2 (RFC 8441), frame by frame.

use std::time::Duration;

use crate::frames::{
    DATA, END_HEADERS, END_STREAM, GET, GOAWAY, HEADERS, Http2, OK, RESET, SETTINGS, line,
};
use crate::server::TestServer;
use crate::websocket_client::{CLOSE, FIN, TEXT, closing, frame};

/// SETTINGS_ENABLE_CONNECT_PROTOCOL, on (RFC 8441 3).
const CONNECT_PROTOCOL: [u8; 6] = [0, 8, 0, 0, 0, 1];

/// An extended CONNECT: pseudo headers as literals, the scheme by its index.
fn connect(path: &str, protocol: &str, more: &[u8]) -> Vec<u8> {
    let mut block = vec![0x02, 7];
    block.extend(b"CONNECT");
    if !protocol.is_empty() {
        block.extend(line(":protocol", protocol));
        block.extend([0x86, 0x04, u8::try_from(path.len()).unwrap()]);
        block.extend(path.bytes());
    }
    block.extend([0x01, 1, b'a']);
    block.extend(more);
    block
}

fn version() -> Vec<u8> {
    line("sec-websocket-version", "13")
}

/// Opens a WebSocket on this stream, which is accepted.
fn open(client: &mut Http2, stream: u32, path: &str) {
    let block = connect(path, "websocket", &version());
    client.send(HEADERS, END_HEADERS, stream, &block);
    let head = client.find(HEADERS);
    assert_eq!((head.stream, head.payload[0]), (stream, OK));
    assert_eq!(head.flags & END_STREAM, 0);
}

/// The next bytes of a stream, so many of them.
fn read(client: &mut Http2, stream: u32, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < count {
        let data = client.find(DATA);
        assert_eq!(data.stream, stream);
        bytes.extend(data.payload);
    }
    bytes
}

#[test]
fn messages_come_back_beside_other_requests() {
    let server = TestServer::with(|settings| {
        settings.keep_alive_timeout = Duration::from_millis(50);
        settings.request_timeout = Duration::from_millis(50);
    });
    let mut client = Http2::connect(&server);
    let settings = client.find(SETTINGS).payload;
    assert!(settings.chunks(6).any(|one| one == CONNECT_PROTOCOL));
    open(&mut client, 1, "/echo");
    client.send(DATA, 0, 1, &frame(FIN | TEXT, b"hello"));
    assert_eq!(read(&mut client, 1, 7), b"\x81\x05hello");
    // A stream that is silent is no connection that is idle.
    std::thread::sleep(Duration::from_millis(200));
    client.request(3, GET, "/", END_STREAM);
    assert_eq!(client.response(), (3, OK, b"hello\n".to_vec()));
    client.send(DATA, 0, 1, &frame(FIN | CLOSE, &closing(4000, "")));
    assert_eq!(read(&mut client, 1, 4), [0x88, 2, 0x0f, 0xa0]);
    let end = client.find(DATA);
    assert_eq!((end.stream, end.flags & END_STREAM), (1, END_STREAM));
    server.until("it is logged", |server| {
        server.seen.log.lock().unwrap().lines().count() == 2
    });
    let log = server.seen.log.lock().unwrap().clone();
    assert!(log.contains("\"CONNECT /echo HTTP/2\" 200 11 "), "{log}");
    assert_eq!(server.seen.ends.lock().unwrap()[0].0, 4000);
    // Now it is idle.
    client.find(GOAWAY);
}

#[test]
fn what_is_no_websocket_is_refused() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    let cases = [
        (connect("/echo", "", &[]), "CONNECT is not served here\n"),
        (
            connect("/echo", "ftp", &version()),
            "CONNECT is not served here\n",
        ),
        (
            connect("/echo", "websocket", &[]),
            "Sec-WebSocket-Version is not 13\n",
        ),
        (connect("/refuse", "websocket", &version()), "who are you\n"),
        (
            connect("/fail", "websocket", &version()),
            "Internal Server Error\n",
        ),
    ];
    for (stream, (block, answer)) in (1..).step_by(2).zip(cases) {
        client.send(HEADERS, END_HEADERS, stream, &block);
        assert_eq!(client.response().2, answer.as_bytes());
    }
}

#[test]
fn a_stream_that_is_reset_and_a_connection_that_vanishes_are_noticed() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    open(&mut client, 1, "/echo");
    client.send(RESET, 0, 1, &8_u32.to_be_bytes());
    server.until("the application is told", |server| {
        server.seen.ends.lock().unwrap().len() == 1
    });
    open(&mut client, 3, "/echo");
    drop(client);
    server.until("the application is told", |server| {
        server.seen.ends.lock().unwrap().len() == 2
    });
    let ends = server.seen.ends.lock().unwrap().clone();
    assert_eq!(ends, vec![(1006, String::new()); 2]);
    server.until("nothing is left", |server| {
        server.connections() == 0 && server.tasks() == 2
    });
}

#[test]
fn a_drain_closes_streams_too() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    open(&mut client, 1, "/echo");
    server.retire(Duration::ZERO);
    assert_eq!(read(&mut client, 1, 4), [0x88, 2, 0x03, 0xf4]);
    client.send(DATA, END_STREAM, 1, &frame(FIN | CLOSE, &closing(1012, "")));
    server.until("nothing is left", |server| server.connections() == 0);
    assert_eq!(server.seen.ends.lock().unwrap()[0].0, 1012);
}

#[test]
fn a_client_that_takes_nothing_is_let_go() {
    let server = TestServer::with(|settings| settings.write_timeout = Duration::from_millis(100));
    let mut client = Http2::connect(&server);
    open(&mut client, 1, "/flood");
    // The stream's window is used up and not renewed.
    server.until("the connection is gone", |server| server.connections() == 0);
    server.until("the application is told", |server| {
        server
            .seen
            .closed
            .load(std::sync::atomic::Ordering::Relaxed)
            == 1
    });
}
