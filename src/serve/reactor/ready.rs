//! Which tasks are to be polled, told from any thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Wake;
use std::thread::ThreadId;

/// What the reactor's own thread does when one of its tasks is woken between two turns.
pub(super) type Summon = Box<dyn Fn() + Send + Sync>;

/// The tasks to be polled next, and how the reactor hears of them.
pub(super) struct Ready {
    keys: Mutex<Vec<usize>>,
    /// A turn is running, or has been asked for: further wakes need only queue.
    attended: AtomicBool,
    owner: ThreadId,
    poll: mio::Waker,
    summon: OnceLock<Summon>,
}

impl Ready {
    pub(super) fn new(poll: mio::Waker) -> Self {
        Self {
            keys: Mutex::default(),
            attended: AtomicBool::new(false),
            owner: std::thread::current().id(),
            poll,
            summon: OnceLock::new(),
        }
    }

    /// Sets what wakes on the owner's thread call between turns; without it they go through the poll.
    pub(super) fn summon_by(&self, summon: Summon) {
        // The first one holds: a reactor is nested in one loop for its whole life.
        let _ = self.summon.set(summon);
    }

    pub(super) fn push(&self, key: usize) {
        self.keys().push(key);
        if self.attended.swap(true, Ordering::AcqRel) {
            return;
        }
        match self.summon.get() {
            Some(summon) if std::thread::current().id() == self.owner => summon(),
            // It fails only when the process is out of kernel memory; the next turn finds the key.
            _ => drop(self.poll.wake()),
        }
    }

    /// Marks that a turn runs: until [`Ready::rest`] nobody needs to call for one.
    pub(super) fn attend(&self) {
        self.attended.store(true, Ordering::Release);
    }

    /// Ends a turn; true when there is more to do and the caller has to start another.
    pub(super) fn rest(&self) -> bool {
        self.attended.store(false, Ordering::Release);
        let more = !self.is_empty();
        if more {
            self.attend();
        }
        more
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys().is_empty()
    }

    /// Takes all keys; `batch` is empty and lends its memory.
    pub(super) fn take(&self, batch: &mut Vec<usize>) {
        std::mem::swap(&mut *self.keys(), batch);
    }

    fn keys(&self) -> MutexGuard<'_, Vec<usize>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The waker of one task.
pub(super) struct TaskWaker {
    key: usize,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl TaskWaker {
    pub(super) fn new(key: usize, ready: Arc<Ready>) -> Self {
        Self {
            key,
            queued: AtomicBool::new(false),
            ready,
        }
    }

    /// The task is about to be polled: wakes count again.
    pub(super) fn rearm(&self) {
        self.queued.store(false, Ordering::Release);
    }

    /// The task is over: its key may soon be another's, so wakers that survive it do nothing.
    pub(super) fn retire(&self) {
        self.queued.store(true, Ordering::Release);
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.ready.push(self.key);
        }
    }
}
