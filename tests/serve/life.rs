//! Draining: what is under way is finished, and nothing else is begun.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::client::Client;
use crate::server::TestServer;

#[test]
fn a_drain_closes_what_is_idle_and_finishes_what_is_not() {
    let server = TestServer::start();
    let mut idle = Client::connect(&server);
    idle.get("/");
    let mut busy = Client::connect(&server);
    busy.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut streaming = Client::connect(&server);
    streaming.send("GET /ticks HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut half = Client::connect(&server);
    half.get("/");
    half.send("GET / HTTP/1.1\r\nHo");
    server.until("all are called", |server| {
        server.seen.calls.load(Ordering::Relaxed) == 4
    });
    // What was sent before a request that is answered has been received.
    assert_eq!(Client::connect(&server).get("/").status, 200);
    server.drain();
    idle.assert_closed();
    let response = busy.response();
    assert_eq!(
        (response.body.as_str(), response.header("connection")),
        ("later\n", Some("close"))
    );
    busy.assert_closed();
    assert_eq!(streaming.response().body, "0\n1\n2\n");
    streaming.assert_closed();
    let response = half.send("st: a\r\n\r\n").response();
    assert_eq!(
        (response.status, response.header("connection")),
        (200, Some("close"))
    );
    half.assert_closed();
    server.until("nothing is left", |server| {
        server.connections() == 0 && server.tasks() == 1
    });
    assert!(std::net::TcpStream::connect(server.address).is_err());
}

#[test]
fn a_server_that_retires_answers_one_more_request_on_each_connection() {
    let server = TestServer::start();
    let mut busy = Client::connect(&server);
    let mut idle = Client::connect(&server);
    let mut quick = Client::connect(&server);
    idle.get("/");
    quick.get("/");
    busy.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    server.until("it is called", |server| {
        server.seen.calls.load(Ordering::Relaxed) == 3
    });
    server.retire(Duration::from_secs(2));
    server.until("it listens no more", |server| {
        std::net::TcpStream::connect(server.address).is_err()
    });
    for (response, client) in [(quick.get("/"), &mut quick), (busy.response(), &mut busy)] {
        assert_eq!(
            (response.status, response.header("connection")),
            (200, Some("close"))
        );
        client.assert_closed();
    }
    // Who asks for nothing is closed after a while.
    idle.assert_closed();
    server.until("nothing is left", |server| server.connections() == 0);
}

#[test]
fn a_first_request_that_was_on_its_way_is_served() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    server.until("it is accepted", |server| server.connections() == 1);
    server.drain();
    server.until("it listens no more", |server| server.tasks() == 2);
    let response = client.get("/");
    assert_eq!(
        (response.status, response.header("connection")),
        (200, Some("close"))
    );
    client.assert_closed();
}

#[test]
fn every_answer_has_one_line_in_the_log() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    let id = client.get("/?secret=1").id;
    client
        .send("HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        .response_to("HEAD");
    client.get("/fail");
    let mut client = Client::connect(&server);
    client.send("GET /\x7f HTTP/1.1\r\n").response();
    let mut gone = Client::connect(&server);
    gone.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
    server.until("it is called", |server| {
        server.seen.calls.load(Ordering::Relaxed) == 4
    });
    drop(gone);
    let lines = || {
        server
            .seen
            .log
            .lock()
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    server.until("all is logged", |_| lines().len() == 5);
    let lines = lines();
    for (line, part) in lines.iter().zip([
        "\"GET / HTTP/1.1\" 200 6 ",
        "\"HEAD / HTTP/1.0\" 200 0 ",
        "\"GET /fail HTTP/1.1\" 500 22 ",
        "\"- - HTTP/1.1\" 400 ",
        "\"GET /never HTTP/1.1\" 499 0 ",
    ]) {
        assert!(
            line.contains(part) && line.contains(" 127.0.0.1:"),
            "{line}"
        );
    }
    assert!(
        lines[0].ends_with(&id) && !lines[0].contains("secret"),
        "{}",
        lines[0]
    );
}
