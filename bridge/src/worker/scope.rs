//! The scope of an HTTP request (ASGI spec, "HTTP Connection Scope").

use std::cell::RefCell;
use std::net::SocketAddr;

use http::header::HOST;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Version};
use percent_encoding::percent_decode_str;
use pounce_core::serve::application::ConnectionInfo;
use pounce_core::serve::reactor::Peer;
use pounce_core::serve::request_id::RequestId;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use super::extensions::{self, Extensions};

/// Version of the HTTP part of the specification: since 2.4 `send()` raises OSError after a disconnect.
const SPEC_VERSION: &str = "2.4";

/// Where a request comes from, proxies seen through.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) client: Option<SocketAddr>,
    pub(super) secure: bool,
}

/// Most bytes of a path, and of headers, that are kept for the next request of their connection.
const KEPT: usize = 4096;

/// Makes the scopes of one application.
pub(super) struct Scopes {
    asgi: Py<PyDict>,
    state: Py<PyDict>,
    /// `server` where a connection has no address: the path of the Unix socket.
    unix_path: Option<String>,
    /// Where the application is mounted, without a slash at the end.
    root_path: String,
    extensions: Extensions,
}

/// What the scopes of one connection have in common, made with its first request.
struct Kept {
    /// A scope of this connection, in which a request's own parts stand for those of any other.
    template: Py<PyDict>,
    extensions: Py<PyDict>,
    version: Version,
    client: Option<SocketAddr>,
    secure: bool,
    last: RefCell<Last>,
}

