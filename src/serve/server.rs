//! Accepts connections and serves them, within limits, until it is told to stop.

use std::cell::{Cell, RefCell};
use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use slab::Slab;

use super::access::AccessLog;
use super::application::Application;
use super::connection::{self, Attendance, Worker};
use super::health::State;
use super::reactor::{Handle, Listener, Peer, Stream};
use super::settings::Settings;
use super::startup::Waiting;
use super::tls::TlsAcceptor;
use super::websocket::CloseCode;

/// Connections accepted in one go; then others have their turn.
const ACCEPTS: usize = 32;
/// Connections that are being turned away at once; beyond it they are closed without a word.
const TURNED_AWAY: usize = 64;
/// Pause after the process has run out of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// One thread's server.
#[derive(Clone)]
pub struct Server {
    worker: Rc<Worker>,
    turned_away: Rc<Cell<usize>>,
    acceptors: Rc<RefCell<Slab<Waker>>>,
}

/// A listener that connections are accepted from. Dropping this changes nothing.
pub struct Accepting {
    server: Server,
    ended: Rc<Cell<bool>>,
    key: usize,
}

impl Accepting {
    /// Closes the listener. Whoever waits in its queue waits for others that hold the same socket.
    pub fn end(self) {
        self.ended.set(true);
        let waker = self.server.acceptors.borrow().get(self.key).cloned();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Server {
    /// A server that does not listen yet; without an access log where there is none given.
    #[must_use]
    pub fn new(
        handle: Handle,
        settings: Settings,
        application: Rc<dyn Application>,
        access: Option<Rc<AccessLog>>,
    ) -> Self {
        Self {
            worker: Rc::new(Worker::new(handle, settings, application, access)),
            turned_away: Rc::default(),
            acceptors: Rc::default(),
        }
    }

    /// Accepts connections from `listener`, encrypted where there is a `tls`, until [`Server::drain`],
    /// [`Server::retire`] or [`Accepting::end`].
    pub fn listen(&self, listener: Listener, tls: Option<TlsAcceptor>) -> Accepting {
        let accepting = Accepting {
            server: self.clone(),
            ended: Rc::default(),
            key: self.acceptors.borrow_mut().insert(Waker::noop().clone()),
        };
        let ended = Rc::clone(&accepting.ended);
        let accept = self.clone().accept(listener, tls, accepting.key, ended);
        self.worker.handle.spawn(accept);
        accepting
    }

    /// Goes on with a connection that came before the application was up.
    pub fn resume(&self, waiting: Waiting) {
        let attendance = Attendance::new(&self.worker);
        let serving = connection::resume(attendance, waiting);
        self.worker.handle.spawn(serving);
    }

    /// Connections that are open, without those that are being turned away.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.worker.connections()
    }

    /// Has the health endpoint tell that the server is about to end, while everything is still served.
    pub fn announce_end(&self) {
        if let Some(health) = &self.worker.health {
            health.set(State::Draining);
        }
    }

    /// Stops accepting, closes idle connections and WebSockets, and each other connection after the
    /// response it is at.
    /// Whoever calls decides how long to wait for [`Server::connections`] to become 0.
    pub fn drain(&self) {
        self.worker.drain(CloseCode::GOING_AWAY);
        self.wake_acceptors();
    }

    /// As [`Server::drain`], but idle connections stay open for `patience` more, for one last request
    /// each: another server has taken over, and a client that has just written one need not lose it.
    /// WebSockets are told to come back.
    pub fn retire(&self, patience: Duration) {
        self.worker.retire(CloseCode::RESTART);
        self.wake_acceptors();
        let (server, handle) = (self.clone(), self.worker.handle.clone());
        let end = handle.now() + patience;
        self.worker.handle.spawn(async move {
            handle.sleep_until(end).await;
            server.drain();
        });
    }

    fn wake_acceptors(&self) {
        let wakers: Vec<_> = self
            .acceptors
            .borrow()
            .iter()
            .map(|(_, waker)| waker.clone())
            .collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    async fn accept(
        self,
        mut listener: Listener,
        tls: Option<TlsAcceptor>,
        key: usize,
        ended: Rc<Cell<bool>>,
    ) {
        let handle = self.worker.handle.clone();
        let over = || self.worker.is_draining() || ended.get();
        loop {
            let paused = poll_fn(|cx| {
                if let Some(waker) = self.acceptors.borrow_mut().get_mut(key) {
                    waker.clone_from(cx.waker());
                }
                for _ in 0..ACCEPTS {
                    if over() {
                        return Poll::Ready(false);
                    }
                    match listener.poll_accept(&handle, cx) {
                        Poll::Ready(Ok((stream, peer))) => self.admit(stream, peer, tls.clone()),
                        Poll::Ready(Err(error)) if is_exhaustion(&error) => {
                            return Poll::Ready(true);
                        }
                        Poll::Ready(Err(_)) => {}
                        Poll::Pending => return Poll::Pending,
                    }
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
            if !paused {
                break;
            }
            self.pause(&over).await;
        }
        self.acceptors.borrow_mut().try_remove(key);
    }

    fn admit(&self, stream: Stream, peer: Peer, tls: Option<TlsAcceptor>) {
        let most = self.worker.settings.max_connections;
        let handle = &self.worker.handle;
        if most == 0 || self.worker.connections() < most {
            handle.spawn(connection::serve(
                Attendance::new(&self.worker),
                stream,
                peer,
                tls,
            ));
        } else if self.turned_away.get() < TURNED_AWAY {
            self.turned_away.set(self.turned_away.get() + 1);
            let (worker, count) = (Rc::clone(&self.worker), Rc::clone(&self.turned_away));
            handle.spawn(async move {
                connection::turn_away(worker, stream, peer, tls).await;
                count.set(count.get() - 1);
            });
        }
    }

    /// Ends after a while, or when accepting is over.
    async fn pause(&self, over: &impl Fn() -> bool) {
        let mut sleep = self
            .worker
            .handle
            .sleep_until(self.worker.handle.now() + PAUSE);
        poll_fn(|cx| {
            if over() {
                return Poll::Ready(());
            }
            pin!(&mut sleep).poll(cx)
        })
        .await;
    }
}

/// Whether accepting can go on only after a while: the process or the machine is out of something.
fn is_exhaustion(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
