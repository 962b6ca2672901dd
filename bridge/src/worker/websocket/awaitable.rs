//! What `receive()` and `send()` of a WebSocket return, where they may have to wait.

use std::rc::Rc;
use std::task::Poll;

use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::prelude::*;

use super::call::Call;
use super::resume::Waiting;
use crate::worker::awaitable::{Event, thrown};
use crate::worker::owned::Owned;

/// An awaitable that asks its WebSocket, and waits where there is nothing yet.
#[pyclass(module = "pounce_rs._native")]
pub(super) struct Pending {
    call: Owned<Rc<Call>>,
    event: Event,
    done: bool,
}

impl Pending {
    pub(super) fn new(call: Rc<Call>, event: Event) -> Self {
        Self {
            call: Owned::new(call),
            event,
            done: false,
        }
    }

    fn step(&mut self, py: Python<'_>) -> PyResult<Step> {
        if self.done {
            return Err(PyRuntimeError::new_err("this was awaited before"));
        }
        let call = self.call.get()?;
        let polled = match self.event {
            Event::Message => call.poll_message(py),
            Event::Room => call.poll_room().map_ok(|()| py.None()),
        };
        if let Poll::Ready(result) = polled {
            self.done = true;
            return result.map(Step::Done);
        }
        let waiting = Py::new(py, Waiting::new(Rc::clone(call.stepper())))?;
        call.waiters(self.event).add(py, waiting.clone_ref(py));
        Ok(Step::Wait(waiting.into_any()))
    }
}

enum Step {
    /// The task is to wait for this, and then to go on here.
    Wait(Py<PyAny>),
    /// What the await gives.
    Done(Py<PyAny>),
}

#[pymethods]
impl Pending {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&mut self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        match self.step(py)? {
            Step::Wait(waiting) => Ok(Some(waiting)),
            // The end without an exception means None to the interpreter, and costs nothing.
            Step::Done(value) if value.is_none(py) => Ok(None),
            Step::Done(value) => Err(PyStopIteration::new_err((value,))),
        }
    }

    /// Makes it a coroutine to asyncio, so that it can be given to `create_task()`.
    fn send(&mut self, py: Python<'_>, _value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        match self.step(py)? {
            Step::Wait(waiting) => Ok(waiting),
            Step::Done(value) => Err(PyStopIteration::new_err((value,))),
        }
    }

    #[pyo3(signature = (kind, value=None, _traceback=None))]
    fn throw(
        &mut self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        self.done = true;
        Err(thrown(kind, value))
    }

    fn close(&mut self) {
        self.done = true;
    }
}
