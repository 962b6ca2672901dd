//! A server on a thread of its own, for one test.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pounce_core::config::ServerConfig;
use pounce_core::serve::access::{AccessLog, Format};
use pounce_core::serve::reactor::{Listener, Reactor};
use pounce_core::serve::server::Server;
use pounce_core::serve::settings::Settings;
use pounce_core::serve::startup::{Startup, Waiting};
use pounce_core::serve::tls::TlsAcceptor;

use crate::application::{Behaviours, Seen};

pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

/// A certificate and its key, in PEM form.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) chain: String,
    pub(crate) key: String,
}

#[derive(Default)]
struct State {
    renewal: Mutex<Option<Pair>>,
    stop: AtomicBool,
    drain: AtomicBool,
    /// The application is not up yet.
    starting: AtomicBool,
    ending: AtomicBool,
    retire: Mutex<Option<Duration>>,
    connections: AtomicUsize,
    tasks: AtomicUsize,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(adapt: impl FnOnce(&mut Settings)) -> Self {
        Self::over(None, false, adapt)
    }

    /// A server whose application comes up by [`TestServer::come_up`], with or without TLS.
    pub(crate) fn starting(pair: Option<Pair>, adapt: impl FnOnce(&mut Settings)) -> Self {
        Self::over(pair, true, adapt)
    }

    /// A server that speaks TLS with this certificate.
    pub(crate) fn with_tls(pair: Pair, adapt: impl FnOnce(&mut Settings)) -> Self {
        Self::over(Some(pair), false, adapt)
    }

    fn over(pair: Option<Pair>, starting: bool, adapt: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new(&ServerConfig::default(), 1);
        adapt(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, state) = (Arc::<Seen>::default(), Arc::<State>::default());
        state.starting.store(starting, Ordering::Relaxed);
        let (inner_seen, inner) = (Arc::clone(&seen), Arc::clone(&state));
        let thread = std::thread::spawn(move || run(listener, settings, pair, &inner_seen, &inner));
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

    pub(crate) fn come_up(&self) {
        self.state.starting.store(false, Ordering::Relaxed);
    }

    pub(crate) fn announce_end(&self) {
        self.state.ending.store(true, Ordering::Relaxed);
    }

    pub(crate) fn drain(&self) {
        self.state.drain.store(true, Ordering::Relaxed);
    }

    pub(crate) fn retire(&self, patience: Duration) {
        *self.state.retire.lock().unwrap() = Some(patience);
    }

    pub(crate) fn renew(&self, pair: Pair) {
        *self.state.renewal.lock().unwrap() = Some(pair);
        self.until("it is renewed", |server| {
            server.state.renewal.lock().unwrap().is_none()
        });
    }

    /// Waits until something about this server holds; a test that waits in vain fails.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let patience = Instant::now() + Duration::from_secs(30);
        while !holds(self) {
            assert!(Instant::now() < patience, "waited in vain: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until a figure stands still, because nothing goes on; what it is then.
    pub(crate) fn settled(&self, figure: impl Fn(&Self) -> usize) -> usize {
        let (mut last, mut looks) = (figure(self), 0);
        let patience = Instant::now() + Duration::from_secs(30);
        while looks < 40 {
            assert!(Instant::now() < patience, "it does not stand still");
            std::thread::sleep(Duration::from_millis(5));
            let now = figure(self);
            looks = if now == last { looks + 1 } else { 0 };
            last = now;
        }
        last
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

/// The access log, kept for the test to read.
struct Lines(Arc<Seen>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .log
            .lock()
            .unwrap()
            .push_str(std::str::from_utf8(bytes).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn run(
    listener: TcpListener,
    settings: Settings,
    pair: Option<Pair>,
    seen: &Arc<Seen>,
    state: &State,
) {
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let application = Behaviours {
        handle: handle.clone(),
        seen: Arc::clone(seen),
    };
    let log = AccessLog::start(&handle, Format::Text, Lines(Arc::clone(seen)));
    let http_2 = settings.http2;
    let tls = pair
        .map(|pair| TlsAcceptor::new(pair.chain.as_bytes(), pair.key.as_bytes(), http_2).unwrap());
    let waiting = startup(&listener, &settings, tls.as_ref(), state);
    let server = Server::new(handle.clone(), settings, Rc::new(application), Some(log));
    server.listen(Listener::tcp(&handle, listener).unwrap(), tls.clone());
    waiting
        .into_iter()
        .for_each(|waiting| server.resume(waiting));
    while !state.stop.load(Ordering::Relaxed) {
        reactor.turn(Some(Duration::from_millis(5))).unwrap();
        state
            .connections
            .store(server.connections(), Ordering::Relaxed);
        state.tasks.store(handle.tasks(), Ordering::Relaxed);
        let mut renewal = state.renewal.lock().unwrap();
        if let (Some(pair), Some(tls)) = (renewal.take(), &tls) {
            tls.renew(pair.chain.as_bytes(), pair.key.as_bytes())
                .unwrap();
        }
        drop(renewal);
        if state.ending.swap(false, Ordering::Relaxed) {
            server.announce_end();
        }
        if let Some(patience) = state.retire.lock().unwrap().take() {
            server.retire(patience);
        }
        if state.drain.swap(false, Ordering::Relaxed) {
            server.drain();
        }
    }
}

/// What waits once the application is up.
fn startup(
    listener: &TcpListener,
    settings: &Settings,
    tls: Option<&TlsAcceptor>,
    state: &State,
) -> Vec<Waiting> {
    if !state.starting.load(Ordering::Relaxed) {
        return Vec::new();
    }
    let sockets = vec![(listener.try_clone().unwrap().into(), false)];
    let startup = Startup::begin(settings.clone(), sockets, tls).unwrap();
    while state.starting.load(Ordering::Relaxed) && !state.stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(5));
    }
    startup.end().unwrap()
}
