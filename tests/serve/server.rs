//! A server on a thread of its own, for one test.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pounce_core::config::ServerConfig;
use pounce_core::serve::reactor::{Listener, Reactor};
use pounce_core::serve::server::Server;
use pounce_core::serve::settings::Settings;

use crate::application::{Behaviours, Seen};

pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    stop: AtomicBool,
    drain: AtomicBool,
    connections: AtomicUsize,
    tasks: AtomicUsize,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(adapt: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new(&ServerConfig::default(), 1);
        adapt(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, state) = (Arc::<Seen>::default(), Arc::<State>::default());
        let (inner_seen, inner) = (Arc::clone(&seen), Arc::clone(&state));
        let thread = std::thread::spawn(move || run(listener, settings, inner_seen, &inner));
        Self {
            address,
            seen,
            state,
            thread: Some(thread),
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn tasks(&self) -> usize {
        self.state.tasks.load(Ordering::Relaxed)
    }

    pub(crate) fn drain(&self) {
        self.state.drain.store(true, Ordering::Relaxed);
    }

    /// Waits until something about this server holds; a test that waits in vain fails.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let patience = Instant::now() + Duration::from_secs(30);
        while !holds(self) {
            assert!(Instant::now() < patience, "waited in vain: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(
            std::thread::panicking() || matches!(ended, Some(Ok(()))),
            "the server's thread panicked"
        );
    }
}

fn run(listener: TcpListener, settings: Settings, seen: Arc<Seen>, state: &State) {
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let application = Behaviours {
        handle: handle.clone(),
        seen,
    };
    let server = Server::new(handle.clone(), settings, Rc::new(application));
    server.listen(Listener::tcp(&handle, listener).unwrap());
    while !state.stop.load(Ordering::Relaxed) {
        reactor.turn(Some(Duration::from_millis(5))).unwrap();
        state
            .connections
            .store(server.connections(), Ordering::Relaxed);
        state.tasks.store(handle.tasks(), Ordering::Relaxed);
        if state.drain.swap(false, Ordering::Relaxed) {
            server.drain();
        }
    }
}
