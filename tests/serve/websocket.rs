//! WebSocket over HTTP/1.1, frame by frame.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::client::Client;
use crate::server::TestServer;
use crate::websocket_application::{FLOOD, PIECE};
use crate::websocket_client::{
    BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, RSV1, Socket, TEXT, closing, frame, handshake,
};

/// Waits until the application has seen so many ends, and gives the last.
fn last_end(server: &TestServer, count: usize) -> (u16, String) {
    server.until("the application hears of the end", |server| {
        server.seen.ends.lock().unwrap().len() == count
    });
    server.seen.ends.lock().unwrap().last().cloned().unwrap()
}

#[test]
fn messages_come_back_and_both_sides_say_goodbye() {
    let server = TestServer::start();
    let mut socket = Socket::open(&server, "/echo");
    for length in [0, 1, 125, 126, 1000, 65535, 65536, 1_000_000] {
        let payload: Vec<u8> = (0..length).map(|at: u32| (at % 251) as u8).collect();
        socket.send(BINARY, &payload).expect(BINARY, &payload);
        let text = "\u{1f40e}".repeat(length as usize / 4);
        socket.send(TEXT, &text).expect(TEXT, &text);
    }
    socket
        .send(PING, "are you there")
        .expect(PONG, "are you there");
    socket.send(PONG, "nobody asked");
    // A message in parts, with a ping between them.
    socket.0.send(frame(TEXT, b"one, "));
    socket.0.send(frame(FIN | PING, b""));
    socket.0.send(frame(CONTINUATION, b"two, "));
    socket.0.send(frame(FIN | CONTINUATION, b"three"));
    socket.expect(PONG, "");
    socket.expect(TEXT, "one, two, three");
    socket.send(CLOSE, closing(4321, "enough"));
    assert_eq!(socket.expect_close(4321), "");
    socket.0.assert_closed();
    drop(socket);
    assert_eq!(last_end(&server, 1), (4321, "enough".to_owned()));
    server.until("nothing is left", |server| server.connections() == 0);
}

#[test]
fn a_handshake_is_valid_or_refused() {
    let server = TestServer::start();
    let refusals = [
        ("Connection: Upgrade", "Connection: close", 400),
        ("GET", "POST", 400),
        ("dGhlIHNhbXBsZSBub25jZQ==", "too short", 400),
        ("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nhi", 400),
        ("\r\n\r\n", "\r\nSec-WebSocket-Protocol: a b\r\n\r\n", 400),
        ("Version: 13", "Version: 12", 426),
    ];
    for (part, instead, status) in refusals {
        let request = handshake("/echo", "").replacen(part, instead, 1);
        let response = Client::connect(&server).send(request).response();
        assert_eq!(response.status, status, "{instead}");
        assert!(!response.body.is_empty());
        if status == 426 {
            assert_eq!(response.header("sec-websocket-version"), Some("13"));
            assert_eq!(response.header("upgrade"), Some("websocket"));
            assert_eq!(response.header("connection"), Some("upgrade, close"));
        }
    }
    assert_eq!(server.seen.calls.load(Ordering::Relaxed), 0);
    // In HTTP/1.0 there are no upgrades: this is a request like others.
    let old = handshake("/", "").replace("HTTP/1.1", "HTTP/1.0");
    let response = Client::connect(&server).send(old).response();
    assert_eq!((response.status, response.body.as_str()), (200, "hello\n"));
}

#[test]
fn the_answer_has_what_was_agreed_on_and_what_is_the_applications() {
    let server = TestServer::start();
    let (_, head) = Socket::with(&server, "/echo", "Sec-WebSocket-Protocol: b, a\r\n");
    assert_eq!(
        head.lines().collect::<Vec<_>>(),
        [
            "HTTP/1.1 101 Switching Protocols",
            "upgrade: websocket",
            "connection: upgrade",
            "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            "sec-websocket-protocol: b",
            "server: pounce",
        ]
    );
    let (mut socket, head) = Socket::with(&server, "/headers", "");
    assert!(head.contains("x-mine: mine") && head.contains("connection: upgrade\n"));
    assert!(!head.contains("extensions") && !head.contains("content-length"));
    socket.expect_close(1000);
}

