//! The Unix socket.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use pounce_core::serve::reactor::{Listener, Reactor};

use crate::application;

#[test]
fn requests_are_served_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let client = std::thread::spawn(move || {
        let mut stream = UnixStream::connect(path).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    });
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let server = application::server(&handle);
    server.listen(Listener::unix(&handle, listener).unwrap(), None);
    while !client.is_finished() {
        reactor.turn(Some(Duration::from_millis(20))).unwrap();
    }
    assert!(client.join().unwrap().ends_with("hello\n"));
}
