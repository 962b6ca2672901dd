//! Files as bodies, and interim responses ahead of the one that counts.

use std::sync::atomic::Ordering;

use crate::application::SENT;
use crate::client::Client;
use crate::server::TestServer;

fn sent() -> String {
    std::fs::read_to_string(SENT).unwrap()
}

#[test]
fn a_file_is_sent_with_its_length() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    for _ in 0..3 {
        let response = client.get("/file");
        let length = sent().len().to_string();
        assert_eq!(response.header("content-length"), Some(length.as_str()));
        assert_eq!(response.body, sent());
    }
    assert_eq!(client.get("/").body, "hello\n");
}

#[test]
fn as_much_of_a_file_is_sent_as_was_promised() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    assert_eq!(client.get("/file-part").body, sent()[..10]);
    let response = client.get("/file-too-short");
    assert_eq!(
        (response.status, response.header("connection")),
        (500, Some("close"))
    );
}

#[test]
fn a_file_is_not_sent_where_a_response_has_no_body() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send("HEAD /file-part HTTP/1.1\r\nHost: a\r\n\r\n");
    let response = client.response_to("HEAD");
    assert_eq!(response.header("content-length"), Some("10"));
    assert_eq!(client.get("/").body, "hello\n");
}

#[test]
fn trailers_may_follow_a_file() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    let response = client.get("/file-trailers");
    assert_eq!(response.header("transfer-encoding"), Some("chunked"));
    assert_eq!(response.body, sent());
}

#[test]
fn the_application_learns_that_nobody_takes_the_file() {
    let server = TestServer::start();
    // More than every buffer on the way, so that the file is not through before the client is gone.
    let mut clients: Vec<_> = (0..2).map(|_| Client::connect(&server)).collect();
    for client in &mut clients {
        client.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200));
    }
    server.until("they are called", |server| {
        server.seen.calls.load(Ordering::Relaxed) > 10
    });
    drop(clients);
    server.until("nothing is left", |server| {
        server.connections() == 0 && server.tasks() == 2
    });
    assert_eq!(Client::connect(&server).get("/file").body, sent());
}

#[test]
fn hints_come_before_the_response_and_only_over_http_1_1() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send("GET /hints HTTP/1.1\r\nHost: a\r\n\r\n");
    let hint = |client: &mut Client| client.head().1;
    assert_eq!(
        hint(&mut client),
        "HTTP/1.1 103 Early Hints\nlink: </a>\nlink: </b>"
    );
    assert_eq!(hint(&mut client), "HTTP/1.1 103 Early Hints\nlink: </c>");
    let response = client.response();
    assert_eq!(
        (
            response.status,
            response.body.as_str(),
            response.header("link")
        ),
        (200, "hinted\n", None)
    );
    client.send("GET /hints HTTP/1.0\r\n\r\n");
    assert_eq!(client.response().body, "hinted\n");
}

#[test]
fn hints_of_pipelined_requests_stay_with_their_responses() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send("GET /hints HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20));
    for _ in 0..20 {
        let (mut status, mut head, _) = client.head();
        while status == 103 {
            (status, head, _) = client.head();
        }
        assert_eq!(status, 200);
        assert!(head.contains("content-length: 7"), "{head}");
        let mut body = [0; 7];
        std::io::Read::read_exact(&mut client.0, &mut body).unwrap();
        assert_eq!(&body, b"hinted\n");
    }
}
