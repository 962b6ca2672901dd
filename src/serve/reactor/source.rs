//! A socket's readiness as the kernel told it, edge by edge, and who waits for it.

use std::cell::{Cell, RefCell};
use std::task::Waker;

/// Readiness of one registered descriptor.
///
/// Edge-triggered: a flag stays set until an operation has found the socket exhausted.
#[derive(Default)]
pub(super) struct Readiness {
    readable: Direction,
    writable: Direction,
    /// The peer has shut its side: an end of file follows the data, without a further edge.
    read_closed: Cell<bool>,
}

#[derive(Default)]
pub(super) struct Direction {
    ready: Cell<bool>,
    waiter: RefCell<Option<Waker>>,
}

impl Direction {
    /// Whether an operation is worth trying.
    pub(super) fn is_ready(&self) -> bool {
        self.ready.get()
    }

    /// Forgets the readiness until the next edge.
    pub(super) fn exhaust(&self) {
        self.ready.set(false);
    }

    /// Wakes `waker` at the next edge; the last one counts.
    pub(super) fn wait(&self, waker: &Waker) {
        let mut waiter = self.waiter.borrow_mut();
        match &mut *waiter {
            Some(present) => present.clone_from(waker),
            None => *waiter = Some(waker.clone()),
        }
    }

    pub(super) fn set(&self) {
        self.ready.set(true);
        let waiter = self.waiter.borrow_mut().take();
        if let Some(waker) = waiter {
            waker.wake();
        }
    }
}

impl Readiness {
    pub(super) fn reading(&self) -> &Direction {
        &self.readable
    }

    pub(super) fn writing(&self) -> &Direction {
        &self.writable
    }

    pub(super) fn is_read_closed(&self) -> bool {
        self.read_closed.get()
    }

    pub(super) fn mark(&self, event: &mio::event::Event) {
        if event.is_read_closed() || event.is_error() {
            self.read_closed.set(true);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.readable.set();
        }
        if event.is_writable() || event.is_write_closed() || event.is_error() {
            self.writable.set();
        }
    }
}
