//! Accepts connections and serves them, within limits, until it is told to stop.

use std::cell::{Cell, RefCell};
use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::access::AccessLog;
use super::application::Application;
use super::connection::{self, Attendance, Worker};
use super::reactor::{Handle, Listener, Peer, Stream};
use super::settings::Settings;
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
    acceptors: Rc<RefCell<Vec<Waker>>>,
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

    /// Accepts connections from `listener`, encrypted where there is a `tls`, until [`Server::drain`].
    pub fn listen(&self, listener: Listener, tls: Option<TlsAcceptor>) {
        self.worker.handle.spawn(self.clone().accept(listener, tls));
    }

    /// Connections that are open, without those that are being turned away.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.worker.connections()
    }

    /// Stops accepting, closes idle connections and WebSockets, and each other connection after the
    /// response it is at.
    /// Whoever calls decides how long to wait for [`Server::connections`] to become 0.
    pub fn drain(&self) {
        self.end(CloseCode::GOING_AWAY);
    }

    /// As [`Server::drain`], where another server takes over: WebSockets are told to come back.
    pub fn retire(&self) {
        self.end(CloseCode::RESTART);
    }

    fn end(&self, farewell: CloseCode) {
        self.worker.drain(farewell);
        let acceptors = self.acceptors.take();
        acceptors.into_iter().for_each(Waker::wake);
    }

    async fn accept(self, mut listener: Listener, tls: Option<TlsAcceptor>) {
        let handle = self.worker.handle.clone();
        let mut registered = false;
        loop {
            let paused = poll_fn(|cx| {
                if !std::mem::replace(&mut registered, true) {
                    self.acceptors.borrow_mut().push(cx.waker().clone());
                }
                for _ in 0..ACCEPTS {
                    if self.worker.is_draining() {
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
                return;
            }
            self.pause().await;
        }
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

    /// Ends after a while, or with the server.
    async fn pause(&self) {
        let mut sleep = self
            .worker
            .handle
            .sleep_until(self.worker.handle.now() + PAUSE);
        poll_fn(|cx| {
            if self.worker.is_draining() {
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