/// What the last request of a connection had: clients mostly say the same again, and what is immutable
/// need not be made anew. Its method and target stand in the template.
struct Last {
    method: Method,
    /// Path and query.
    target: String,
    /// Pairs of bytes.
    headers: Py<PyList>,
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
        Ok(Self {
            asgi: asgi.unbind(),
            state,
            unix_path,
            root_path: root_path.to_owned(),
            extensions: Extensions::default(),
        })
    }

    /// The scope of one request. Every mutable part that says something of it is its own, as applications
    /// write into it: shared are `asgi` and the empty dicts of extensions, which say the same of all.
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
        let made;
        let kept = match kept(connection) {
            Some(kept) if kept.version == head.version => kept,
            // A client that changes its version changes what it is offered.
            Some(_) => {
                made = self.begin(py, head.version, connection)?;
                &made
            }
            None => {
                made = self.begin(py, head.version, connection)?;
                // It is set once, here.
                let _ = connection.kept.set(Box::new(made));
                kept(connection)
                    .ok_or_else(|| PyRuntimeError::new_err("the connection keeps another's"))?
            }
        };
        let template = kept.template.bind(py);
        let mut last = kept.last.borrow_mut();
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
        let long = path.len() + query.len() > KEPT;
        if !long {
            last.follow(self, head, template)?;
        }
        let scope = template.copy()?;
        if long {
            scope.set_item(intern!(py, "method"), method(py, &head.method))?;
            self.set_target(path, query, &scope)?;
        }
        if origin.secure != kept.secure {
            scope.set_item(intern!(py, "scheme"), scheme(py, origin.secure))?;
        }
        scope.set_item(intern!(py, "headers"), last.headers(py, head)?)?;
        if origin.client != kept.client {
            scope.set_item(intern!(py, "client"), address(py, origin.client)?)?;
        }
        scope.set_item(intern!(py, "state"), self.state.bind(py).copy()?)?;
        let extensions = kept.extensions.bind(py).copy()?;
        extensions.set_item(intern!(py, "request_id"), id.as_str())?;
        extensions::add_trailers(head, &extensions)?;
        if connection.tls.is_some() {
            extensions::own_tls(&extensions)?;
        }
        scope.set_item(intern!(py, "extensions"), extensions)?;
        Ok(scope)
    }

    fn begin(
        &self,
        py: Python<'_>,
        http_version: Version,
        connection: &ConnectionInfo,
    ) -> PyResult<Kept> {
        let client = match connection.peer {
            Peer::Tcp(address) => Some(address),
            Peer::Unix => None,
        };
        let secure = connection.tls.is_some();
        let template = PyDict::new(py);
        template.set_item(intern!(py, "type"), intern!(py, "http"))?;
        // It says the same of every request, and is not copied for each.
        template.set_item(intern!(py, "asgi"), &self.asgi)?;
        template.set_item(intern!(py, "http_version"), version(py, http_version))?;
        template.set_item(intern!(py, "method"), method(py, &Method::GET))?;
        template.set_item(intern!(py, "scheme"), scheme(py, secure))?;
        self.set_target("", "", &template)?;
        template.set_item(intern!(py, "root_path"), &self.root_path)?;
        template.set_item(intern!(py, "headers"), py.None())?;
        template.set_item(intern!(py, "client"), address(py, client)?)?;
        template.set_item(intern!(py, "server"), self.server(py, connection)?)?;
        template.set_item(intern!(py, "state"), py.None())?;
        template.set_item(intern!(py, "extensions"), py.None())?;
        Ok(Kept {
            template: template.unbind(),
            extensions: self
                .extensions
                .template(py, http_version, connection)?
                .unbind(),
            version: http_version,
            client,
            secure,
            last: RefCell::new(Last {
                method: Method::GET,
                target: String::new(),
                headers: PyList::empty(py).unbind(),
            }),
        })
    }

    /// Sets what a target says.
    fn set_target(&self, path: &str, query: &str, scope: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = scope.py();
        scope.set_item(intern!(py, "path"), self.path(py, path))?;
        let raw_path = PyBytes::new(py, path.as_bytes());
        scope.set_item(intern!(py, "raw_path"), raw_path)?;
        let query = PyBytes::new(py, query.as_bytes());
        scope.set_item(intern!(py, "query_string"), query)
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

fn kept(connection: &ConnectionInfo) -> Option<&Kept> {
    connection.kept.get()?.downcast_ref()
}

impl Last {
    /// Has the template say what this request's line says.
    fn follow(
        &mut self,
        scopes: &Scopes,
        head: &Parts,
        template: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let py = template.py();
        if self.method != head.method {
            template.set_item(intern!(py, "method"), method(py, &head.method))?;
            self.method = head.method.clone();
        }
        let target = head.uri.path_and_query().map_or("", PathAndQuery::as_str);
        if self.target != target {
            let query = head.uri.query().unwrap_or_default();
            scopes.set_target(head.uri.path(), query, template)?;
            target.clone_into(&mut self.target);
        }
        Ok(())
    }

    /// All headers in their order, as a list of the request's own; over HTTP/2, whose host is a pseudo
    /// header, it comes first.
    fn headers<'py>(&mut self, py: Python<'py>, head: &Parts) -> PyResult<Bound<'py, PyList>> {
        let headers = &head.headers;
        let last = self.headers.bind(py);
        let known = last.len();
        let mut bytes = 0;
        let host = headers
            .get(HOST)
            .filter(|_| head.version == Version::HTTP_2);
        let others = headers
            .iter()
            .filter(|(name, _)| host.is_none() || *name != HOST);
        let ordered = host.map(|host| (&HOST, host)).into_iter().chain(others);
        for (index, (name, value)) in ordered.enumerate() {
            let (name, value) = (name.as_str().as_bytes(), value.as_bytes());
            bytes += name.len() + value.len();
            if index < known && is_pair(&last.get_item(index)?, name, value) {
                continue;
            }
            let pair = (PyBytes::new(py, name), PyBytes::new(py, value)).into_pyobject(py)?;
            if index < known {
                last.set_item(index, pair)?;
            } else {
                last.append(pair)?;
            }
        }
        let count = headers.len();
        if count < known {
            last.del_slice(count, known)?;
        }
        let own = last.get_slice(0, count);
        if bytes > KEPT {
            self.headers = PyList::empty(py).unbind();
        }
        Ok(own)
    }
}

fn is_pair(pair: &Bound<'_, PyAny>, name: &[u8], value: &[u8]) -> bool {
    let is = |index, expected: &[u8]| {
        let Ok(pair) = pair.cast::<PyTuple>() else {
            return false;
        };
        pair.get_borrowed_item(index).is_ok_and(|item| {
            item.cast::<PyBytes>()
                .is_ok_and(|bytes| bytes.as_bytes() == expected)
        })
    };
    is(0, name) && is(1, value)
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

fn address(py: Python<'_>, address: Option<SocketAddr>) -> PyResult<Bound<'_, PyAny>> {
    let Some(address) = address else {
        return Ok(py.None().into_bound(py));
    };
    let pair = (address.ip().to_canonical().to_string(), address.port());
    Ok(pair.into_pyobject(py)?.into_any())
}
