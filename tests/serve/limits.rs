//! Limits of size, number and time, each with its answer.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::client::Client;
use crate::server::TestServer;

/// Long enough for a client on a busy machine to get its first bytes through.
const SOON: Duration = Duration::from_millis(700);

fn status(server: &TestServer, bytes: &str) -> u16 {
    let mut client = Client::connect(server);
    let response = client.send(bytes).response();
    assert_eq!(response.header("connection"), Some("close"));
    client.assert_closed();
    response.status
}

#[test]
fn sizes_and_numbers() {
    let server = TestServer::with(|settings| {
        settings.limits.head = 1000;
        settings.limits.headers = 5;
        settings.limits.body = 10;
    });
    let long = "a".repeat(1100);
    assert_eq!(status(&server, &format!("GET /{long} HTTP/1.1\r\n")), 414);
    assert_eq!(status(&server, &format!("GET /{long}")), 414);
    assert_eq!(
        status(
            &server,
            &format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n")
        ),
        431
    );
    assert_eq!(
        status(&server, &format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}")),
        431
    );
    let many = "X: y\r\n".repeat(5);
    assert_eq!(
        status(&server, &format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n")),
        431
    );
    let declared =
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n";
    assert_eq!(status(&server, declared), 413);
    let chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n2\r\n";
    assert_eq!(status(&server, chunked), 413);
    let mut client = Client::connect(&server);
    let fits =
        "POST /echo HTTP/1.1\r\nHost: a\r\nX: y\r\nX: y\r\nContent-Length: 10\r\n\r\n0123456789";
    assert_eq!(client.send(fits).response().body, "0123456789");
}

#[test]
fn a_client_that_sends_much_of_a_refused_body_still_reads_the_answer() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    client.send("x".repeat(100_000));
    assert_eq!(client.response().status, 413);
    client.assert_closed();
}

#[test]
fn more_headers_than_hyper_has_room_for_by_itself() {
    let server = TestServer::with(|settings| settings.limits.headers = 300);
    let many = "X: y\r\n".repeat(290);
    let mut client = Client::connect(&server);
    assert_eq!(
        client
            .send(format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"))
            .response()
            .status,
        200
    );
}

#[test]
fn a_head_that_fills_its_limit_passes() {
    let server = TestServer::start();
    let fill = "a".repeat(65_536 - "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len());
    let mut client = Client::connect(&server);
    client.send(format!(
        "\r\nGET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        &fill[2..]
    ));
    assert_eq!(client.response().status, 200);
    client.send(format!("GET / HTTP/1.1\r\nHost: a\r\nX: {fill}\r\n\r\n"));
    assert_eq!(client.response().status, 200);
    client.send(format!("GET / HTTP/1.1\r\nHost: a\r\nX: {fill}a\r\n\r\n"));
    assert_eq!(client.response().status, 431);
}

#[test]
fn a_slow_head_is_answered_with_408() {
    let server = TestServer::with(|settings| settings.header_timeout = SOON);
    assert_eq!(status(&server, "GET / HTTP/1.1\r\nHost: a\r\n"), 408);
    let mut client = Client::connect(&server);
    client.get("/");
    client.send("GET / HTTP/1.1\r\n");
    assert_eq!(client.response().status, 408);
    client.assert_closed();
}

#[test]
fn a_dripping_head_gains_nothing_by_it() {
    let server = TestServer::with(|settings| settings.header_timeout = SOON);
    let mut client = Client::connect(&server);
    client.send("GET / HTTP/1.1\r\n");
    // The server answers while this goes on, so that sending fails at last.
    use std::io::Write as _;
    while client.0.get_mut().write_all(b"X: y\r\n").is_ok() && server.connections() > 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    server.until("the connection is gone", |server| server.connections() == 0);
}

#[test]
fn silence_is_closed_without_a_word() {
    let server = TestServer::with(|settings| {
        settings.header_timeout = SOON;
        settings.keep_alive_timeout = SOON;
    });
    Client::connect(&server).assert_closed();
    let mut client = Client::connect(&server);
    client.get("/");
    client.assert_closed();
    let mut client = Client::connect(&server);
    client.get("/");
    // An empty line is not the beginning of a request.
    client.send("\r\n").assert_closed();
    server.until("nothing is left", |server| {
        server.connections() == 0 && server.tasks() == 2
    });
}

#[test]
fn an_application_that_takes_its_time_is_not_cut_off() {
    let server = TestServer::with(|settings| {
        settings.request_timeout = Duration::from_millis(10);
        settings.write_timeout = Duration::from_millis(10);
    });
    let mut client = Client::connect(&server);
    client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response().body, "later\n");
}

#[test]
fn a_slow_body_is_answered_with_408() {
    let server = TestServer::with(|settings| settings.request_timeout = SOON);
    let body = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel";
    assert_eq!(status(&server, body), 408);
}

#[test]
fn a_dripping_body_gains_nothing_by_it() {
    let server = TestServer::with(|settings| settings.request_timeout = SOON);
    let mut client = Client::connect(&server);
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    use std::io::Write as _;
    // Until the server has answered and closed.
    while client.0.get_mut().write_all(b"1\r\nx\r\n").is_ok() && server.connections() > 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    server.until("the body is torn", |server| {
        server.seen.torn.load(Ordering::Relaxed) == 1
    });
    server.until("the connection is gone", |server| server.connections() == 0);
}

#[test]
fn a_response_that_nobody_takes_is_cut_off() {
    let server = TestServer::with(|settings| settings.write_timeout = SOON);
    let mut client = Client::connect(&server);
    client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    server.until("the application is told", |server| {
        server.seen.closed.load(Ordering::Relaxed) == 1
    });
    client.assert_reset();
}

#[test]
fn a_connection_has_so_many_requests() {
    let server = TestServer::with(|settings| settings.max_requests_per_connection = 2);
    let mut client = Client::connect(&server);
    assert_eq!(client.get("/").header("connection"), None);
    assert_eq!(client.get("/").header("connection"), Some("close"));
    client.assert_closed();
}

#[test]
fn one_connection_too_many_is_asked_to_come_back() {
    let server = TestServer::with(|settings| settings.max_connections = 2);
    let mut clients = [Client::connect(&server), Client::connect(&server)];
    for client in &mut clients {
        assert_eq!(client.get("/").status, 200);
    }
    let mut third = Client::connect(&server);
    let response = third.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").response();
    assert_eq!(
        (response.status, response.header("retry-after")),
        (503, Some("5"))
    );
    third.assert_closed();
    drop(clients);
    server.until("there is room", |server| server.connections() == 0);
    assert_eq!(Client::connect(&server).get("/").status, 200);
}
