//! Ctrl-C while an app is imported: the child is in a group of its own, so nobody else ends it.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// Of every watch that is over: whether its signals do again what they always do.
static OVER: Mutex<Vec<Arc<AtomicBool>>> = Mutex::new(Vec::new());

/// Leaves the signals to handlers that are set up behind a probe, as those of a server: what a probe has
/// registered ends this process no more. Until they stand the signals should be blocked.
pub fn leave_signals() {
    let over = OVER.lock().unwrap_or_else(PoisonError::into_inner);
    for each in over.iter() {
        each.store(false, Ordering::Relaxed);
    }
}

/// Notes signals that ask this process to end, as long as it lives; behind it they do what they
/// always do.
pub(super) struct Interrupt {
    signal: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

impl Interrupt {
    /// Begins to note them.
    ///
    /// # Errors
    /// Where the system refuses a handler.
    pub(super) fn watch() -> io::Result<Self> {
        let signal = Arc::new(AtomicUsize::new(0));
        let over = Arc::new(AtomicBool::new(false));
        for number in [SIGHUP, SIGINT, SIGTERM] {
            flag::register_conditional_default(number, Arc::clone(&over))?;
            let noted = usize::try_from(number).map_err(io::Error::other)?;
            flag::register_usize(number, Arc::clone(&signal), noted)?;
        }
        Ok(Self { signal, over })
    }

    /// Whether one has come.
    pub(super) fn came(&self) -> bool {
        self.signal.load(Ordering::Relaxed) != 0
    }

    /// Lets the one that has come do what it does to a process that does not watch: end it.
    pub(super) fn obey(&self) {
        if let Ok(number) = i32::try_from(self.signal.load(Ordering::Relaxed)) {
            // Fails only for signals that cannot be handled, which none of these is.
            let _ = low_level::emulate_default_handler(number);
        }
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let mut over = OVER.lock().unwrap_or_else(PoisonError::into_inner);
        over.push(Arc::clone(&self.over));
    }
}