#[test]
fn a_handshake_may_be_answered_in_http_and_the_connection_goes_on() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    let response = client.send(handshake("/refuse", "")).response();
    assert_eq!(
        (response.status, response.body.as_str()),
        (401, "who are you\n")
    );
    assert_eq!(client.get("/").body, "hello\n");
    let failed = client.send(handshake("/fail", "")).response();
    assert_eq!(failed.status, 500);
    // One that came before it in the same breath is answered first.
    let mut client = Client::connect(&server);
    client.send(format!(
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n{}",
        handshake("/echo", "")
    ));
    assert_eq!(client.response().body, "hello\n");
    assert_eq!(client.head().0, 101);
    let mut socket = Socket(client);
    socket.send(TEXT, "here").expect(TEXT, "here");
}

#[test]
fn what_comes_before_the_answer_is_not_lost() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    let mut bytes = handshake("/late", "").into_bytes();
    bytes.extend(frame(FIN | TEXT, b"early"));
    assert_eq!(client.send(&bytes).head().0, 101);
    let mut socket = Socket(client);
    socket.expect(TEXT, "early");
    socket.send(TEXT, "later").expect(TEXT, "later");
}

#[test]
fn what_breaks_the_protocol_is_closed_with_the_code_that_says_so() {
    let server = TestServer::with(|settings| settings.websocket.max_message_size = 1000);
    let cases = [
        (frame(FIN | 3, b""), 1002),
        (frame(FIN | RSV1 | TEXT, b"x"), 1002),
        (vec![FIN | TEXT, 1, b'x'], 1002),
        (frame(PING, b""), 1002),
        (frame(FIN | CONTINUATION, b""), 1002),
        (frame(FIN | CLOSE, b"x"), 1002),
        (frame(FIN | CLOSE, &closing(1005, "")), 1002),
        (frame(FIN | TEXT, b"\xff"), 1007),
        (frame(FIN | CLOSE, &[3, 232, 0xff]), 1007),
        (frame(FIN | BINARY, &[0; 1001]), 1009),
    ];
    for (count, (bytes, code)) in cases.into_iter().enumerate() {
        let mut socket = Socket::open(&server, "/echo");
        socket.send(TEXT, "before").expect(TEXT, "before");
        socket.0.send(&bytes);
        // More than the server will read: that must not make its answer vanish.
        socket.0.send(vec![0; 100_000]);
        assert!(!socket.expect_close(code).is_empty());
        socket.0.assert_closed();
        assert_eq!(last_end(&server, count + 1).0, code);
    }
    let mut socket = Socket::open(&server, "/echo");
    socket.send(BINARY, [0; 1000]).expect(BINARY, [0; 1000]);
    socket.send(CLOSE, "").expect(CLOSE, "");
}

#[test]
fn what_came_before_a_violation_is_answered_first_but_not_waited_for_forever() {
    let server = TestServer::with(|settings| {
        settings.websocket.close_timeout = Duration::from_millis(100);
    });
    let bytes = [frame(FIN | TEXT, b"before"), frame(FIN | 3, b"")].concat();
    let mut socket = Socket::open(&server, "/echo");
    socket.0.send(&bytes);
    socket.expect(TEXT, "before");
    socket.expect_close(1002);
    socket.0.assert_closed();
    // This application does not take anything for longer than that.
    let mut socket = Socket::open(&server, "/slow");
    socket.0.send(&bytes);
    socket.expect_close(1002);
    socket.0.assert_closed();
}

