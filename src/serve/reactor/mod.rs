//! A single-thread reactor: sockets, deadlines and tasks behind one pollable descriptor.
//!
//! Nested in another event loop: watch [`Reactor::as_raw_fd`] for reading and call
//! [`Reactor::turn_ready`] when it is readable, when a deadline has come, and when the function given
//! to [`Reactor::summon_by`] was called. On its own: call [`Reactor::turn`] in a loop.

mod linger;
mod listener;
mod ready;
mod source;
mod stream;
mod timers;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Registry, Token};
use slab::Slab;

use linger::Linger;
use ready::{Ready, TaskWaker};
use source::Readiness;
use timers::Timers;

pub use listener::Listener;
pub(in crate::serve) use stream::Detached;
pub use stream::{Peer, Stream};
pub use timers::{ReactorTimer, Sleep};

/// Token of the cross-thread waker; sources count from 0.
const WAKER: Token = Token(usize::MAX);
/// Events taken from the kernel at once.
const EVENTS: usize = 1024;
/// Task polls of one turn; then the surrounding loop has its turn.
const STEPS: usize = 2048;

type Task = Pin<Box<dyn Future<Output = ()>>>;

struct Slot {
    /// Out while it is polled.
    task: Option<Task>,
    waker: Waker,
    state: Arc<TaskWaker>,
}

struct Core {
    tasks: RefCell<Slab<Slot>>,
    sources: RefCell<Slab<Rc<Readiness>>>,
    registry: Registry,
    ready: Arc<Ready>,
    timers: Arc<Timers>,
    /// When the current turn began; None between turns.
    now: Cell<Option<Instant>>,
}

/// What a turn leaves to its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Tasks are still ready: call again soon, without waiting for the descriptor.
    pub more: bool,
    /// The next event is expected within microseconds: call again soon, too. It ends by itself.
    pub linger: bool,
    /// Call again at this time at the latest.
    pub deadline: Option<Instant>,
}

/// The reactor; it stays on the thread that made it.
pub struct Reactor {
    poll: mio::Poll,
    events: Events,
    batch: Vec<usize>,
    linger: Linger,
    core: Rc<Core>,
}

impl Reactor {
    /// A reactor without tasks.
    ///
    /// # Errors
    /// The kernel gives no poll or wake-up descriptor.
    pub fn new() -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let ready = Arc::new(Ready::new(mio::Waker::new(&registry, WAKER)?));
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS),
            batch: Vec::new(),
            linger: Linger::new(),
            core: Rc::new(Core {
                tasks: RefCell::default(),
                sources: RefCell::default(),
                registry,
                ready,
                timers: Arc::default(),
                now: Cell::default(),
            }),
        })
    }

    /// A handle for tasks of this thread.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(Rc::clone(&self.core))
    }

    /// Has `summon` called when a task is woken on this thread while no turn runs, at most once until
    /// the next turn; it schedules a [`Reactor::turn_ready`]. To be set once, when the reactor is
    /// nested: without it such wakes make the descriptor readable, which costs system calls.
    pub fn summon_by(&self, summon: impl Fn() + Send + Sync + 'static) {
        self.core.ready.summon_by(Box::new(summon));
    }

    /// Drops every task, with the sockets that they hold. Tasks hold handles, and a handle holds the
    /// tasks: whoever drops a reactor before the process ends calls this first.
    pub fn clear(&mut self) {
        // The end of one may spawn another.
        while self.handle().tasks() > 0 {
            let tasks = self.core.tasks.take();
            drop(tasks);
        }
    }

    /// Does what is ready, without waiting.
    ///
    /// # Errors
    /// The kernel's poll fails.
    pub fn turn_ready(&mut self) -> io::Result<Turn> {
        self.turn(Some(Duration::ZERO))
    }

    /// Waits until something is ready, at most for `timeout` (None: for as long as it takes), and does
    /// it, within a budget of steps.
    ///
    /// # Errors
    /// The kernel's poll fails.
    pub fn turn(&mut self, timeout: Option<Duration>) -> io::Result<Turn> {
        self.wait(timeout)?;
        self.core.ready.attend();
        let now = Instant::now();
        self.core.now.set(Some(now));
        self.mark_sources();
        self.core.timers.fire(now);
        let worked = self.run_tasks();
        self.core.now.set(None);
        Ok(Turn {
            more: self.core.ready.rest(),
            linger: self.linger.after(now, worked),
            deadline: self.core.timers.next(),
        })
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = if self.core.ready.is_empty() {
            let until_deadline = self
                .core
                .timers
                .next()
                .map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match (timeout, until_deadline) {
                (Some(given), Some(due)) => Some(given.min(due)),
                (given, due) => given.or(due),
            }
        } else {
            Some(Duration::ZERO)
        };
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    fn mark_sources(&self) {
        let sources = self.core.sources.borrow();
        for event in &self.events {
            // Absent: closed by a task after the kernel had queued the event, or the waker itself.
            if let Some(readiness) = sources.get(event.token().0) {
                readiness.mark(event);
            }
        }
    }

    /// Polls ready tasks, batch after batch, until there are none or the budget is used up. Whether
    /// there were any.
    fn run_tasks(&mut self) -> bool {
        let mut steps = 0;
        while steps < STEPS {
            self.core.ready.take(&mut self.batch);
            if self.batch.is_empty() {
                break;
            }
            steps += self.batch.len();
            for &key in &self.batch {
                self.core.step(key);
            }
            self.batch.clear();
        }
        steps > 0
    }
}

