//! HTTP/1.0 and HTTP/1.1 as they should be.

use std::io::Read as _;
use std::sync::atomic::Ordering;

use pounce_core::config::peers::Peer;
use pounce_core::serve::settings::TrustedPeers;

use crate::client::Client;
use crate::server::TestServer;

fn trusting(network: &str) -> TrustedPeers {
    TrustedPeers::new(&[Peer::Network(network.parse().unwrap())])
}

#[test]
fn a_response_is_exactly_this() {
    let server = TestServer::start();
    let response = Client::connect(&server).get("/");
    assert_eq!(
        response.head,
        "HTTP/1.1 200 OK\ncontent-type: text/plain\nserver: pounce\ncontent-length: 6"
    );
    assert_eq!(response.body, "hello\n");
    assert_eq!(response.id.len(), 32);
}

#[test]
fn server_and_date_can_be_left_out() {
    let server = TestServer::with(|settings| {
        settings.server_header = None;
        settings.date_header = false;
    });
    let mut client = Client::connect(&server);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let raw = client.rest();
    assert!(!raw.contains("date:") && !raw.contains("server:"), "{raw}");
}

#[test]
fn http_1_1_stays_open_until_it_is_told_otherwise() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    for _ in 0..3 {
        assert_eq!(client.get("/").body, "hello\n");
    }
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(client.response().header("connection"), Some("close"));
    client.assert_closed();
}

#[test]
fn http_1_0_closes_unless_it_is_told_otherwise() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let response = client.response();
    assert!(
        response.head.starts_with("HTTP/1.0 200 OK\n"),
        "{}",
        response.head
    );
    assert_eq!(response.header("connection"), Some("keep-alive"));
    client.send("GET /ticks HTTP/1.0\r\n\r\n");
    let response = client.response();
    assert_eq!(
        (response.header("transfer-encoding"), response.body.as_str()),
        (None, "0\n1\n2\n")
    );
    client.assert_closed();
}

#[test]
fn http_1_0_is_not_kept_waiting_for_more_than_comes() {
    let server = TestServer::with(|settings| settings.max_requests_per_connection = 2);
    for (requests, path) in [(1, "/ticks"), (2, "/"), (1, "/fail")] {
        let mut client = Client::connect(&server);
        for request in 1..=requests {
            client.send(format!(
                "GET {path} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
            ));
            let response = client.response();
            let last = request == requests;
            let expected = if last { "close" } else { "keep-alive" };
            assert_eq!(response.header("connection"), Some(expected), "{path}");
        }
        client.assert_closed();
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send(concat!(
        "GET /later HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nde\r\n1\r\nf\r\n0\r\nT: u\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ));
    for (method, body) in [
        ("GET", "later\n"),
        ("POST", "abc"),
        ("POST", "def"),
        ("HEAD", ""),
        ("GET", "hello\n"),
    ] {
        assert_eq!(client.response_to(method).body, body);
    }
    for _ in 0..100 {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(40));
        for _ in 0..40 {
            assert_eq!(client.response().body, "hello\n");
        }
    }
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.0.get_ref().set_nodelay(true).unwrap();
    let request =
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let mut other = Client::connect(&server);
    for byte in request.as_bytes() {
        client.send([*byte]);
        // What was sent before a request that is answered has been received.
        other.get("/");
    }
    assert_eq!(client.response().body, "abc");
}

#[test]
fn responses_without_a_body_have_none() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response_to("HEAD").status, 200);
    client.send("HEAD /promise HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(
        client.response_to("HEAD").header("content-length"),
        Some("6")
    );
    for path in ["/204", "/304"] {
        let response = client.get(path);
        assert_eq!(
            (
                response.header("content-length"),
                response.header("transfer-encoding")
            ),
            (None, None)
        );
    }
    let reset = client.get("/205");
    assert_eq!(
        (reset.status, reset.header("content-length")),
        (205, Some("0"))
    );
    assert_eq!(client.get("/promise").body, "hello\n");
}

#[test]
fn a_body_of_unknown_length_is_chunked_and_trailers_follow_for_those_who_want_them() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    let response = client.get("/ticks");
    assert_eq!(response.header("transfer-encoding"), Some("chunked"));
    assert_eq!(response.body, "0\n1\n2\n");
}

#[test]
fn the_client_is_told_to_go_on_when_the_application_wants_the_body() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
    };
    client.send(head("/echo"));
    let mut interim = [0; 25];
    client.0.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(client.send("abc").response().body, "abc");
    client.send(head("/"));
    assert_eq!(client.response().status, 200);
}

#[test]
fn an_early_answer_reaches_a_client_that_is_still_sending() {
    // More than the sockets hold.
    let length = 4 << 20;
    for (limit, status) in [(length, 200), (1 << 20, 413)] {
        let server = TestServer::with(|settings| settings.limits.body = limit);
        let mut client = Client::connect(&server);
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
        ));
        // All of it is taken, though nobody wants it.
        for _ in 0..length >> 16 {
            client.send([b'x'; 1 << 16]);
        }
        client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.response().status, status);
        client.assert_closed();
        assert!(server.seen.calls.load(Ordering::Relaxed) <= 1);
    }
}

#[test]
fn a_target_that_names_the_host_replaces_the_header() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send("GET http://b.example:81/host HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response().body, "b.example:81\n");
    assert_eq!(client.get("/host").body, "a\n");
}

#[test]
fn an_upgrade_that_is_not_taken_is_an_ordinary_request() {
    let server = TestServer::start();
    let mut client = Client::connect(&server);
    client.send(concat!(
        "GET /later HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ));
    assert_eq!(client.response().body, "later\n");
    assert_eq!(client.response().body, "hello\n");
    assert_eq!(client.get("/").body, "hello\n");
}

#[test]
fn headers_of_the_connection_are_the_servers() {
    let server = TestServer::start();
    let response = Client::connect(&server).get("/headers");
    assert_eq!(
        response.head,
        "HTTP/1.1 200 OK\ncontent-type: text/plain\nserver: pounce\ncontent-length: 0"
    );
    assert_ne!(response.id, "chunked");
}

#[test]
fn request_ids_are_fresh_unless_a_trusted_peer_has_set_them() {
    let request = "GET /id HTTP/1.1\r\nHost: a\r\nX-Request-ID: from-proxy.1\r\n\r\n";
    let server = TestServer::start();
    let response = Client::connect(&server).send(request).response();
    assert_ne!(response.id, "from-proxy.1");
    assert_eq!(response.body, response.id.clone() + "\n");
    let server = TestServer::with(|settings| settings.trusted = trusting("127.0.0.0/8"));
    let mut client = Client::connect(&server);
    assert_eq!(client.send(request).response().id, "from-proxy.1");
    let response = client
        .send(request.replace("proxy.1", "proxy 1"))
        .response();
    assert_eq!(response.id.len(), 32);
}

#[test]
fn proxies_are_believed_when_they_are_trusted() {
    let request = concat!(
        "GET /client HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.7\r\n",
        "X-Forwarded-Proto: https\r\n\r\n"
    );
    let server = TestServer::start();
    assert_eq!(
        Client::connect(&server).send(request).response().body,
        "127.0.0.1 false 0\n"
    );
    let server = TestServer::with(|settings| settings.trusted = trusting("127.0.0.1/32"));
    let mut client = Client::connect(&server);
    assert_eq!(client.send(request).response().body, "192.0.2.7 true 2\n");
    let host = request
        .replace("/client", "/host")
        .replace("-Proto: https", "-Host: b.example");
    assert_eq!(client.send(host).response().body, "b.example\n");
}
