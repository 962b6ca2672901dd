//! Binding real ports: free and taken ones, their holders, rights, names.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};

use pounce_core::check::machine::bind::{BindOutcome, Holder, Resolution, examine_tcp};
use socket2::{Domain, Socket, Type};

use crate::privileges::as_nobody;
use crate::server::{LISTEN, Server};

fn only(host: &str, port: u16) -> BindOutcome {
    let facts = examine_tcp(host, port);
    assert_eq!(facts.attempts.len(), 1, "{facts:?}");
    facts.attempts[0].outcome.clone()
}

fn taken(outcome: BindOutcome) -> Vec<Holder> {
    match outcome {
        BindOutcome::Taken { holders } => holders,
        other => panic!("not taken: {other:?}"),
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[test]
fn a_free_port_is_free_and_stays_so() {
    let port = free_port();
    assert_eq!(only("127.0.0.1", port), BindOutcome::Free);
    assert_eq!(only("127.0.0.1", port), BindOutcome::Free);
    assert_eq!(only("0.0.0.0", port), BindOutcome::Free);
    assert_eq!(only("::1", port), BindOutcome::Free);
    assert_eq!(only("::", port), BindOutcome::Free);
    assert_eq!(only("127.0.0.1", 0), BindOutcome::Free);
}

#[test]
fn another_process_is_named_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), "old_app.py", LISTEN);
    let holders = taken(only("127.0.0.1", server.port()));
    assert_eq!(holders.len(), 1);
    let holder = &holders[0];
    assert_eq!(holder.address, format!("127.0.0.1:{}", server.port()));
    assert!(holder.listening);
    assert_eq!(
        (holder.uid, holder.user.as_deref()),
        (Some(0), Some("root"))
    );
    let process = &holder.processes[0];
    assert_eq!(process.pid, server.child.id());
    assert!(process.program.starts_with("python"));
    let real = folder.path().canonicalize().unwrap();
    assert_eq!(
        process.script.as_deref(),
        Some(real.join("old_app.py").as_path())
    );
    assert_eq!(process.folder.as_deref(), Some(real.as_path()));
    assert!(!holder.is_pounce());
    assert!(!format!("{holder:?}").contains("s3cret"));
    assert!(!serde_json::to_string(holder).unwrap().contains("s3cret"));
}

#[test]
fn a_server_of_this_project_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), "pounce", LISTEN);
    assert!(taken(only("127.0.0.1", server.port()))[0].is_pounce());
}

#[test]
fn every_address_of_a_wildcard_is_taken() {
    let all = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = all.local_addr().unwrap().port();
    for host in ["127.0.0.1", "0.0.0.0", "::"] {
        let holders = taken(only(host, port));
        assert_eq!(holders[0].address, format!("0.0.0.0:{port}"), "{host}");
        assert_eq!(holders[0].processes[0].pid, std::process::id());
    }
    let one = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = one.local_addr().unwrap().port();
    assert_eq!(
        taken(only("0.0.0.0", port))[0].address,
        format!("127.0.0.1:{port}")
    );
    assert_eq!(only("127.0.0.2", port), BindOutcome::Free);
}

#[test]
fn a_dual_stack_holder_is_found_from_ipv4() {
    let socket = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
    socket.set_only_v6(false).unwrap();
    socket
        .bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into())
        .unwrap();
    socket.listen(1).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    for host in ["127.0.0.1", "0.0.0.0", "::1"] {
        assert_eq!(
            taken(only(host, port))[0].address,
            format!("[::]:{port}"),
            "{host}"
        );
    }
}

#[test]
fn connections_in_time_wait_are_no_conflict() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    let (server_side, _) = listener.accept().unwrap();
    // Whoever closes first keeps the connection in TIME_WAIT: here the server's end.
    drop(server_side);
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    drop(client);
    drop(listener);
    let waiting = format!(":{:04X} ", address.port());
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let state = |line: &str| line.split_whitespace().nth(3).map(str::to_owned);
    assert!(
        table.lines().any(|line| {
            line.split_whitespace()
                .nth(1)
                .is_some_and(|local| format!("{local} ").ends_with(&waiting))
                && state(line).as_deref() == Some("06")
        }),
        "the test must have made a connection in TIME_WAIT:\n{table}"
    );
    assert_eq!(only("127.0.0.1", address.port()), BindOutcome::Free);
}

#[test]
fn names_resolve_or_say_why_not() {
    let local = examine_tcp("localhost", free_port());
    assert_eq!(local.resolution, Resolution::Name);
    assert!(
        local
            .attempts
            .iter()
            .any(|each| each.address.ip() == Ipv4Addr::LOCALHOST)
    );
    assert!(
        local
            .attempts
            .iter()
            .all(|each| each.outcome == BindOutcome::Free),
        "{local:?}"
    );

    let unknown = examine_tcp("no-such-host.invalid", 8000);
    assert!(
        matches!(
            unknown.resolution,
            Resolution::Failed { .. } | Resolution::TimedOut
        ),
        "{unknown:?}"
    );
    assert!(unknown.attempts.is_empty());

    let bracketed = examine_tcp("[::1]", free_port());
    assert_eq!(
        bracketed.resolution,
        Resolution::Bracketed {
            address: "::1".to_owned()
        }
    );
    assert_eq!(bracketed.attempts[0].outcome, BindOutcome::Free);
}

#[test]
fn an_address_of_another_machine_is_not_local() {
    assert_eq!(only("192.0.2.1", 8000), BindOutcome::NotLocal);
    assert_eq!(only("2001:db8::1", 8000), BindOutcome::NotLocal);
}

#[test]
fn a_low_port_needs_a_right() {
    let facts = as_nobody(|| examine_tcp("127.0.0.1", 1));
    let limit = facts.unprivileged_from.unwrap();
    let expected = if limit > 1 {
        BindOutcome::PermissionDenied { uid: 65534 }
    } else {
        BindOutcome::Free
    };
    assert_eq!(facts.attempts[0].outcome, expected);
}

#[test]
fn of_another_users_process_only_the_user_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), "pounce", LISTEN);
    let port = server.port();
    let holders = as_nobody(|| taken(only("127.0.0.1", port)));
    assert_eq!(
        (holders[0].uid, holders[0].user.as_deref()),
        (Some(0), Some("root"))
    );
    assert!(holders[0].processes.is_empty(), "{holders:?}");
}

#[test]
fn a_connection_that_uses_the_port_is_told_apart_from_a_listener() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // Its local port is held without SO_REUSEADDR, as every client's is.
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let port = client.local_addr().unwrap().port();
    let holders = taken(only("127.0.0.1", port));
    assert!(!holders[0].listening);
    assert_eq!(holders[0].processes[0].pid, std::process::id());
}
