//! Each request is a task whose first step runs at once.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// Starts tasks in one event loop.
pub(super) struct Tasks {
    task: Py<PyAny>,
    coroutine: Py<PyAny>,
    arguments: Py<PyDict>,
    /// `async def` around an awaitable that is no coroutine.
    awaiting: Py<PyAny>,
    /// Where the interpreter knows no eager tasks: the loop, and what catches the first step.
    deferred: Option<(Py<PyAny>, Py<FirstStep>)>,
}

impl Tasks {
    /// # Errors
    /// asyncio is not as expected.
    pub(super) fn new(
        py: Python<'_>,
        event_loop: &Bound<'_, PyAny>,
        awaiting: Py<PyAny>,
    ) -> PyResult<Self> {
        let arguments = PyDict::new(py);
        // Interned, as the names that the interpreter compares them with.
        arguments.set_item(intern!(py, "loop"), event_loop)?;
        arguments.set_item(intern!(py, "name"), "pounce-request")?;
        let eager = py.version_info() >= (3, 12);
        if eager {
            arguments.set_item(intern!(py, "eager_start"), true)?;
        }
        let first_step = || Py::new(py, FirstStep(Mutex::default()));
        Ok(Self {
            task: py.import("asyncio")?.getattr("Task")?.unbind(),
            coroutine: py.import("types")?.getattr("CoroutineType")?.unbind(),
            arguments: arguments.unbind(),
            awaiting,
            deferred: if eager {
                None
            } else {
                Some((event_loop.clone().unbind(), first_step()?))
            },
        })
    }

    /// A task for what an application has returned, after its first step. It copies the context that
    /// is current here: the worker's own, never another request's.
    ///
    /// # Errors
    /// `awaitable` is none, or the first step raised `SystemExit` or `KeyboardInterrupt`.
    pub(super) fn start<'py>(&self, awaitable: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = awaitable.py();
        let coroutine = if awaitable.get_type().is(&self.coroutine) {
            awaitable
        } else {
            self.awaiting.bind(py).call1((awaitable,))?
        };
        let arguments = Some(self.arguments.bind(py));
        let Some((event_loop, first_step)) = &self.deferred else {
            return self.task.bind(py).call((coroutine,), arguments);
        };
        // Task() schedules its first step by the loop's call_soon(), which an attribute of the instance
        // hides from it.
        let event_loop = event_loop.bind(py);
        event_loop.setattr(intern!(py, "call_soon"), first_step)?;
        let task = self.task.bind(py).call((coroutine,), arguments);
        event_loop.delattr(intern!(py, "call_soon"))?;
        let task = task?;
        first_step.get().run(py)?;
        Ok(task)
    }
}

/// Stands in for `call_soon()` while a task is made.
#[pyclass(frozen, module = "pounce_rs._native")]
pub(super) struct FirstStep(Mutex<Option<(Py<PyAny>, Py<PyAny>)>>);

impl FirstStep {
    fn run(&self, py: Python<'_>) -> PyResult<()> {
        let caught = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (step, context) = caught.ok_or_else(|| {
            PyRuntimeError::new_err("asyncio.Task() has not scheduled its first step")
        })?;
        context
            .bind(py)
            .call_method1(intern!(py, "run"), (step,))
            .map(drop)
    }
}

#[pymethods]
impl FirstStep {
    #[pyo3(signature = (step, *_arguments, context))]
    fn __call__(&self, step: Py<PyAny>, _arguments: &Bound<'_, PyTuple>, context: Py<PyAny>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((step, context));
    }
}
