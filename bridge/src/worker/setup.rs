//! From the configuration to what the server is made of.

use std::io::{self, IsTerminal as _};
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};
use std::rc::Rc;

use pounce_core::config::types::{LogFormat, LogLevel};
use pounce_core::config::{Inputs, ServerConfig, Sources, resolve};
use pounce_core::serve::access::{AccessLog, Format, Telling};
use pounce_core::serve::output::Output;
use pounce_core::serve::reactor::{Handle, Listener};
use pounce_core::serve::report::{Level, Report};
use pounce_core::serve::tls::{self, CertificateFiles, FileError, Pair, TlsAcceptor};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::keywords::{complaint, keyword};

/// The configuration from a JSON object of the fields that differ from their defaults.
pub(super) fn configuration(config: &str) -> PyResult<ServerConfig> {
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(config).map_err(|error| {
            PyValueError::new_err(format!("the configuration is no JSON object: {error}"))
        })?;
    let inputs = Inputs {
        keywords: fields
            .into_iter()
            .map(|(name, value)| keyword::<ServerConfig>(name, value))
            .collect(),
        ..Inputs::default()
    };
    let resolved = resolve::<ServerConfig>(&inputs, &mut Sources::default());
    match complaint("ServerConfig", &resolved.problems, &[]) {
        Some(message) => Err(PyValueError::new_err(message)),
        None => Ok(resolved.config),
    }
}

/// The access log, on standard output; None where it has nothing to tell at the configured level.
pub(super) fn access_log(config: &ServerConfig, handle: &Handle) -> Option<Rc<AccessLog>> {
    let informs = matches!(config.log_level, LogLevel::Debug | LogLevel::Info);
    let warns = informs || config.log_level == LogLevel::Warning;
    let requests = config.access_log && informs;
    let slow = config.access_log && warns;
    let connections = config.lifecycle_logging && informs;
    if !slow && !connections {
        return None;
    }
    let format = match config.log_format {
        LogFormat::Json => Format::Json,
        LogFormat::Auto if !io::stdout().is_terminal() => Format::Json,
        LogFormat::Auto | LogFormat::Text => Format::Text,
    };
    let telling = Telling {
        format,
        requests,
        slow: slow.then(|| config.log_slow_requests_threshold.duration()),
        connections,
    };
    Some(AccessLog::start(handle, telling, Output::new(io::stdout())))
}

/// Where the worker's parts report to: a function of Python, called with a message and whether it is an
/// error.
pub(super) fn report(function: Py<PyAny>) -> Report {
    Report::new(move |level, message| {
        // None while the interpreter ends: nobody is left to be told.
        Python::try_attach(|py| {
            if let Err(error) = function.call1(py, (message, level == Level::Error)) {
                error.write_unraisable(py, None);
            }
        });
    })
}

/// A certificate chain and its key, in PEM form, as Python has them.
pub(super) type Certificate = (String, String);

/// What takes TLS connections, its files, and why it serves `kept` instead of what they hold; None where
/// there is no certificate.
pub(super) fn tls(config: &ServerConfig, kept: Option<Certificate>) -> PyResult<Option<Tls>> {
    let (Some(chain), Some(key)) = (&config.ssl_certfile, &config.ssl_keyfile) else {
        return Ok(None);
    };
    let kept = kept.map(|(chain, key)| Pair {
        chain: chain.into_bytes(),
        key: key.into_bytes(),
    });
    let mut files = CertificateFiles::new(chain, key);
    let (acceptor, instead) = files
        .acceptor_or(kept.as_ref(), config.http2_enabled)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(Some(Tls {
        acceptor,
        files,
        instead,
    }))
}

/// What takes TLS connections, and where that comes from.
pub(super) struct Tls {
    pub(super) acceptor: TlsAcceptor,
    files: CertificateFiles,
    instead: Option<FileError>,
}

/// What takes TLS connections for as long as the reactor runs: it follows its files.
pub(super) fn lasting_tls(
    config: &ServerConfig,
    kept: Option<Certificate>,
    handle: &Handle,
    report: Report,
) -> PyResult<Option<TlsAcceptor>> {
    let Some(tls) = tls(config, kept)? else {
        return Ok(None);
    };
    if let Some(error) = tls.instead {
        report.tell(
            Level::Error,
            &format!("the last certificate that could be served is kept: {error}"),
        );
    }
    let (files, acceptor) = (tls.files, tls.acceptor);
    handle.spawn(files.follow(acceptor.clone(), handle.clone(), tls::LOOK, report));
    Ok(Some(acceptor))
}

/// A socket that becomes the server's own.
#[expect(unsafe_code, reason = "a descriptor comes from Python as a number")]
pub(super) fn owned(descriptor: RawFd) -> OwnedFd {
    // SAFETY: the caller has detached it from its socket object: it is open, and nobody else closes it.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

/// The reactor's listener on a socket that becomes its own.
pub(super) fn listener(handle: &Handle, descriptor: RawFd, unix: bool) -> PyResult<Listener> {
    let socket = owned(descriptor);
    Ok(if unix {
        Listener::unix(handle, socket.into())?
    } else {
        Listener::tcp(handle, socket.into())?
    })
}
