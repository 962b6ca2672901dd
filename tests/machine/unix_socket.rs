//! Paths of Unix sockets on a real file system: free, live, stale, and of no use.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;

use pounce_core::check::machine::bind::{PathProblem, UnixOutcome, examine_unix};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::privileges::as_nobody;
use crate::server::Server;

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
    socket.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    socket.listen(0).unwrap();
    let _waiting = UnixStream::connect(&path).unwrap();
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
    socket.bind(&SockAddr::unix(kernel).unwrap()).unwrap();
    socket.listen(1).unwrap();
    match examine_unix(Path::new(&name)).outcome {
        UnixOutcome::Live { holders } => {
            assert_eq!(holders[0].address, name);
            assert_eq!(holders[0].processes[0].pid, std::process::id());
        }
        other => panic!("{other:?}"),
    }
}
