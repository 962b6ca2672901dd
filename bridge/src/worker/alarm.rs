//! The reactor's next deadline as one timer of the event loop.

use std::cell::{OnceCell, RefCell};
use std::time::{Duration, Instant};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Loops round to milliseconds: a call that is early would only find that nothing is due.
const ROUNDING: Duration = Duration::from_millis(1);

/// Calls the worker in time. A timer that is set too early is left, as deadlines mostly move away.
pub(super) struct Alarm {
    call_later: Py<PyAny>,
    /// The context of calls, as a keyword: without it they would run in that of whoever set the timer.
    keywords: Py<PyDict>,
    ring: OnceCell<Py<PyAny>>,
    timer: RefCell<Option<(Instant, Py<PyAny>)>>,
}

impl Alarm {
    pub(super) fn new(event_loop: &Bound<'_, PyAny>, keywords: Py<PyDict>) -> PyResult<Self> {
        let py = event_loop.py();
        Ok(Self {
            call_later: event_loop.getattr(intern!(py, "call_later"))?.unbind(),
            keywords,
            ring: OnceCell::new(),
            timer: RefCell::default(),
        })
    }

    /// Sets what is called. To be done once, before the first deadline.
    pub(super) fn ring_by(&self, ring: Py<PyAny>) {
        // The first one holds: a worker has one for its whole life.
        let _ = self.ring.set(ring);
    }

    /// The timer has come.
    pub(super) fn rang(&self) {
        self.timer.take();
    }

    /// Has the worker called at `deadline` at the latest.
    pub(super) fn set(&self, py: Python<'_>, deadline: Option<Instant>) {
        let (Some(deadline), Some(ring)) = (deadline, self.ring.get()) else {
            return;
        };
        let earlier = |timer: &(Instant, Py<PyAny>)| timer.0 <= deadline;
        if self.timer.borrow().as_ref().is_some_and(earlier) {
            return;
        }
        let delay = deadline.saturating_duration_since(Instant::now()) + ROUNDING;
        let arguments = (delay.as_secs_f64(), ring);
        let made = self
            .call_later
            .bind(py)
            .call(arguments, Some(self.keywords.bind(py)));
        match made {
            Ok(timer) => {
                let old = self.timer.replace(Some((deadline, timer.unbind())));
                if let Some((_, old)) = old
                    && let Err(error) = old.bind(py).call_method0(intern!(py, "cancel"))
                {
                    error.write_unraisable(py, None);
                }
            }
            Err(error) => error.write_unraisable(py, None),
        }
    }
}
