//! Applications that fail, and clients that go.

use std::sync::atomic::Ordering;

use crate::client::Client;
use crate::server::TestServer;

#[test]
fn an_application_that_fails_before_the_response_is_a_500_and_the_connection_goes_on() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    for path in ["/fail", "/too-much"] {
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let response = client.response();
        assert_eq!(
            (response.status, response.body.as_str()),
            (500, "Internal Server Error\n")
        );
        assert_eq!(response.id.len(), 32);
        client = Client::connect(&server);
    }
}

#[test]
fn an_application_that_fails_in_the_middle_cuts_the_response_off() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send("GET /fail-late HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().0, 200);
    client.assert_reset();
    // Nothing but the reset tells an old client that this is not the end.
    let mut client = Client::connect(&server);
    client.send("GET /fail-late HTTP/1.0\r\n\r\n");
    assert_eq!(client.head().0, 200);
    client.assert_reset();
}

#[test]
fn a_response_shorter_than_promised_is_cut_off() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send("GET /too-little HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut rest = Vec::new();
    let ended = std::io::Read::read_to_end(&mut client.0, &mut rest);
    assert!(ended.is_err() || !rest.ends_with(b"hello\nxxxx"));
    server.until("the connection is gone", |server| server.connections() == 0);
}

#[test]
fn the_application_learns_that_the_client_is_gone() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
    server.until("it is called", |server| {
        server.seen.calls.load(Ordering::Relaxed) == 1
    });
    drop(client);
    server.until("it is told", |server| {
        server.seen.closed.load(Ordering::Relaxed) == 1
    });
    server.until("nothing is left", |server| {
        server.connections() == 0 && server.tasks() == 2
    });
}

#[test]
fn the_application_learns_that_a_body_will_not_come() {
    let server = TestServer::start();
    for body in [
        "Content-Length: 10\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        let torn = server.seen.torn.load(Ordering::Relaxed);
        let mut client = Client::connect(&server);
        client.send(format!("POST /echo HTTP/1.1\r\nHost: a\r\n{body}"));
        server.until("it is called", |server| {
            server.seen.calls.load(Ordering::Relaxed) > torn
        });
        drop(client);
        server.until("it is told", |server| {
            server.seen.torn.load(Ordering::Relaxed) > torn
        });
    }
    server.until("nothing is left", |server| {
        server.connections() == 0 && server.tasks() == 2
    });
}

#[test]
fn a_client_that_goes_in_the_middle_of_a_response_hurts_nobody() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().0, 200);
    drop(client);
    server.until("it is told", |server| {
        server.seen.closed.load(Ordering::Relaxed) == 1
    });
    assert_eq!(Client::connect(&server).get("/").status, 200);
}

#[test]
fn a_client_that_sends_no_more_still_gets_its_answer() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = client.0.get_mut();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    for _ in 0..2 {
        assert_eq!(client.response().body, "hello\n");
    }
    client.assert_closed();
    // Also one that is larger than what the sockets hold.
    let mut client = Client::connect(&server);
    client.send("GET /megabytes HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = client.0.get_mut();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.response().body.len(), 16 << 20);
    client.assert_closed();
}

#[test]
fn a_client_that_ends_its_side_counts_as_gone() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = client.0.get_mut();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    server.until("it is told", |server| {
        server.seen.closed.load(Ordering::Relaxed) == 1
    });
    client.assert_closed();
}

#[test]
fn bytes_that_make_no_request_hurt_nobody() {
    let server = TestServer::start();
    for bytes in ["", "G", "GET / HTTP/1.1\r\nHost: a\r\n", "PRI * HT", "\r\n"] {
        let mut client = Client::connect(&server);
        client.send(bytes);
        drop(client);
    }
    server.until("nothing is left", |server| {
        server.connections() == 0 && server.tasks() == 2
    });
    assert_eq!(Client::connect(&server).get("/").status, 200);
}
