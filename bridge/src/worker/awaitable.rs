//! What `receive()` and `send()` return: awaitables that end at once where they can.

use std::rc::Rc;
use std::task::Poll;

use pyo3::exceptions::{PyBaseException, PyRuntimeError, PyStopIteration};
use pyo3::prelude::*;

use super::owned::Owned;

/// An awaitable that is done and gives None. One serves all: it has no state.
#[pyclass(frozen, module = "pounce_rs._native")]
pub(super) struct Done;

#[pymethods]
impl Done {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[expect(clippy::unused_self, reason = "the protocol of iterators")]
    fn __next__(&self) -> Option<Py<PyAny>> {
        None
    }

    /// Makes it a coroutine to asyncio, so that it can be given to `create_task()`.
    #[expect(clippy::unused_self, reason = "the protocol of coroutines")]
    fn send(&self, _value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(PyStopIteration::new_err(()))
    }

    #[pyo3(signature = (kind, value=None, _traceback=None))]
    #[expect(clippy::unused_self, reason = "the protocol of coroutines")]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        Err(thrown(kind, value))
    }

    #[expect(clippy::unused_self, reason = "the protocol of coroutines")]
    fn close(&self) {}
}

/// What an awaitable waits for.
#[derive(Clone, Copy)]
pub(super) enum Event {
    /// The next message of the request.
    Message,
    /// Room for more of the response.
    Room,
}

/// What an awaitable asks.
pub(super) trait Source {
    /// The next message for the application, if it is there. Else whoever waits is woken with it.
    fn poll_message(&self, py: Python<'_>) -> Poll<PyResult<Py<PyAny>>>;

    /// Ready when the application may send more. Else whoever waits is woken then.
    fn poll_room(&self) -> Poll<PyResult<()>>;

    /// Something that a task can wait for, and that ends with the event.
    ///
    /// # Errors
    /// Where the interpreter has no memory.
    fn wait(&self, py: Python<'_>, event: Event) -> PyResult<Py<PyAny>>;
}

/// An awaitable that asks its request or WebSocket, and has its task wait where there is nothing yet.
#[pyclass(module = "pounce_rs._native")]
pub(super) struct Pending {
    source: Owned<Rc<dyn Source>>,
    event: Event,
    done: bool,
}

impl Pending {
    pub(super) fn new(source: &Rc<impl Source + 'static>, event: Event) -> Self {
        let source = Rc::clone(source);
        Self {
            source: Owned::new(source),
            event,
            done: false,
        }
    }

    fn step(&mut self, py: Python<'_>) -> PyResult<Step> {
        if self.done {
            return Err(PyRuntimeError::new_err("this was awaited before"));
        }
        let source = self.source.get()?;
        let polled = match self.event {
            Event::Message => source.poll_message(py),
            Event::Room => source.poll_room().map_ok(|()| py.None()),
        };
        if let Poll::Ready(result) = polled {
            self.done = true;
            return result.map(Step::Done);
        }
        source.wait(py, self.event).map(Step::Wait)
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
            Step::Wait(waited_for) => Ok(Some(waited_for)),
            // The end without an exception means None to the interpreter, and costs nothing.
            Step::Done(value) if value.is_none(py) => Ok(None),
            Step::Done(value) => Err(PyStopIteration::new_err((value,))),
        }
    }

    /// Makes it a coroutine to asyncio, so that it can be given to `create_task()`.
    fn send(&mut self, py: Python<'_>, _value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        match self.step(py)? {
            Step::Wait(waited_for) => Ok(waited_for),
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

/// The exception that is thrown into an awaitable, by class or as an instance.
fn thrown(kind: Bound<'_, PyAny>, value: Option<Bound<'_, PyAny>>) -> PyErr {
    match value {
        Some(value) if !value.is_none() && value.is_instance_of::<PyBaseException>() => {
            PyErr::from_value(value)
        }
        Some(value) if !value.is_none() => match kind.call1((value,)) {
            Ok(made) => PyErr::from_value(made),
            Err(error) => error,
        },
        _ => PyErr::from_value(kind),
    }
}
