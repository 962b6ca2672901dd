//! Tasks that wait for a WebSocket, and that go on within the reactor's turn.
//!
//! A future of asyncio has its task go on in the loop's next round, and what the task then sends waits
//! for the round after it. Here the task is stepped where the message was decoded, and what it sends
//! leaves with the same poll of the connection.

use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

use pounce_core::serve::reactor::Handle;
use pyo3::exceptions::asyncio::CancelledError;
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PySystemExit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::worker::owned::Owned;

/// Tasks that wait for one event at once, mostly: beyond it the list is looked through.
const FEW: usize = 8;

/// How tasks of one event loop are stepped.
pub(in crate::worker) struct Stepper {
    event_loop: Py<PyAny>,
    current_task: Py<PyAny>,
    handle: Handle,
}

impl Stepper {
    /// # Errors
    /// asyncio is not as expected.
    pub(in crate::worker) fn new(
        event_loop: &Bound<'_, PyAny>,
        handle: Handle,
    ) -> PyResult<Rc<Self>> {
        let asyncio = event_loop.py().import("asyncio")?;
        Ok(Rc::new(Self {
            event_loop: event_loop.clone().unbind(),
            current_task: asyncio.getattr("current_task")?.unbind(),
            handle,
        }))
    }

    /// Whether a task may be stepped right here: the loop has called the reactor, and no task is within
    /// a step, as one would be that has caused this.
    fn may_step(&self, py: Python<'_>) -> PyResult<bool> {
        if !self.handle.is_turning() {
            return Ok(false);
        }
        let current = self.current_task.bind(py).call1((&self.event_loop,))?;
        Ok(current.is_none())
    }
}

/// What tasks wait for that one event has go on.
#[derive(Default)]
pub(super) struct Waiters(Mutex<Vec<Py<Waiting>>>);

impl Waiters {
    /// A waker that has them all go on. It is called on the loop's thread only.
    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    pub(super) fn add(&self, py: Python<'_>, waiting: Py<Waiting>) {
        let mut list = self.list();
        if list.len() >= FEW {
            // An application that gives up waiting, again and again, leaves them behind.
            list.retain(|one| one.borrow(py).state == State::Pending);
        }
        list.push(waiting);
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Py<Waiting>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Waiters {
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
                match Waiting::resolve(one.bind(py)) {
                    // A task lets these two through, but has them as its outcome, too.
                    Err(error) if is_interruption(py, &error) => {}
                    Err(error) => error.write_unraisable(py, None),
                    Ok(()) => {}
                }
            }
        });
    }
}

fn is_interruption(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PySystemExit>(py) || error.is_instance_of::<PyKeyboardInterrupt>(py)
}

/// What a task is given to wait for: as much of a future as `asyncio.Task` asks for.
#[pyclass(module = "pounce_rs._native")]
pub(super) struct Waiting {
    stepper: Owned<Rc<Stepper>>,
    blocking: bool,
    state: State,
    /// Of the cancellation: anyio knows its own by it.
    message: Option<Py<PyAny>>,
    /// The task's wake-up, and the context that it runs in.
    wakeup: Option<(Py<PyAny>, Py<PyAny>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Pending,
    Resolved,
    Cancelled,
}

impl Waiting {
    pub(super) fn new(stepper: Rc<Stepper>) -> Self {
        Self {
            stepper: Owned::new(stepper),
            blocking: true,
            state: State::Pending,
            message: None,
            wakeup: None,
        }
    }

    /// The event is there: the task goes on, here where that may be.
    fn resolve(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let (wakeup, stepper) = {
            let mut waiting = slf.borrow_mut();
            if waiting.state != State::Pending {
                return Ok(());
            }
            waiting.state = State::Resolved;
            let stepper = Rc::clone(waiting.stepper.get()?);
            (waiting.wakeup.take(), stepper)
        };
        let Some((wakeup, context)) = wakeup else {
            return Ok(());
        };
        if stepper.may_step(py)? {
            let run = context.bind(py).getattr(intern!(py, "run"))?;
            return run.call1((wakeup, slf)).map(drop);
        }
        stepper.call_soon(slf, &wakeup, &context)
    }
}

impl Stepper {
    /// Has a task go on in the loop's next round.
    fn call_soon(
        &self,
        waiting: &Bound<'_, Waiting>,
        wakeup: &Py<PyAny>,
        context: &Py<PyAny>,
    ) -> PyResult<()> {
        let py = waiting.py();
        let keywords = PyDict::new(py);
        keywords.set_item(intern!(py, "context"), context)?;
        self.event_loop
            .bind(py)
            .getattr(intern!(py, "call_soon"))?
            .call((wakeup, waiting), Some(&keywords))
            .map(drop)
    }
}

#[pymethods]
impl Waiting {
    /// Tells a task that this may be waited for; the task resets it.
    #[getter(_asyncio_future_blocking)]
    fn is_blocking(&self) -> bool {
        self.blocking
    }

    #[setter(_asyncio_future_blocking)]
    fn set_blocking(&mut self, blocking: bool) {
        self.blocking = blocking;
    }

    fn get_loop(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.stepper.get()?.event_loop.clone_ref(py))
    }

    #[pyo3(signature = (wakeup, *, context))]
    fn add_done_callback(
        slf: &Bound<'_, Self>,
        wakeup: Py<PyAny>,
        context: Py<PyAny>,
    ) -> PyResult<()> {
        let pending = slf.borrow().state == State::Pending;
        if pending {
            slf.borrow_mut().wakeup = Some((wakeup, context));
            return Ok(());
        }
        let stepper = Rc::clone(slf.borrow().stepper.get()?);
        stepper.call_soon(slf, &wakeup, &context)
    }

    fn result(&self, py: Python<'_>) -> PyResult<()> {
        match self.state {
            State::Resolved => Ok(()),
            State::Cancelled => Err(match &self.message {
                None => CancelledError::new_err(()),
                Some(message) => CancelledError::new_err((message.clone_ref(py),)),
            }),
            State::Pending => Err(PyRuntimeError::new_err("nothing has happened yet")),
        }
    }

    fn done(&self) -> bool {
        self.state != State::Pending
    }

    fn cancelled(&self) -> bool {
        self.state == State::Cancelled
    }

    #[pyo3(signature = (msg=None))]
    fn cancel(slf: &Bound<'_, Self>, msg: Option<Py<PyAny>>) -> PyResult<bool> {
        let wakeup = {
            let mut waiting = slf.borrow_mut();
            if waiting.state != State::Pending {
                return Ok(false);
            }
            waiting.state = State::Cancelled;
            waiting.message = msg;
            waiting.wakeup.take()
        };
        if let Some((wakeup, context)) = wakeup {
            let stepper = Rc::clone(slf.borrow().stepper.get()?);
            stepper.call_soon(slf, &wakeup, &context)?;
        }
        Ok(true)
    }
}
