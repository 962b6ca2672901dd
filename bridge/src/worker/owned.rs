//! A value of the worker's thread inside of a Python object, which any thread may hold or drop.

use std::mem::forget;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use send_wrapper::SendWrapper;

/// A value that only the thread that made it can reach.
pub(super) struct Owned<T>(Option<SendWrapper<T>>);

impl<T> Owned<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Some(SendWrapper::new(value)))
    }

    /// The value.
    ///
    /// # Errors
    /// `RuntimeError` on any other thread.
    pub(super) fn get(&self) -> PyResult<&T> {
        match &self.0 {
            Some(wrapper) if wrapper.valid() => Ok(wrapper),
            _ => Err(PyRuntimeError::new_err(
                "receive() and send() belong to the event loop's thread and were called from another: \
                 go through asyncio.run_coroutine_threadsafe() or anyio.from_thread.run()",
            )),
        }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // The last reference can be another thread's. The value cannot be dropped there; it is a few
        // hundred bytes, for what it held open is let go at the end of its request.
        if let Some(wrapper) = self.0.take().filter(|wrapper| !wrapper.valid()) {
            forget(wrapper);
        }
    }
}
