//! Out of file descriptors: accepting backs off and comes back. In a process of its own, because it
//! lowers the process's limit.

#![cfg(test)]
#![allow(dead_code, reason = "each test binary uses its own part")]

#[path = "serve/application.rs"]
mod application;
#[path = "serve/websocket_application.rs"]
mod websocket_application;

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use pounce_core::serve::reactor::{Listener, Reactor};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Clients, and how many of them the server has descriptors for.
const CLIENTS: usize = 40;
const ROOM: u64 = 10;

/// Lowers the soft limit so that only `room` descriptors can be opened.
fn leave_room(room: u64) {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let open: HashSet<u64> = open
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|number| number.parse().unwrap())
        .collect();
    let free = (0..).filter(|number| !open.contains(number));
    let limit = Rlimit {
        // The listing had one itself.
        current: free.take(room as usize).last(),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}

#[test]
fn without_descriptors_accepting_pauses_and_goes_on_later() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let server = application::server(&handle);
    server.listen(Listener::tcp(&handle, listener).unwrap(), None);
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    leave_room(ROOM);

    // While it lasts the loop is woken by little more than the ends of the pauses: busy waiting would
    // turn it tens of thousands of times.
    let (start, mut turns) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(1) {
        reactor.turn(Some(Duration::from_millis(100))).unwrap();
        turns += 1;
    }
    let admitted = server.connections();
    assert!(admitted > 0 && admitted as u64 <= ROOM, "{admitted}");
    assert!(turns < 200, "{turns} turns");

    // Each that ends makes room for another.
    for client in &mut clients {
        let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        client.write_all(request).unwrap();
        client.set_nonblocking(true).unwrap();
    }
    let patience = Instant::now() + Duration::from_secs(30);
    let mut answered = 0;
    while answered < CLIENTS {
        assert!(
            Instant::now() < patience,
            "{answered} of {CLIENTS} are answered"
        );
        reactor.turn(Some(Duration::from_millis(10))).unwrap();
        clients.retain_mut(|client| {
            let mut bytes = [0; 1024];
            match client.read(&mut bytes) {
                Ok(count) => {
                    assert!(bytes[..count].starts_with(b"HTTP/1.1 200 OK\r\n"));
                    answered += 1;
                    false
                }
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                    true
                }
            }
        });
    }
    assert_eq!(server.connections(), 0);
}
