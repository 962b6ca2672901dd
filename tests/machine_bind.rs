//! Binding on the real machine: free and taken ports, their holders, rights, and Unix sockets.
#![cfg(test)]
#![cfg(target_os = "linux")]

mod privileges;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use pounce_core::check::machine::bind::{
    BindOutcome, Holder, PathProblem, Resolution, UnixOutcome, examine_tcp, examine_unix,
};
use privileges::as_nobody;
use socket2::{Domain, Socket, Type};

/// A Python process that listens and says so; killed when the test ends.
struct Server {
    child: Child,
    said: String,
}

impl Server {
    fn start(folder: &Path, script: &str, code: &str) -> Self {
        fs::write(folder.join(script), code).unwrap();
        let mut child = Command::new("python3")
            .args(["-u", script, "--secret", "s3cret"])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut said)
            .unwrap();
        Self {
            child,
            said: said.trim().to_owned(),
        }
    }

    fn port(&self) -> u16 {
        self.said.parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

const LISTEN: &str = "\
import socket, time
server = socket.create_server(('127.0.0.1', 0), reuse_port=True)
print(server.getsockname()[1])
time.sleep(60)
";

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

#[test]
fn a_new_socket_in_a_good_folder_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    assert_eq!(examine_unix(&path).outcome, UnixOutcome::Free);
    assert!(!path.exists(), "looking must leave nothing behind");
}

#[test]
fn a_live_server_is_told_from_a_stale_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    match examine_unix(&path).outcome {
        UnixOutcome::Live { holders } => {
            assert_eq!(holders[0].processes[0].pid, std::process::id());
            assert_eq!(holders[0].uid, Some(0));
        }
        other => panic!("{other:?}"),
    }
    drop(listener);
    assert_eq!(
        examine_unix(&path).outcome,
        UnixOutcome::Stale {
            uid: 0,
            removable: true
        }
    );
    assert!(path.exists(), "looking must not remove it");
}

#[test]
fn a_server_that_bound_a_relative_path_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let code = "\
import socket, time
server = socket.socket(socket.AF_UNIX)
server.bind('app.sock')
server.listen()
print('listens')
time.sleep(60)
";
    let server = Server::start(folder.path(), "serve.py", code);
    assert_eq!(server.said, "listens");
    let path = folder.path().canonicalize().unwrap().join("app.sock");
    match examine_unix(&path).outcome {
        UnixOutcome::Live { holders } => {
            assert_eq!(holders[0].processes[0].pid, server.child.id());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_with_a_full_queue_is_alive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket
        .bind(&socket2::SockAddr::unix(&path).unwrap())
        .unwrap();
    socket.listen(0).unwrap();
    let _waiting = std::os::unix::net::UnixStream::connect(&path).unwrap();
    assert!(matches!(
        examine_unix(&path).outcome,
        UnixOutcome::Live { .. }
    ));
}

#[test]
fn a_datagram_socket_is_somebody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.sock");
    let _socket = UnixDatagram::bind(&path).unwrap();
    assert!(matches!(
        examine_unix(&path).outcome,
        UnixOutcome::Live { .. }
    ));
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "precious").unwrap();
    fs::create_dir(at("folder")).unwrap();
    symlink("file", at("link")).unwrap();
    for what in ["file", "folder", "link"] {
        let problem = PathProblem::NotASocket {
            what: what.to_owned(),
        };
        assert_eq!(
            examine_unix(&at(what)).outcome,
            UnixOutcome::Unusable { problem }
        );
    }
    assert_eq!(fs::read_to_string(at("file")).unwrap(), "precious");
}

#[test]
fn folders_that_cannot_take_a_socket_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let problem = |path: &Path| match examine_unix(path).outcome {
        UnixOutcome::Unusable { problem } => problem,
        other => panic!("{other:?}"),
    };
    let missing = folder.path().join("missing");
    assert_eq!(
        problem(&missing.join("app.sock")),
        PathProblem::FolderMissing {
            folder: missing.clone()
        }
    );
    let file = folder.path().join("file");
    assert_eq!(
        problem(&file.join("app.sock")),
        PathProblem::FolderIsFile { file: file.clone() }
    );
    assert_eq!(
        problem(&file.join("deeper/app.sock")),
        PathProblem::FolderIsFile { file: file.clone() }
    );
    let here = folder.path().to_owned();
    assert_eq!(
        as_nobody(|| problem(&here.join("app.sock"))),
        PathProblem::FolderNotWritable {
            folder: here.clone(),
            uid: 65534
        }
    );
    let long = folder.path().join("x".repeat(108));
    let bytes = long.as_os_str().len();
    assert_eq!(problem(&long), PathProblem::TooLong { bytes, limit: 107 });
    assert_eq!(problem(Path::new("/")), PathProblem::NoName);
    assert_eq!(problem(Path::new("/tmp/..")), PathProblem::NoName);
}

#[test]
fn a_stale_socket_of_another_user_in_a_sticky_folder_stays() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let path = folder.path().join("app.sock");
    drop(UnixListener::bind(&path).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let outcome = as_nobody(|| examine_unix(&path).outcome);
    assert_eq!(
        outcome,
        UnixOutcome::Stale {
            uid: 0,
            removable: false
        }
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let outcome = as_nobody(|| examine_unix(&path).outcome);
    assert_eq!(
        outcome,
        UnixOutcome::Closed {
            uid: 0,
            mode: 0o600
        }
    );
}

#[test]
fn abstract_names_are_tried() {
    let name = format!("@pounce-test-{}", std::process::id());
    assert_eq!(examine_unix(Path::new(&name)).outcome, UnixOutcome::Free);
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let kernel = name.replacen('@', "\0", 1);
    socket
        .bind(&socket2::SockAddr::unix(kernel).unwrap())
        .unwrap();
    socket.listen(1).unwrap();
    match examine_unix(Path::new(&name)).outcome {
        UnixOutcome::Live { holders } => {
            assert_eq!(holders[0].address, name);
            assert_eq!(holders[0].processes[0].pid, std::process::id());
        }
        other => panic!("{other:?}"),
    }
}
