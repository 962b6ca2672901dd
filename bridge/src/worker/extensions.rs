//! Extensions of the ASGI specification: which of them a request has, and what their messages bring.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::header::TE;
use http::request::Parts;
use http::{HeaderValue, Version};
use pounce_core::serve::application::{ConnectionInfo, has_interim_responses};
use pounce_core::serve::tls::TlsSession;
use pyo3::exceptions::{PyOSError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

/// A certificate as it is known to the server, and as it is given to applications.
type Known = (Arc<str>, Py<PyString>);

/// Makes the `extensions` of scopes.
#[derive(Default)]
pub(super) struct Extensions {
    /// The certificate of the last connection: it hardly ever changes.
    certificate: RefCell<Option<Known>>,
}

impl Extensions {
    /// What holds for the requests of a connection, to be copied for each: nothing is offered that would
    /// not reach the client. The request's name is still missing.
    ///
    /// # Errors
    /// Where the interpreter has no memory.
    pub(super) fn template<'py>(
        &self,
        py: Python<'py>,
        version: Version,
        connection: &ConnectionInfo,
    ) -> PyResult<Bound<'py, PyDict>> {
        let extensions = PyDict::new(py);
        extensions.set_item(intern!(py, "request_id"), py.None())?;
        extensions.set_item(intern!(py, "http.response.pathsend"), PyDict::new(py))?;
        if has_interim_responses(version) {
            extensions.set_item(intern!(py, "http.response.early_hint"), PyDict::new(py))?;
        }
        if let Some(session) = &connection.tls {
            extensions.set_item(intern!(py, "tls"), self.tls(py, session)?)?;
        }
        Ok(extensions)
    }

    /// The connection's security (ASGI TLS extension, 0.2). Clients are not asked for certificates.
    fn tls<'py>(&self, py: Python<'py>, session: &TlsSession) -> PyResult<Bound<'py, PyDict>> {
        let tls = PyDict::new(py);
        tls.set_item(intern!(py, "server_cert"), self.certificate(py, session))?;
        tls.set_item(intern!(py, "client_cert_chain"), PyTuple::empty(py))?;
        tls.set_item(intern!(py, "client_cert_name"), py.None())?;
        tls.set_item(intern!(py, "client_cert_error"), py.None())?;
        tls.set_item(intern!(py, "tls_version"), session.version)?;
        tls.set_item(intern!(py, "cipher_suite"), session.cipher_suite)?;
        Ok(tls)
    }

    fn certificate(&self, py: Python<'_>, session: &TlsSession) -> Py<PyString> {
        let mut known = self.certificate.borrow_mut();
        match known.as_ref() {
            Some((same, text)) if Arc::ptr_eq(same, &session.server_cert) => text.clone_ref(py),
            _ => {
                let text = PyString::new(py, &session.server_cert).unbind();
                *known = Some((Arc::clone(&session.server_cert), text.clone_ref(py)));
                text
            }
        }
    }
}

/// Offers trailers, where they reach the client.
///
/// # Errors
/// Where the interpreter has no memory.
pub(super) fn add_trailers(head: &Parts, extensions: &Bound<'_, PyDict>) -> PyResult<()> {
    let py = extensions.py();
    if takes_trailers(head) {
        extensions.set_item(intern!(py, "http.response.trailers"), PyDict::new(py))?;
    }
    Ok(())
}

/// Gives a request what the template says of the connection's security as its own: behind a proxy an
/// application may write into it what it knows of the client.
///
/// # Errors
/// Where the interpreter has no memory.
pub(super) fn own_tls(extensions: &Bound<'_, PyDict>) -> PyResult<()> {
    let key = intern!(extensions.py(), "tls");
    if let Some(tls) = extensions.get_item(key)? {
        extensions.set_item(key, tls.cast::<PyDict>()?.copy()?)?;
    }
    Ok(())
}

/// Whether trailers reach the client: it said so (RFC 9110 10.1.4), or the protocol always has them.
fn takes_trailers(head: &Parts) -> bool {
    match head.version {
        Version::HTTP_2 => true,
        Version::HTTP_11 => head.headers.get_all(TE).iter().any(|value| {
            value.to_str().is_ok_and(|text| {
                text.split(',')
                    .any(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
            })
        }),
        _ => false,
    }
}

/// The path that a message of the type `http.response.pathsend` names.
///
/// # Errors
/// `ValueError` without one, `TypeError` where it is no path.
pub(super) fn path(message: &Bound<'_, PyDict>) -> PyResult<PathBuf> {
    let path = message
        .get_item(intern!(message.py(), "path"))?
        .ok_or_else(|| PyValueError::new_err("http.response.pathsend has no \"path\""))?;
    path.extract().map_err(|_| {
        let kind = path.get_type();
        PyTypeError::new_err(format!(
            "the \"path\" of http.response.pathsend is a str or a path, not {kind}"
        ))
    })
}

/// Opens what `http.response.pathsend` is to send.
///
/// # Errors
/// The `OSError` of the system, with the path; `ValueError` where this is no regular file.
pub(super) fn open(path: &Path) -> PyResult<File> {
    let fault = |error: &io::Error| match error.raw_os_error() {
        Some(number) => PyOSError::new_err((
            number,
            error.to_string(),
            path.to_string_lossy().into_owned(),
        )),
        None => PyValueError::new_err(format!("{}: {error}", path.display())),
    };
    // Without waiting for the other end of a pipe.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| fault(&error))?;
    let kind = file.metadata().map_err(|error| fault(&error))?.file_type();
    if kind.is_dir() {
        return Err(fault(&io::Error::from_raw_os_error(libc::EISDIR)));
    }
    if !kind.is_file() {
        return Err(PyValueError::new_err(format!(
            "{} is not a regular file: http.response.pathsend can not send it",
            path.display()
        )));
    }
    Ok(file)
}

/// The links of a message of the type `http.response.early_hint`.
///
/// # Errors
/// `TypeError` and `ValueError` say what is wrong.
pub(super) fn links(message: &Bound<'_, PyDict>) -> PyResult<Vec<HeaderValue>> {
    let links = message
        .get_item(intern!(message.py(), "links"))?
        .ok_or_else(|| PyValueError::new_err("http.response.early_hint has no \"links\""))?;
    let wrong = || {
        PyTypeError::new_err("the \"links\" of http.response.early_hint are an iterable of bytes")
    };
    if links.is_instance_of::<PyBytes>() || links.is_instance_of::<PyString>() {
        return Err(wrong());
    }
    let mut values = Vec::new();
    for link in links.try_iter().map_err(|_| wrong())? {
        let link = link?.cast_into::<PyBytes>().map_err(|_| wrong())?;
        let value = HeaderValue::from_bytes(link.as_bytes()).map_err(|_| {
            PyValueError::new_err(
                "a link has a control character: a line break or NUL would forge headers",
            )
        })?;
        values.push(value);
    }
    Ok(values)
}
