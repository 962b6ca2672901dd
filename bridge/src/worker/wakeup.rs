//! What tasks wait for where an event is not there yet, and the waker that has them go on.

use std::cell::OnceCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

use pyo3::prelude::*;

/// Tasks that wait for one event at once, mostly: beyond it the list is looked through.
const FEW: usize = 8;

/// Something that one task waits for.
pub(super) trait Awaited: Send + Sync + 'static {
    /// Whether nothing waits for it any more, because its task was cancelled.
    fn is_over(&self, py: Python<'_>) -> bool;

    /// Has the task go on.
    ///
    /// # Errors
    /// What the event loop has raised, or the task in a step that was made here.
    fn resolve(&self, py: Python<'_>) -> PyResult<()>;
}

/// All that waits for one event.
pub(super) struct Waiters<T>(Mutex<Vec<T>>);

impl<T: Awaited> Waiters<T> {
    pub(super) fn add(&self, py: Python<'_>, one: T) {
        let mut list = self.list();
        let over: Vec<_> = if list.len() >= FEW {
            // An application that gives up waiting, again and again, leaves them behind.
            list.extract_if(.., |one| one.is_over(py)).collect()
        } else {
            Vec::new()
        };
        list.push(one);
        drop(list);
        // With nothing locked: what they hold is the application's, and may wake this very event.
        drop(over);
    }

    fn list(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// It is called on the loop's thread only, as everything of a request happens there.
impl<T: Awaited> Wake for Waiters<T> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Taken out: a task that goes on may wait again, and that is for the next event.
        let waiting = std::mem::take(&mut *self.list());
        if waiting.is_empty() {
            return;
        }
        Python::attach(|py| {
            for one in waiting {
                if let Err(error) = one.resolve(py) {
                    error.write_unraisable(py, None);
                }
            }
        });
    }
}

/// The waiters for an event and their waker; made when something waits for it.
pub(super) struct Wakeup<T>(OnceCell<(Arc<Waiters<T>>, Waker)>);

impl<T: Awaited> Wakeup<T> {
    pub(super) fn new() -> Self {
        Self(OnceCell::new())
    }

    pub(super) fn waiters(&self) -> &Waiters<T> {
        &self.made().0
    }

    /// The waker to leave where the event will come from.
    pub(super) fn waker(&self) -> &Waker {
        &self.made().1
    }

    /// The waker of whoever waits, if someone does: a look must not take their place.
    pub(super) fn present(&self) -> &Waker {
        self.0.get().map_or(Waker::noop(), |(_, waker)| waker)
    }

    /// Has all that wait go on.
    pub(super) fn wake(&self) {
        self.present().wake_by_ref();
    }

    fn made(&self) -> &(Arc<Waiters<T>>, Waker) {
        self.0.get_or_init(|| {
            let waiters = Arc::new(Waiters(Mutex::default()));
            let waker = Waker::from(Arc::clone(&waiters));
            (waiters, waker)
        })
    }
}
