//! Deadlines, ordered: futures that end at a point in time, and hyper's `Timer` over them.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// All deadlines of a reactor.
///
/// Connections keep one entry each and move it lazily (see `Watch`), so entries come and go far less
/// often than requests, and an ordered map serves without the rounding of a hashed wheel.
#[derive(Default)]
pub(super) struct Timers {
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_deadline: BTreeMap<(Instant, u64), Waker>,
    next_id: u64,
}

impl Timers {
    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.entries()
            .by_deadline
            .first_key_value()
            .map(|((deadline, _), _)| *deadline)
    }

    /// Wakes everything whose deadline has come.
    pub(super) fn fire(&self, now: Instant) {
        let due = {
            let mut entries = self.entries();
            match entries.by_deadline.first_key_value() {
                Some(((deadline, _), _)) if *deadline <= now => {}
                _ => return,
            }
            let later = entries.by_deadline.split_off(&(now, u64::MAX));
            std::mem::replace(&mut entries.by_deadline, later)
        };
        // Outside of the lock: a waker may be of any make and may do anything.
        due.into_values().for_each(Waker::wake);
    }

    fn insert(&self, deadline: Instant, waker: Waker) -> u64 {
        let mut entries = self.entries();
        let id = entries.next_id;
        entries.next_id += 1;
        entries.by_deadline.insert((deadline, id), waker);
        id
    }

    fn remove(&self, deadline: Instant, id: u64) {
        self.entries().by_deadline.remove(&(deadline, id));
    }

    fn renew(&self, deadline: Instant, id: u64, waker: &Waker) -> bool {
        match self.entries().by_deadline.get_mut(&(deadline, id)) {
            Some(present) => {
                present.clone_from(waker);
                true
            }
            None => false,
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends at its deadline.
pub struct Sleep {
    timers: Arc<Timers>,
    deadline: Instant,
    entry: Option<u64>,
}

impl Sleep {
    pub(super) fn new(timers: Arc<Timers>, deadline: Instant) -> Self {
        Self {
            timers,
            deadline,
            entry: None,
        }
    }

    /// When it ends.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Moves the deadline; to be polled again.
    pub fn reset(&mut self, deadline: Instant) {
        self.forget();
        self.deadline = deadline;
    }

    /// Has `waker` called at the deadline, by the next turn where it has passed already. A poll would
    /// look at the clock, which is ahead of the turn's time.
    pub(in crate::serve) fn arm(&mut self, waker: &Waker) {
        let deadline = self.deadline;
        let known = self
            .entry
            .is_some_and(|id| self.timers.renew(deadline, id, waker));
        if !known {
            self.entry = Some(self.timers.insert(deadline, waker.clone()));
        }
    }

    fn forget(&mut self) {
        if let Some(id) = self.entry.take() {
            self.timers.remove(self.deadline, id);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.deadline {
            self.forget();
            return Poll::Ready(());
        }
        self.arm(cx.waker());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.forget();
    }
}

impl hyper::rt::Sleep for Sleep {}

/// hyper's view of a reactor's time.
#[derive(Clone)]
pub struct ReactorTimer(pub(super) Arc<Timers>);

impl hyper::rt::Timer for ReactorTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Sleep::new(Arc::clone(&self.0), deadline))
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn hyper::rt::Sleep>>, deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<Sleep>() {
            Some(own) => own.get_mut().reset(deadline),
            None => *sleep = self.sleep_until(deadline),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn only_what_is_due_is_woken_and_only_once() {
        let timers = Arc::new(Timers::default());
        let now = Instant::now() + Duration::from_secs(3600);
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut cx = Context::from_waker(&waker);
        let mut early = Sleep::new(Arc::clone(&timers), now);
        let mut late = Sleep::new(Arc::clone(&timers), now + Duration::from_secs(1));
        assert!(Pin::new(&mut early).poll(&mut cx).is_pending());
        assert!(Pin::new(&mut early).poll(&mut cx).is_pending());
        assert!(Pin::new(&mut late).poll(&mut cx).is_pending());
        assert_eq!(timers.next(), Some(now));
        timers.fire(now);
        timers.fire(now);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert_eq!(timers.next(), Some(late.deadline()));
        // Armed, it waits for the next turn, even where its time has come.
        late.reset(now - Duration::from_secs(7200));
        late.arm(&waker);
        assert_eq!(timers.next(), Some(late.deadline()));
        timers.fire(now - Duration::from_secs(7200));
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
        late.reset(now - Duration::from_secs(7200));
        assert_eq!(timers.next(), None);
        assert!(Pin::new(&mut late).poll(&mut cx).is_ready());
    }
}
