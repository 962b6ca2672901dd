//! The health endpoint: before the application is up, while it serves, and at its end.

use std::io::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pounce_core::serve::settings::Settings;
use serde_json::Value as Json;

use crate::client::{Client, Response};
use crate::server::TestServer;
use crate::tls;

const PROBE: &str = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";

fn health(settings: &mut Settings) {
    settings.health_check_path = Some("/health".into());
    settings.worker_id = 2;
}

fn status(response: &Response) -> (u16, String) {
    let body: Json = serde_json::from_str(&response.body).unwrap();
    (response.status, body["status"].as_str().unwrap().to_owned())
}

fn calls(server: &TestServer) -> usize {
    server.seen.calls.load(Ordering::Relaxed)
}

/// A connection whose request has been answered shows that an order to the server was followed before.
fn until_health_says(server: &TestServer, expected: (u16, &str)) {
    server.until("health says it", |server| {
        let (code, said) = status(&Client::connect(server).get("/health"));
        (code, said.as_str()) == expected
    });
}

#[test]
fn a_probe_is_answered_before_the_application_and_not_logged() {
    let server = TestServer::with(health);
    let mut client = Client::connect(&server);
    let response = client.get("/health?verbose=1");
    let body: Json = serde_json::from_str(&response.body).unwrap();
    assert_eq!((response.status, &body["status"]), (200, &"ok".into()));
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.id.len(), 32);
    assert_eq!(
        (&body["worker_id"], &body["active_connections"]),
        (&2.into(), &1.into())
    );
    assert!(body["uptime_seconds"].as_f64().unwrap() >= 0.0);
    let head = client
        .send("HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n")
        .response_to("HEAD");
    let length: usize = head.header("content-length").unwrap().parse().unwrap();
    assert_eq!((head.status, length), (200, response.body.len()));
    assert_eq!(calls(&server), 0);
    // Any other method, and any other path, is the application's.
    let posted = client
        .send("POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        .response();
    assert_eq!((posted.status, calls(&server)), (404, 1));
    server.until("the application's request is logged", |server| {
        server.seen.log.lock().unwrap().lines().count() == 1
    });
    assert!(server.seen.log.lock().unwrap().contains("POST /health"));
}

#[test]
fn without_a_path_there_is_no_endpoint() {
    let server = TestServer::start();
    assert_eq!(Client::connect(&server).get("/health").status, 404);
    assert_eq!(calls(&server), 1);
}

#[test]
fn an_announced_end_is_told_while_everything_is_served() {
    let server = TestServer::with(health);
    let mut open = Client::connect(&server);
    assert_eq!(status(&open.get("/health")), (200, "ok".into()));
    server.announce_end();
    until_health_says(&server, (503, "draining"));
    assert_eq!(status(&open.get("/health")), (503, "draining".into()));
    let served = Client::connect(&server).get("/");
    assert_eq!((served.status, served.header("connection")), (200, None));
}

#[test]
fn a_drain_that_was_not_announced_answers_well_and_closes() {
    let server = TestServer::with(health);
    let mut client = Client::connect(&server);
    server.until("it is accepted", |server| server.connections() == 1);
    server.drain();
    server.until("it listens no more", |server| server.tasks() == 2);
    let response = client.get("/health");
    assert_eq!(status(&response), (200, "ok".into()));
    assert_eq!(response.header("connection"), Some("close"));
    client.assert_closed();
}

