//! Draining: what is under way is finished, and nothing else is begun.

use std::sync::atomic::Ordering;

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
    std::thread::sleep(std::time::Duration::from_millis(20));
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
        server.connections() == 0 && server.tasks() == 0
    });
    assert!(std::net::TcpStream::connect(server.address).is_err());
}

#[test]
fn a_first_request_that_was_on_its_way_is_served() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    server.until("it is accepted", |server| server.connections() == 1);
    server.drain();
    server.until("it listens no more", |server| server.tasks() == 1);
    let response = client.get("/");
    assert_eq!(
        (response.status, response.header("connection")),
        (200, Some("close"))
    );
    client.assert_closed();
}