#[test]
fn a_client_that_vanishes_is_noticed() {
    let server = TestServer::start();
    let socket = Socket::open(&server, "/echo");
    drop(socket);
    assert_eq!(last_end(&server, 1), (1006, String::new()));
    let mut waiting = Client::connect(&server);
    waiting.send(handshake("/never", ""));
    server.until("it is asked", |server| {
        server.seen.calls.load(Ordering::Relaxed) == 2
    });
    drop(waiting);
    assert_eq!(last_end(&server, 2), (1006, String::new()));
    server.until("nothing is left", |server| server.connections() == 0);
}

#[test]
fn a_client_that_leaves_behind_its_handshake_is_noticed() {
    let server = TestServer::start();
    for _ in 0..100 {
        let mut client = Client::connect(&server);
        client.send(handshake("/echo", ""));
    }
    server.until("nothing is left", |server| server.connections() == 0);
    server.until("whoever was asked hears of the end", |server| {
        let calls = server.seen.calls.load(Ordering::Relaxed);
        calls > 0 && server.seen.ends.lock().unwrap().len() == calls
    });
}

#[test]
fn a_client_that_is_gone_is_noticed_while_it_is_sent_to() {
    let server = TestServer::start();
    let socket = Socket::open(&server, "/flood");
    let before = Cell::new(0);
    // It has sent what the client's side takes, and waits.
    server.until("the application is held up", |server| {
        let now = server.seen.received.load(Ordering::Relaxed);
        now > 0 && before.replace(now) == now
    });
    // What it has not read makes the client's end a reset.
    drop(socket);
    server.until("the application hears of it", |server| {
        server.seen.closed.load(Ordering::Relaxed) == 1
    });
    server.until("nothing is left", |server| server.connections() == 0);
}

#[test]
fn a_silent_client_is_asked_and_then_cut_off() {
    let server = TestServer::with(|settings| {
        settings.websocket.ping_interval = Duration::from_millis(100);
        settings.keep_alive_timeout = Duration::from_millis(10);
        settings.request_timeout = Duration::from_millis(10);
    });
    let mut socket = Socket::open(&server, "/echo");
    for _ in 0..5 {
        socket.expect(PING, "");
        socket.send(PONG, "");
    }
    socket.expect(PING, "");
    socket.0.assert_reset();
    assert_eq!(last_end(&server, 1).0, 1006);
}

#[test]
fn an_application_may_end_it_well_or_not() {
    let server = TestServer::with(|settings| {
        settings.websocket.close_timeout = Duration::from_millis(100);
    });
    let mut socket = Socket::open(&server, "/bye");
    // Cut at a character, at 123 bytes at most.
    assert_eq!(socket.expect_close(4000), "b\u{e4}".repeat(41));
    socket.send(CLOSE, closing(4000, ""));
    socket.0.assert_closed();
    let mut socket = Socket::open(&server, "/leave");
    socket.expect_close(1011);
    // A client that does not answer is not waited for.
    socket.0.assert_closed();
}

#[test]
fn a_slow_application_slows_the_client() {
    let server = TestServer::start();
    let mut socket = Socket::open(&server, "/slow");
    let message = vec![7; 100_000];
    for _ in 0..200 {
        socket.send(BINARY, &message);
    }
    socket.send(CLOSE, closing(1000, ""));
    socket.expect_close(1000);
    assert_eq!(server.seen.received.load(Ordering::Relaxed), 20_000_000);
}

#[test]
fn a_slow_client_slows_the_application_until_its_time_is_over() {
    let server = TestServer::start();
    let mut socket = Socket::open(&server, "/flood");
    let sent = server.settled(|server| server.seen.received.load(Ordering::Relaxed));
    assert!((1..FLOOD * PIECE / 4).contains(&sent), "{sent}");
    for _ in 0..FLOOD {
        assert_eq!(socket.frame().payload.len(), PIECE);
    }
    socket.expect_close(1000);

    let server = TestServer::with(|settings| {
        settings.write_timeout = Duration::from_millis(200);
    });
    let mut socket = Socket::open(&server, "/flood");
    server.until("it is given up", |server| {
        server.seen.closed.load(Ordering::Relaxed) == 1
    });
    socket.0.assert_reset();
}

