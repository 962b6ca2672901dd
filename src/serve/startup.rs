//! Before the application is up: a thread that answers health probes and lets everybody else wait.
//!
//! The worker's own thread imports the application and runs its startup, which can block it for as
//! long as they take; so whoever is to answer meanwhile needs a thread of their own. It takes
//! connections in, reads no further than it must to tell a probe from other requests, and in the end
//! hands over what waits, byte for byte, to the server.

use std::cell::{Cell, RefCell};
use std::future::{Future as _, poll_fn};
use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

use slab::Slab;

use super::connection::{RECEIVE, Scratch, Visitor, Wish, crowded_answer, dismiss, probe_answer};
use super::health::{Health, State};
use super::reactor::{Handle, Listener, Peer, Reactor, Stream};
use super::request_id::RequestIds;
use super::settings::Settings;
use super::tls::{Identity, TlsAcceptor};

pub use super::connection::Waiting;

/// Connections that wait at most, where the configuration sets no limit.
const MOST: usize = 1024;
/// Places beyond them for those of whom nothing is known yet: a probe is answered however many wait. More
/// stay with the kernel.
const RESERVE: usize = 64;
/// Pause where no more can be taken in.
const PAUSE: Duration = Duration::from_millis(100);

/// The thread.
pub struct Startup {
    control: Arc<Control>,
    thread: Option<JoinHandle<io::Result<Vec<Waiting>>>>,
}

