//! The scope of an HTTP request (ASGI spec, "HTTP Connection Scope").

use std::net::SocketAddr;

use http::header::HOST;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Version};
use percent_encoding::percent_decode_str;
use pounce_core::serve::application::ConnectionInfo;
use pounce_core::serve::request_id::RequestId;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use super::extensions::Extensions;

/// Version of the HTTP part of the specification: since 2.4 `send()` raises OSError after a disconnect.
const SPEC_VERSION: &str = "2.4";

/// Where a request comes from, proxies seen through.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) client: Option<SocketAddr>,
    pub(super) secure: bool,
}

/// Makes the scopes of one application.
pub(super) struct Scopes {
    /// What all scopes share, in a dict to be copied.
    shared: Py<PyDict>,
    asgi: Py<PyDict>,
    state: Py<PyDict>,
    /// `server` where a connection has no address: the path of the Unix socket.
    unix_path: Option<String>,
    /// Where the application is mounted, without a slash at the end.
    root_path: String,
    extensions: Extensions,
}

impl Scopes {
    /// # Errors
    /// Where the interpreter has no memory.
    pub(super) fn new(
        py: Python<'_>,
        root_path: &str,
        unix_path: Option<String>,
        state: Py<PyDict>,
    ) -> PyResult<Self> {
        let root_path = root_path.trim_end_matches('/');
        let asgi = PyDict::new(py);
        asgi.set_item("version", "3.0")?;
        asgi.set_item("spec_version", SPEC_VERSION)?;
        let shared = PyDict::new(py);
        shared.set_item(intern!(py, "type"), intern!(py, "http"))?;
        shared.set_item(intern!(py, "root_path"), root_path)?;
        Ok(Self {
            shared: shared.unbind(),
            asgi: asgi.unbind(),
            state,
            unix_path,
            root_path: root_path.to_owned(),
            extensions: Extensions::default(),
        })
    }

    /// The scope of one request. Every mutable part is the request's own: applications write into it.
    ///
    /// # Errors
    /// Where the interpreter has no memory.
    pub(super) fn make<'py>(
        &self,
        py: Python<'py>,
        head: &Parts,
        id: &RequestId,
        origin: Origin,
        connection: &ConnectionInfo,
    ) -> PyResult<Bound<'py, PyDict>> {
        let scope = self.shared.bind(py).copy()?;
        let path = head.uri.path();
        scope.set_item(intern!(py, "asgi"), self.asgi.bind(py).copy()?)?;
        scope.set_item(intern!(py, "http_version"), version(py, head.version))?;
        scope.set_item(intern!(py, "method"), method(py, &head.method))?;
        scope.set_item(intern!(py, "scheme"), scheme(py, origin.secure))?;
        scope.set_item(intern!(py, "path"), self.path(py, path))?;
        scope.set_item(intern!(py, "raw_path"), PyBytes::new(py, path.as_bytes()))?;
        let query = head.uri.query().unwrap_or_default();
        scope.set_item(
            intern!(py, "query_string"),
            PyBytes::new(py, query.as_bytes()),
        )?;
        scope.set_item(intern!(py, "headers"), headers(py, head)?)?;
        scope.set_item(intern!(py, "client"), address(py, origin.client)?)?;
        scope.set_item(intern!(py, "server"), self.server(py, connection)?)?;
        scope.set_item(intern!(py, "state"), self.state.bind(py).copy()?)?;
        let extensions = self.extensions.make(py, head, id, connection)?;
        scope.set_item(intern!(py, "extensions"), extensions)?;
        Ok(scope)
    }

    /// The path as the application has it: under its root, whether or not the proxy in front has taken
    /// that off. `raw_path` stays as it came.
    fn path<'py>(&self, py: Python<'py>, raw: &str) -> Bound<'py, PyString> {
        if self.root_path.is_empty() || !raw.starts_with('/') {
            return decoded(py, raw);
        }
        let path = percent_decode_str(raw).decode_utf8_lossy();
        let mounted = path
            .strip_prefix(&self.root_path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if mounted {
            PyString::new(py, &path)
        } else {
            PyString::new(py, &format!("{}{path}", self.root_path))
        }
    }

    fn server<'py>(
        &self,
        py: Python<'py>,
        connection: &ConnectionInfo,
    ) -> PyResult<Bound<'py, PyAny>> {
        match (connection.local, &self.unix_path) {
            (None, Some(path)) => Ok((path, py.None()).into_pyobject(py)?.into_any()),
            (local, _) => address(py, local),
        }
    }
}

fn version(py: Python<'_>, version: Version) -> &Bound<'_, PyString> {
    match version {
        Version::HTTP_2 => intern!(py, "2"),
        Version::HTTP_10 => intern!(py, "1.0"),
        _ => intern!(py, "1.1"),
    }
}

fn method<'py>(py: Python<'py>, method: &Method) -> Bound<'py, PyString> {
    match *method {
        Method::GET => intern!(py, "GET").clone(),
        Method::POST => intern!(py, "POST").clone(),
        // The specification has it in upper case.
        _ => PyString::new(py, &method.as_str().to_ascii_uppercase()),
    }
}

fn scheme(py: Python<'_>, tls: bool) -> &Bound<'_, PyString> {
    if tls {
        intern!(py, "https")
    } else {
        intern!(py, "http")
    }
}

/// The path as text. What is no UTF-8 becomes U+FFFD; `raw_path` has it as it came.
fn decoded<'py>(py: Python<'py>, path: &str) -> Bound<'py, PyString> {
    if path.contains('%') {
        PyString::new(py, &percent_decode_str(path).decode_utf8_lossy())
    } else {
        PyString::new(py, path)
    }
}

/// All headers in their order; over HTTP/2, whose host is a pseudo header, it comes first.
fn headers<'py>(py: Python<'py>, head: &Parts) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    let add = |name: &HeaderName, value: &HeaderValue| {
        let name = PyBytes::new(py, name.as_str().as_bytes());
        let value = PyBytes::new(py, value.as_bytes());
        list.append(PyTuple::new(py, [name, value])?)
    };
    let host = head
        .headers
        .get(HOST)
        .filter(|_| head.version == Version::HTTP_2);
    if let Some(host) = host {
        add(&HOST, host)?;
    }
    for (name, value) in &head.headers {
        if host.is_none() || name != HOST {
            add(name, value)?;
        }
    }
    Ok(list)
}

fn address(py: Python<'_>, address: Option<SocketAddr>) -> PyResult<Bound<'_, PyAny>> {
    let Some(address) = address else {
        return Ok(py.None().into_bound(py));
    };
    let pair = (address.ip().to_canonical().to_string(), address.port());
    Ok(pair.into_pyobject(py)?.into_any())
}
