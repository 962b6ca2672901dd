//! HTTP/2 against clients that flood: the connection ends, others are served meanwhile.

use std::io::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::client::Client;
use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GET, GOAWAY, HEADERS, Http2, PING, POST, PRIORITY,
    RESET, SETTINGS, WINDOW_UPDATE, frame, head, line,
};
use crate::server::TestServer;

/// The connection of a flood is ended, and nothing of it is left; others are served.
fn is_over(server: &TestServer) {
    server.until("the connection is gone", |server| server.connections() == 0);
    server.until("nothing is left", |server| server.tasks() == 2);
    assert_eq!(Client::connect(server).get("/").status, 200);
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
    client.flood(&flood);
    is_over(&server);
}

#[test]
fn resets_within_bodies_count_until_the_application_ends() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    let mut taken = 0;
    for first in (1..4000).step_by(100) {
        let streams = (first..first + 100).step_by(2);
        let heads = streams.clone().flat_map(|stream| {
            let block = head(POST, "/slow-to-leave");
            frame(HEADERS, END_HEADERS, stream, &block)
        });
        let resets = streams.flat_map(|stream| frame(RESET, 0, stream, &8_u32.to_be_bytes()));
        // The applications have begun to read when they hear of it.
        let ping = frame(PING, 0, 0, &[0; 8]);
        let flood: Vec<u8> = heads.chain(ping).collect();
        if !client.flood(&flood) || !client.passes(PING) {
            break;
        }
        taken += 50;
        if !client.flood(&resets.collect::<Vec<u8>>()) {
            break;
        }
    }
    assert!(taken < 1000, "{taken}");
    is_over(&server);
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

#[test]
fn requests_that_are_given_up_do_not_pile_up_in_the_application() {
    for path in ["/never", "/linger"] {
        let server = TestServer::start();
        let mut client = Http2::connect(&server);
        let mut other = Client::connect(&server);
        for stream in (1..2001).step_by(2) {
            let request = frame(HEADERS, END_HEADERS | END_STREAM, stream, &head(GET, path));
            let reset = frame(RESET, 0, stream, &8_u32.to_be_bytes());
            // Each is with the application before it is given up.
            if !client.flood(&request) || other.get("/").status != 200 || !client.flood(&reset) {
                break;
            }
        }
        // An application that ends in time may be called again; one that goes on may not.
        let calls = server.seen.calls.load(Ordering::Relaxed);
        assert_eq!(calls > 1200, path == "/never", "{calls} calls");
        drop((client, other));
        is_over(&server);
    }
}

#[test]
fn resets_that_the_client_provokes_end_the_connection() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    for stream in (1..4000).step_by(2) {
        let request = frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            stream,
            &head(GET, "/never"),
        );
        // A window that grows by nothing is an error of the stream (RFC 9113 6.9).
        let error = frame(WINDOW_UPDATE, 0, stream, &0_u32.to_be_bytes());
        if !client.flood(&[request, error].concat()) {
            break;
        }
    }
    is_over(&server);
}

#[test]
fn a_head_without_end_ends_the_connection() {
    let server = TestServer::start();
    for payload in [
        &[][..],
        &line("x", "y"),
        &line("x", &"y".repeat(100)).repeat(100),
    ] {
        let mut client = Http2::connect(&server);
        client.send(HEADERS, END_STREAM, 1, &head(GET, "/"));
        let some = frame(CONTINUATION, 0, 1, payload).repeat(100);
        for _ in 0..1000 {
            if !client.flood(&some) {
                break;
            }
        }
        is_over(&server);
    }
    // Those of the others: none of these heads came to the application.
    assert_eq!(server.seen.calls.load(Ordering::Relaxed), 3);
}

#[test]
fn a_head_in_pieces_is_served_where_it_has_an_end() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    client.send(HEADERS, END_STREAM, 1, &head(GET, "/"));
    client.send(CONTINUATION, 0, 1, &line("x", "y"));
    client.send(CONTINUATION, END_HEADERS, 1, &line("x", "z"));
    assert_eq!(client.response().2, b"hello\n");
}

#[test]
fn a_frame_in_the_middle_of_a_head_ends_the_connection() {
    let server = TestServer::start();
    let mut client = Http2::connect(&server);
    client.send(HEADERS, END_STREAM, 1, &head(GET, "/"));
    client.send(PING, 0, 0, &[0; 8]);
    client.find(GOAWAY);
    is_over(&server);
}

#[test]
fn frames_that_carry_nothing_do_not_starve_others() {
    let server = TestServer::with(|settings| settings.request_timeout = Duration::from_millis(300));
    let mut client = Http2::connect(&server);
    client.request(1, POST, "/echo", 0);
    let empty = frame(DATA, 0, 1, &[]);
    let priority = frame(PRIORITY, 0, 3, &[0, 0, 0, 0, 1]);
    let unknown = frame(0xfa, 0, 0, &[0; 8]);
    let flood = [empty, priority, unknown].concat().repeat(100);
    let mut other = Client::connect(&server);
    for _ in 0..20 {
        client.flood(&flood);
        assert_eq!(other.get("/").status, 200);
    }
    drop(other);
    // The body does not come, whatever else does.
    server.until("the application is told", |server| {
        server.seen.torn.load(Ordering::Relaxed) == 1
    });
    drop(client);
    is_over(&server);
}
