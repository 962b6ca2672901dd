//! TLS: the same server behind a handshake.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::client::Client;
use crate::frames::PREFACE;
use crate::server::{Pair, TestServer};
use crate::websocket_client::{BINARY, CLOSE, FIN, TEXT, closing, frame, handshake};

pub(crate) type Tls = StreamOwned<ClientConnection, TcpStream>;

pub(crate) fn pair() -> Pair {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Pair {
        chain: made.cert.pem(),
        key: made.signing_key.serialize_pem(),
    }
}

/// A client that trusts this certificate only.
pub(crate) fn connect(server: &TestServer, trusted: &Pair, alpn: &[&str]) -> Tls {
    let mut roots = RootCertStore::empty();
    for certificate in rustls_pemfile::certs(&mut trusted.chain.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(server.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    StreamOwned::new(session, stream)
}

/// Sends a request and reads to the end of the connection, which must come with a farewell.
fn last(client: &mut Tls, request: &str) -> String {
    client.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    client.read_to_string(&mut response).unwrap();
    response
}

pub(crate) fn get(client: &mut Tls, path: &str) -> String {
    last(
        client,
        &format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
    )
}

#[test]
fn requests_are_served_and_the_end_is_announced() {
    let pair = pair();
    let server = TestServer::with_tls(pair.clone(), |_| {});
    for alpn in [&[][..], &["http/1.1"]] {
        let response = get(&mut connect(&server, &pair, alpn), "/ticks");
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    }
}

#[test]
fn http_2_is_spoken_by_agreement_only() {
    let pair = pair();
    let server = TestServer::with_tls(pair.clone(), |_| {});
    for alpn in [&[][..], &["http/1.1"]] {
        let response = last(&mut connect(&server, &pair, alpn), PREFACE);
        assert!(response.starts_with("HTTP/1.1 505 "), "{response}");
    }
}

#[test]
fn bodies_larger_than_every_buffer_go_through_both_ways() {
    let pair = pair();
    let server = TestServer::with_tls(pair.clone(), |_| {});
    let mut client = connect(&server, &pair, &["http/1.1"]);
    let body = "0123456789".repeat(90_000);
    let request = format!(
        "POST /echo HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert!(last(&mut client, &request).ends_with(&body));
}

#[test]
fn http_2_is_agreed_on_unless_it_is_off() {
    let pair = pair();
    for (enabled, agreed) in [(true, &b"h2"[..]), (false, b"http/1.1")] {
        let server = TestServer::with_tls(pair.clone(), |settings| settings.http2 = enabled);
        let mut client = connect(&server, &pair, &["h2", "http/1.1"]);
        client.flush().unwrap();
        while client.conn.is_handshaking() {
            client.conn.complete_io(&mut client.sock).unwrap();
        }
        assert_eq!(client.conn.alpn_protocol(), Some(agreed));
        if enabled {
            client
                .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
                .unwrap();
            let mut head = [0; 9];
            client.read_exact(&mut head).unwrap();
            assert_eq!(head[3], 4, "the server's settings");
        } else {
            assert!(get(&mut client, "/").ends_with("hello\n"));
        }
    }
}

#[test]
fn malformed_requests_are_refused_behind_tls_too() {
    let pair = pair();
    let server = TestServer::with_tls(pair.clone(), |_| {});
    let mut client = connect(&server, &pair, &["http/1.1"]);
    let response = last(&mut client, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n");
    assert!(
        response.starts_with("HTTP/1.1 400 Bad Request\r\n"),
        "{response}"
    );
    assert_eq!(server.seen.calls.load(Ordering::Relaxed), 0);
}

#[test]
fn what_is_no_handshake_is_closed_and_hurts_nobody() {
    let pair = pair();
    let server = TestServer::with_tls(pair.clone(), |settings| {
        settings.header_timeout = Duration::from_secs(2);
    });
    let mut plain = Client::connect(&server);
    plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut answer = Vec::new();
    let _ = plain.0.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"));
    // Silence in the handshake ends with the time limit.
    let mut silent = Client::connect(&server);
    silent.send([22, 3, 1]);
    silent.assert_closed();
    server.until("nothing is left", |server| server.connections() == 0);
    assert!(get(&mut connect(&server, &pair, &[]), "/").ends_with("hello\n"));
}

#[test]
fn a_renewed_certificate_serves_new_connections_and_drops_none() {
    let (old, new) = (pair(), pair());
    let server = TestServer::with_tls(old.clone(), |_| {});
    let mut present = connect(&server, &old, &["http/1.1"]);
    present
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let mut first = [0; 1];
    present.read_exact(&mut first).unwrap();
    server.renew(new.clone());
    assert!(get(&mut connect(&server, &new, &[]), "/").ends_with("hello\n"));
    let refused = connect(&server, &old, &[]).write_all(b"GET / HTTP/1.1\r\n");
    assert!(refused.is_err());
    assert!(get(&mut present, "/promise").ends_with("hello\n"));
}

#[test]
fn one_connection_too_many_is_told_so_in_private() {
    let pair = pair();
    let server = TestServer::with_tls(pair.clone(), |settings| settings.max_connections = 1);
    let mut first = connect(&server, &pair, &[]);
    first
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let mut byte = [0; 1];
    first.read_exact(&mut byte).unwrap();
    let response = get(&mut connect(&server, &pair, &[]), "/");
    assert!(
        response.starts_with("HTTP/1.1 503 Service Unavailable\r\n"),
        "{response}"
    );
}

#[test]
fn a_websocket_is_carried_and_ended_with_a_farewell() {
    let pair = pair();
    let server = TestServer::with_tls(pair.clone(), |_| {});
    let mut client = connect(&server, &pair, &["http/1.1"]);
    let mut bytes = handshake("/echo", "").into_bytes();
    bytes.extend(frame(FIN | TEXT, b"early"));
    client.write_all(&bytes).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x81\x05early") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    // More than a record of TLS, and than what may wait.
    let large = vec![7; 1_000_000];
    client.write_all(&frame(FIN | BINARY, &large)).unwrap();
    let mut echo = vec![0; 10 + large.len()];
    client.read_exact(&mut echo).unwrap();
    assert!(echo[10..] == large);
    client
        .write_all(&frame(FIN | CLOSE, &closing(1000, "")))
        .unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, [0x88, 2, 0x03, 0xe8]);
}