#[test]
fn before_the_application_is_up_probes_are_answered_and_others_wait() {
    let server = TestServer::starting(None, health);
    let mut first = Client::connect(&server);
    first.send("GET /echo-nothing HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut upload = Client::connect(&server);
    upload.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nhel");
    let mut unfinished = Client::connect(&server);
    unfinished.send("GET /hea");
    let mut http_2 = Client::connect(&server);
    http_2.send("PRI * HT");
    for _ in 0..2 {
        let mut probe = Client::connect(&server);
        let response = probe.get("/health");
        assert_eq!(status(&response), (503, "starting".into()));
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(response.header("connection"), Some("close"));
        probe.assert_closed();
    }
    let mut head = Client::connect(&server);
    head.send("HEAD http://a/health HTTP/1.1\r\nHost: a\r\n\r\n");
    let response = head.response_to("HEAD");
    assert_eq!(response.status, 503);
    head.assert_closed();
    assert_eq!(calls(&server), 0);
    server.come_up();
    assert_eq!(first.response().status, 404);
    assert_eq!(first.get("/").body, "hello\n");
    assert_eq!(upload.send("lo\n").response().body, "hello\n");
    let response = unfinished
        .send("lth HTTP/1.1\r\nHost: a\r\n\r\n")
        .response();
    assert_eq!(status(&response), (200, "ok".into()));
    http_2.send("TP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    let mut frame = [0; 9];
    std::io::Read::read_exact(&mut http_2.0, &mut frame).unwrap();
    assert_eq!(frame[3], 4, "the server's settings");
    assert_eq!(
        status(&Client::connect(&server).get("/health")),
        (200, "ok".into())
    );
}

#[test]
fn a_probe_in_pieces_is_recognised_and_a_malformed_one_is_refused_in_the_end() {
    let server = TestServer::starting(None, health);
    let mut slow = Client::connect(&server);
    for byte in PROBE.as_bytes() {
        slow.send([*byte]);
    }
    assert_eq!(status(&slow.response()), (503, "starting".into()));
    let mut hostless = Client::connect(&server);
    hostless.send("GET /health HTTP/1.1\r\n\r\n");
    let mut smuggled = Client::connect(&server);
    smuggled.send("GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    until_health_says(&server, (503, "starting"));
    server.come_up();
    assert_eq!(hostless.response().status, 400);
    assert_eq!(smuggled.response().status, 400);
}

#[test]
fn probes_are_answered_however_many_wait() {
    let server = TestServer::starting(None, |settings| {
        health(settings);
        settings.max_connections = 1;
    });
    let mut waiting = Client::connect(&server);
    waiting.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    until_health_says(&server, (503, "starting"));
    for _ in 0..2 {
        let mut another = Client::connect(&server);
        let response = another.get("/");
        assert_eq!(response.status, 503);
        assert_eq!(response.header("retry-after"), Some("5"));
        another.assert_closed();
    }
    until_health_says(&server, (503, "starting"));
    server.come_up();
    assert_eq!(waiting.response().body, "hello\n");
}

#[test]
fn who_says_nothing_while_the_application_starts_is_cut_off() {
    let server = TestServer::starting(None, |settings| {
        health(settings);
        settings.header_timeout = Duration::from_millis(200);
    });
    let mut waiting = Client::connect(&server);
    waiting.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    for begun in ["", "GET /hea"] {
        Client::connect(&server).send(begun).assert_closed();
    }
    server.come_up();
    assert_eq!(waiting.response().body, "hello\n");
}

#[test]
fn who_has_gone_while_waiting_is_not_served() {
    let server = TestServer::starting(None, health);
    for request in ["", "GET / HT"] {
        let mut gone = Client::connect(&server);
        gone.send(request);
    }
    until_health_says(&server, (503, "starting"));
    server.come_up();
    until_health_says(&server, (200, "ok"));
    server.until("nothing is left", |server| server.connections() == 0);
    assert_eq!(calls(&server), 0);
}

#[test]
fn probes_and_others_may_come_over_tls() {
    let pair = tls::pair();
    let server = TestServer::starting(Some(pair.clone()), health);
    let mut waiting = tls::connect(&server, &pair, &["h2", "http/1.1"]);
    waiting
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    let answer = tls::get(
        &mut tls::connect(&server, &pair, &["h2", "http/1.1"]),
        "/health",
    );
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.contains("starting"),
        "{answer}"
    );
    server.come_up();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut waiting, &mut answer).unwrap();
    assert!(answer.ends_with("hello\n"), "{answer}");
    assert_eq!(waiting.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[test]
fn after_a_drain_no_socket_of_the_startup_listens() {
    let server = TestServer::starting(None, health);
    let mut waiting = Client::connect(&server);
    waiting.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    until_health_says(&server, (503, "starting"));
    server.come_up();
    assert_eq!(waiting.response().status, 200);
    server.drain();
    waiting.assert_closed();
    // A listening socket that were still open somewhere would let clients in whom nobody serves.
    server.until("it listens no more", |server| {
        std::net::TcpStream::connect(server.address).is_err()
    });
}
