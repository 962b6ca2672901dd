//! Whether an application has failed because its client is gone: then nobody needs to hear of it.

use pyo3::exceptions::{PyConnectionResetError, PyOSError};
use pyo3::intern;
use pyo3::prelude::*;

/// Exceptions that are followed from one that an application has raised.
const DEPTH: usize = 16;

/// Whether this is the error by which `send()` tells of a client that is gone, or was raised while that was
/// handled, as frameworks do with an exception of their own; or a group of nothing but such.
pub(super) fn is_consequence(py: Python<'_>, error: &PyErr) -> bool {
    let error = error.value(py).as_any();
    error.is_instance_of::<PyOSError>() || follows(error, DEPTH)
}

fn follows(error: &Bound<'_, PyAny>, depth: usize) -> bool {
    let py = error.py();
    if depth == 0 {
        return false;
    }
    if error.is_instance_of::<PyConnectionResetError>() {
        return true;
    }
    // ExceptionGroup came with Python 3.11; before that there is a package, which anyio uses.
    if let Ok(group) = error.getattr(intern!(py, "exceptions"))
        && let Ok(mut members) = group.try_iter()
    {
        return members.all(|member| member.is_ok_and(|member| follows(&member, depth - 1)));
    }
    [intern!(py, "__cause__"), intern!(py, "__context__")]
        .into_iter()
        .filter_map(|name| error.getattr(name).ok())
        .any(|earlier| !earlier.is_none() && follows(&earlier, depth - 1))
}