#[test]
fn pings_that_nobody_reads_the_answers_of_do_not_fill_the_memory() {
    let server = TestServer::with(|settings| {
        settings.write_timeout = Duration::from_millis(300);
    });
    let socket = Socket::open(&server, "/echo");
    let mut stream = socket.0.0.get_ref();
    let pings = frame(FIN | PING, &[b'x'; 125]).repeat(500);
    // The kernel's buffers and a little more; then the server reads no further, and gives up.
    let total = (0..10_000)
        .take_while(|_| std::io::Write::write_all(&mut stream, &pings).is_ok())
        .count();
    assert!(total < 9_000, "{total}");
    assert_eq!(last_end(&server, 1).0, 1006);
}

#[test]
fn a_drain_closes_with_the_code_for_its_reason() {
    for (retire, code) in [(true, 1012), (false, 1001)] {
        let server = TestServer::start();
        let mut socket = Socket::open(&server, "/echo");
        socket.send(TEXT, "a").expect(TEXT, "a");
        if retire {
            server.retire(Duration::ZERO);
        } else {
            server.drain();
        }
        assert_eq!(socket.expect_close(code), "");
        assert_eq!(last_end(&server, 1).0, code);
        // It is waited for, and what it says until then is read.
        socket.send(TEXT, "crossed");
        assert_eq!(server.connections(), 1);
        socket.send(CLOSE, closing(code, ""));
        socket.0.assert_closed();
        drop(socket);
        server.until("nothing is left", |server| server.connections() == 0);
    }
}

#[test]
fn a_websocket_has_one_line_in_the_log_at_its_end() {
    let server = TestServer::start();
    let (mut socket, _) = Socket::with(&server, "/echo?token=secret", "");
    socket.send(TEXT, "hello").expect(TEXT, "hello");
    assert_eq!(*server.seen.log.lock().unwrap(), "");
    socket.send(CLOSE, closing(1000, ""));
    socket.expect_close(1000);
    server.until("it is logged", |server| {
        !server.seen.log.lock().unwrap().is_empty()
    });
    let log = server.seen.log.lock().unwrap().clone();
    // Seven bytes of a text frame, four of a close frame.
    assert!(log.contains("\"GET /echo HTTP/1.1\" 101 11 "), "{log}");
    assert_eq!(log.lines().count(), 1);
}

#[test]
fn connections_are_counted_while_they_are_websockets() {
    let server = TestServer::with(|settings| settings.max_connections = 1);
    let mut socket = Socket::open(&server, "/echo");
    let response = Client::connect(&server)
        .send(handshake("/echo", ""))
        .response();
    assert_eq!(
        (response.status, response.header("retry-after")),
        (503, Some("5"))
    );
    socket.send(TEXT, "still here").expect(TEXT, "still here");
}

#[test]
fn compression_is_for_those_who_offer_it_and_where_it_is_on() {
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    let server = TestServer::start();
    let (mut socket, head) = Socket::with(&server, "/echo", offer);
    assert!(head.contains(
        "sec-websocket-extensions: permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"
    ));
    // "Hello" of RFC 7692 7.2.3.1; so short that the answer is sent as it is.
    socket.send(RSV1 | TEXT, [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    socket.expect(TEXT, "Hello");
    let long = "Hello ".repeat(1000);
    socket.send(TEXT, &long);
    let frame = socket.frame();
    assert_eq!(frame.first, FIN | RSV1 | TEXT);
    assert!(frame.payload.len() < 100);
    // What the server has compressed it understands itself: the window is that of the client's side.
    socket.send(CLOSE, "").expect(CLOSE, "");

    let server = TestServer::with(|settings| settings.websocket.compression = false);
    let (mut socket, head) = Socket::with(&server, "/echo", offer);
    assert!(!head.contains("sec-websocket-extensions"));
    socket.send(RSV1 | TEXT, [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    socket.expect_close(1002);
}
