//! Who answers before the application is up, as Python starts and ends it.

use std::os::fd::RawFd;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use pounce_core::serve::settings::Settings;
use pounce_core::serve::startup::{Startup as Answering, Waiting};
use pyo3::prelude::*;

use super::setup;

/// Answers health probes on a thread of its own until the worker starts, or this is closed.
#[pyclass(frozen, module = "pounce_rs._native")]
pub(crate) struct Startup {
    answering: Mutex<Option<Answering>>,
    started: Instant,
}

impl Startup {
    /// Since when the worker runs.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Ends it; gives the connections that wait for the application.
    pub(super) fn end(&self, py: Python<'_>) -> PyResult<Vec<Waiting>> {
        match self.take() {
            Some(answering) => Ok(py.detach(|| answering.end())?),
            None => Ok(Vec::new()),
        }
    }

    fn take(&self) -> Option<Answering> {
        self.answering
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

#[pymethods]
impl Startup {
    /// Begins to answer on these listening sockets, whose descriptors become this object's: each with
    /// whether it is a Unix socket. `config` and `certificate` as for `Worker`.
    ///
    /// # Errors
    /// `ValueError` where the configuration is none or the certificate cannot be read, `OSError` where
    /// the system has no thread.
    #[new]
    #[pyo3(signature = (listeners, *, config, workers, worker_id, certificate=None))]
    fn new(
        listeners: Vec<(RawFd, bool)>,
        config: &str,
        workers: usize,
        worker_id: usize,
        certificate: Option<setup::Certificate>,
    ) -> PyResult<Self> {
        let sockets = listeners
            .into_iter()
            .map(|(descriptor, unix)| (setup::owned(descriptor), unix))
            .collect();
        let config = setup::configuration(config)?;
        let tls = setup::tls(&config, certificate)?.map(|tls| tls.acceptor);
        let mut settings = Settings::new(&config, workers);
        settings.worker_id = worker_id;
        let started = settings.started;
        let answering = Answering::begin(settings, sockets, tls.as_ref())?;
        Ok(Self {
            answering: Mutex::new(Some(answering)),
            started,
        })
    }

    /// Ends it where the worker has not: who waits is let go.
    fn close(&self, py: Python<'_>) {
        let answering = self.take();
        py.detach(|| drop(answering));
    }
}