/// How the thread is told to end.
#[derive(Default)]
struct Control {
    over: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Control {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn waker(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Startup {
    /// Begins to answer on these listening sockets, each with whether it is a Unix socket.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn begin(
        settings: Settings,
        listeners: Vec<(OwnedFd, bool)>,
        tls: Option<&TlsAcceptor>,
    ) -> io::Result<Self> {
        let control = Arc::<Control>::default();
        let inner = Arc::clone(&control);
        // A probe is answered over HTTP/1.1 only.
        let tls = tls.map(|acceptor| acceptor.current().preferring_http_1());
        let thread = std::thread::Builder::new()
            .name("pounce-startup".into())
            .spawn(move || run(settings, listeners, tls, &inner))?;
        Ok(Self {
            control,
            thread: Some(thread),
        })
    }

    /// Ends it, and gives the connections that wait.
    ///
    /// # Errors
    /// The thread had no reactor, or could not listen.
    pub fn end(mut self) -> io::Result<Vec<Waiting>> {
        self.stop()
    }

    fn stop(&mut self) -> io::Result<Vec<Waiting>> {
        let Some(thread) = self.thread.take() else {
            return Ok(Vec::new());
        };
        self.control.over.store(true, Ordering::Release);
        if let Some(waker) = self.control.waker().take() {
            waker.wake();
        }
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the startup thread has panicked")))
    }
}

impl Drop for Startup {
    fn drop(&mut self) {
        // Not ended: the application did not come up, and who waits is let go.
        drop(self.stop());
    }
}

fn run(
    settings: Settings,
    listeners: Vec<(OwnedFd, bool)>,
    tls: Option<Identity>,
    control: &Arc<Control>,
) -> io::Result<Vec<Waiting>> {
    let mut reactor = Reactor::new()?;
    let waiting = attend(&mut reactor, settings, listeners, tls, control);
    reactor.clear();
    waiting
}

/// Turns the reactor until it is over; gives the connections that wait.
fn attend(
    reactor: &mut Reactor,
    settings: Settings,
    listeners: Vec<(OwnedFd, bool)>,
    tls: Option<Identity>,
    control: &Arc<Control>,
) -> io::Result<Vec<Waiting>> {
    let handle = reactor.handle();
    let Some(health) = Health::new(&settings, State::Starting) else {
        return Ok(Vec::new());
    };
    let room = Rc::new(Room {
        most: match settings.max_connections {
            0 => MOST,
            most => most.min(MOST),
        },
        handle: handle.clone(),
        ids: RequestIds::default(),
        scratch: Rc::new(RefCell::new(vec![0; RECEIVE].into_boxed_slice())),
        visitors: RefCell::default(),
        waiting: Cell::new(0),
        dismissed: Cell::new(0),
        settings,
        health,
        tls,
    });
    for (socket, unix) in listeners {
        let listener = if unix {
            Listener::unix(&handle, socket.into())?
        } else {
            Listener::tcp(&handle, socket.into())?
        };
        handle.spawn(Rc::clone(&room).accept(listener));
    }
    let inner = Arc::clone(control);
    handle.spawn(poll_fn(move |cx| {
        *inner.waker() = Some(cx.waker().clone());
        if inner.is_over() {
            // It was, before there was a waker to call.
            cx.waker().wake_by_ref();
        }
        Poll::<()>::Pending
    }));
    while !control.is_over() {
        reactor.turn(None)?;
    }
    let visitors = room.visitors.take();
    Ok(visitors
        .into_iter()
        .map(|(_, visitor)| visitor.leave())
        .collect())
}

/// Where connections wait.
struct Room {
    settings: Settings,
    health: Health,
    tls: Option<Identity>,
    most: usize,
    handle: Handle,
    ids: RequestIds,
    scratch: Scratch,
    /// Those who wait, and those of whom nothing is known yet.
    visitors: RefCell<Slab<Visitor>>,
    /// How many of them wait.
    waiting: Cell<usize>,
    /// How many there was no room for, and who are being told so.
    dismissed: Cell<usize>,
}

impl Room {
    async fn accept(self: Rc<Self>, mut listener: Listener) {
        loop {
            let full = self.visitors.borrow().len() >= self.most + RESERVE;
            let accepted = if full {
                None
            } else {
                let accepted = poll_fn(|cx| listener.poll_accept(&self.handle, cx)).await;
                accepted.ok()
            };
            match accepted {
                Some((stream, peer)) => self.admit(stream, peer),
                None => self.handle.sleep_until(self.handle.now() + PAUSE).await,
            }
        }
    }

    fn admit(self: &Rc<Self>, stream: Stream, peer: Peer) {
        let visitor = Visitor::new(stream, peer, self.tls.as_ref(), self.settings.limits);
        let Ok(visitor) = visitor else { return };
        let key = self.visitors.borrow_mut().insert(visitor);
        self.handle.spawn(Rc::clone(self).attend(key));
    }

    /// Stays with a visitor until it is known to be a probe, or to wait, or is gone.
    async fn attend(self: Rc<Self>, key: usize) {
        let wish = self.wish(key).await;
        if matches!(wish, Some(Wish::Other)) && self.waiting.get() < self.most {
            self.waiting.set(self.waiting.get() + 1);
            return;
        }
        let open = self.visitors.borrow().len();
        let Some(visitor) = self.visitors.borrow_mut().try_remove(key) else {
            return;
        };
        let id = self.ids.next();
        match wish {
            None => {}
            Some(Wish::Probe(method)) => {
                let body = self.health.body(open);
                let answer = probe_answer(&self.settings, &id, &method, &body);
                self.dismiss(visitor, &answer).await;
            }
            Some(Wish::Other) => {
                let dismissed = self.dismissed.get();
                if dismissed < RESERVE {
                    self.dismissed.set(dismissed + 1);
                    let answer = crowded_answer(&self.settings, &id);
                    self.dismiss(visitor, &answer).await;
                    self.dismissed.set(self.dismissed.get() - 1);
                }
            }
        }
    }

    /// What a visitor wants; None where it is gone, or has not said so in time.
    async fn wish(&self, key: usize) -> Option<Wish> {
        let limit = self.handle.now() + self.settings.header_timeout;
        let mut sleep = self.handle.sleep_until(limit);
        poll_fn(|cx| {
            let mut visitors = self.visitors.borrow_mut();
            // At the end of the startup the visitors leave, and nothing is polled any more.
            let Some(visitor) = visitors.get_mut(key) else {
                return Poll::Ready(None);
            };
            if let Poll::Ready(wish) = visitor.poll_wish(cx, &self.health, &self.scratch) {
                return Poll::Ready(wish.ok());
            }
            pin!(&mut sleep).poll(cx).map(|()| None)
        })
        .await
    }

    async fn dismiss(&self, visitor: Visitor, answer: &[u8]) {
        let scratch = Rc::clone(&self.scratch);
        dismiss(&self.handle, &self.settings, visitor, scratch, answer).await;
    }
}