impl AsRawFd for Reactor {
    /// Readable when [`Reactor::turn_ready`] has something to do.
    fn as_raw_fd(&self) -> RawFd {
        self.poll.as_raw_fd()
    }
}

impl Core {
    fn step(&self, key: usize) {
        let (mut task, waker) = {
            let mut tasks = self.tasks.borrow_mut();
            let Some(slot) = tasks.get_mut(key) else {
                return;
            };
            let Some(task) = slot.task.take() else {
                return;
            };
            slot.state.rearm();
            (task, slot.waker.clone())
        };
        match task.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => {
                if let Some(slot) = self.tasks.borrow_mut().get_mut(key) {
                    slot.task = Some(task);
                }
            }
            Poll::Ready(()) => {
                let slot = self.tasks.borrow_mut().try_remove(key);
                if let Some(slot) = slot {
                    slot.state.retire();
                }
                // The task is dropped here, with no borrow held: its end may spawn or wake others.
            }
        }
    }
}

/// A handle to the reactor of this thread.
#[derive(Clone)]
pub struct Handle(Rc<Core>);

impl Handle {
    /// Runs a future to its end, beside the others.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let waker = {
            let mut tasks = self.0.tasks.borrow_mut();
            let entry = tasks.vacant_entry();
            let state = Arc::new(TaskWaker::new(entry.key(), Arc::clone(&self.0.ready)));
            let waker = Waker::from(Arc::clone(&state));
            entry.insert(Slot {
                task: Some(Box::pin(task)),
                waker: waker.clone(),
                state,
            });
            waker
        };
        waker.wake();
    }

    /// When the current turn began. Between turns, where an application goes on by itself, the time:
    /// the last turn may be long past.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.now.get().unwrap_or_else(Instant::now)
    }

    /// Whether a turn is running.
    #[must_use]
    pub fn is_turning(&self) -> bool {
        self.0.now.get().is_some()
    }

    /// When [`Reactor::turn_ready`] is to be called at the latest. A [`Turn`] says it too; this is for
    /// deadlines that are made between turns.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.timers.next()
    }

    /// A future that ends at `deadline`.
    #[must_use]
    pub fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep::new(Arc::clone(&self.0.timers), deadline)
    }

    /// hyper's view of this reactor's time.
    #[must_use]
    pub fn timer(&self) -> ReactorTimer {
        ReactorTimer(Arc::clone(&self.0.timers))
    }

    /// Tasks that are not at their end.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.0.tasks.borrow().len()
    }

    fn register(
        &self,
        source: &mut impl mio::event::Source,
        interest: Interest,
    ) -> io::Result<Registration> {
        let mut sources = self.0.sources.borrow_mut();
        let entry = sources.vacant_entry();
        let key = entry.key();
        self.0.registry.register(source, Token(key), interest)?;
        let readiness = Rc::new(Readiness::default());
        entry.insert(Rc::clone(&readiness));
        Ok(Registration {
            core: Rc::clone(&self.0),
            readiness,
            key,
        })
    }
}

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Handle {
    fn execute(&self, task: F) {
        self.spawn(task);
    }
}

/// A descriptor's place in the reactor; closing the descriptor ends the kernel's part of it.
struct Registration {
    core: Rc<Core>,
    readiness: Rc<Readiness>,
    key: usize,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.core.sources.borrow_mut().try_remove(self.key);
    }
}

#[cfg(test)]
mod tests;
