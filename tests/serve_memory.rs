//! Back-pressure: what one side does not take, the other does not pile up. In a process of its own,
//! because it looks at the process's memory.

#![cfg(test)]
#![allow(dead_code, reason = "each test binary uses its own part")]

#[path = "serve/application.rs"]
mod application;
#[path = "serve/client.rs"]
mod client;
#[path = "serve/frames.rs"]
mod frames;
#[path = "serve/server.rs"]
mod server;
#[path = "serve/websocket_application.rs"]
mod websocket_application;

use std::io::{Read as _, Write as _};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use application::LARGE;
use client::Client;
use frames::{CONTINUATION, END_STREAM, GET, HEADERS, Http2, frame, head, line};
use server::TestServer;

/// Far more than the buffers of one connection, far less than what goes through it.
const FEW_BUFFERS: usize = 16 << 20;

/// One test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Memory of this process, client and server together, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim()
        .trim_end_matches(" kB")
        .parse::<usize>()
        .unwrap()
        << 10
}

#[test]
fn a_large_response_to_a_slow_reader_waits_in_the_application() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = TestServer::with(|settings| settings.write_timeout = Duration::from_secs(60));
    let mut client = Client::connect(&server);
    client.get("/");
    let before = resident();
    client.send("GET /large HTTP/1.0\r\n\r\n");
    assert_eq!(client.head().0, 200);
    let mut most = server.settled(|_| resident());
    let (mut received, mut buffer) = (0, vec![0; 256 << 10]);
    loop {
        let count = client.0.read(&mut buffer).unwrap();
        if count == 0 {
            break;
        }
        received += count;
        most = most.max(resident());
    }
    assert_eq!(received, LARGE);
    assert!(
        most < before + FEW_BUFFERS,
        "grew by {} bytes",
        most - before
    );
}

#[test]
fn a_large_upload_to_a_slow_application_waits_in_the_client() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = TestServer::with(|settings| settings.limits.body = LARGE as u64);
    let mut client = Client::connect(&server);
    client.get("/");
    let before = resident();
    client.send(format!(
        "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n"
    ));
    let piece = vec![b'x'; 256 << 10];
    let mut most = before;
    for _ in 0..LARGE / piece.len() {
        client.0.get_mut().write_all(&piece).unwrap();
        most = most.max(resident());
    }
    assert_eq!(client.response().body, format!("{LARGE}\n"));
    assert_eq!(server.seen.received.load(Ordering::Relaxed), LARGE);
    assert!(
        most < before + FEW_BUFFERS,
        "grew by {} bytes",
        most - before
    );
}

/// Asserts that memory has not grown by much since it was `before`, also a few requests later.
fn assert_bounded(server: &TestServer, before: usize) {
    let mut most = resident();
    let mut other = Client::connect(server);
    for _ in 0..20 {
        assert_eq!(other.get("/").status, 200);
        most = most.max(resident());
    }
    let grown = most.saturating_sub(before);
    assert!(grown < FEW_BUFFERS, "grew by {grown} bytes");
}

#[test]
fn streams_that_nobody_reads_wait_in_the_application() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = TestServer::start();
    Client::connect(&server).get("/");
    let before = resident();
    let mut client = Http2::connect(&server);
    for stream in (1..201).step_by(2) {
        client.request(stream, GET, "/large", END_STREAM);
    }
    server.until("all are called", |server| {
        server.seen.calls.load(Ordering::Relaxed) == 101
    });
    assert_bounded(&server, before);
}

#[test]
fn a_head_without_end_is_not_kept() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = TestServer::start();
    Client::connect(&server).get("/");
    let before = resident();
    let some = frame(CONTINUATION, 0, 1, &line("x", &"y".repeat(100)).repeat(100));
    let mut client = Http2::connect(&server);
    client.send(HEADERS, END_STREAM, 1, &head(GET, "/"));
    for _ in 0..LARGE / some.len() {
        if !client.flood(&some) {
            break;
        }
    }
    assert_bounded(&server, before);
}

#[test]
fn requests_whose_answers_nobody_reads_wait_in_the_client() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = TestServer::with(|settings| settings.write_timeout = Duration::from_secs(60));
    let mut client = Client::connect(&server);
    client.get("/");
    let before = resident();
    let stream = client.0.get_mut();
    stream
        .set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let many = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(10_000);
    // At some point the server takes no more.
    let mut sent = 0;
    while stream.write_all(many.as_bytes()).is_ok() {
        sent += many.len();
        assert!(sent < LARGE, "the server takes everything");
    }
    assert_bounded(&server, before);
}
