//! The server in an application's own event loop.

mod alarm;
mod application;
mod awaitable;
mod call;
mod disconnect;
mod exchange;
mod extensions;
mod message;
mod owned;
mod scope;
mod setup;
mod startup;
mod tasks;
mod wakeup;
mod websocket;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::os::fd::{AsRawFd as _, RawFd};
use std::rc::Rc;
use std::time::Duration;

use pounce_core::serve::access::AccessLog;
use pounce_core::serve::proxy::TrustedNames;
use pounce_core::serve::reactor::Reactor;
use pounce_core::serve::server::{Accepting, Server};
use pounce_core::serve::settings::Settings;
use pounce_core::serve::tls::TlsAcceptor;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use slab::Slab;

use alarm::Alarm;
use application::{Core, PythonApp};
use awaitable::Done;
use scope::Scopes;
use tasks::Tasks;
use websocket::Stepper;

pub(crate) use startup::Startup;

/// Serves an application on the event loop of this thread.
#[pyclass(unsendable, frozen, module = "pounce_rs._native")]
pub(crate) struct Worker {
    reactor: RefCell<Reactor>,
    server: Server,
    core: Rc<Core>,
    alarm: Rc<Alarm>,
    tls: Option<TlsAcceptor>,
    access: Option<Rc<AccessLog>>,
    /// Listeners of other slots, by slot.
    adopted: RefCell<HashMap<usize, Vec<Accepting>>>,
    event_loop: Py<PyAny>,
    keywords: Py<PyDict>,
    /// The loop has been asked for another turn at once.
    again: Cell<bool>,
    startup: Option<Py<Startup>>,
}

#[pymethods]
impl Worker {
    /// A server that does not listen yet.
    ///
    /// `config` is the configuration as a JSON object of fields that differ from their defaults;
    /// `context` the `contextvars.Context` that the server runs in; `journal` is called with what went
    /// wrong, request id, method, path and the exception or None; `report` with what happened beside
    /// requests and whether that is an error, from any thread; `awaiting` makes a coroutine of an awaitable;
    /// `startup` is what has answered so far; `certificate` a chain and its key, in PEM form, for where
    /// the files hold none that can be served.
    #[new]
    #[expect(clippy::too_many_arguments, reason = "they are keywords")]
    #[pyo3(signature = (app, *, event_loop, context, config, workers, worker_id, state, journal, report, awaiting, startup=None, certificate=None))]
    fn new(
        py: Python<'_>,
        app: Py<PyAny>,
        event_loop: &Bound<'_, PyAny>,
        context: &Bound<'_, PyAny>,
        config: &str,
        workers: usize,
        worker_id: usize,
        state: Py<PyDict>,
        journal: Py<PyAny>,
        report: Py<PyAny>,
        awaiting: Py<PyAny>,
        startup: Option<Py<Startup>>,
        certificate: Option<setup::Certificate>,
    ) -> PyResult<Self> {
        let config = setup::configuration(config)?;
        let keywords = PyDict::new(py);
        keywords.set_item("context", context)?;
        let alarm = Rc::new(Alarm::new(event_loop, keywords.clone().unbind())?);
        let reactor = Reactor::new()?;
        let handle = reactor.handle();
        let core = Rc::new(Core {
            app,
            scopes: Scopes::new(
                py,
                &config.root_path,
                config
                    .uds
                    .as_ref()
                    .map(|path| path.to_string_lossy().into_owned()),
                state,
            )?,
            tasks: Tasks::new(py, event_loop, awaiting)?,
            journal,
            create_future: event_loop.getattr(intern!(py, "create_future"))?.unbind(),
            done: Py::new(py, Done)?,
            alarm: Rc::clone(&alarm),
            stepper: Stepper::new(event_loop, handle.clone())?,
            handle: handle.clone(),
            running: RefCell::new(Slab::new()),
        });
        let application = Rc::new(PythonApp(Rc::clone(&core)));
        let access = setup::access_log(&config, &handle);
        let mut settings = Settings::new(&config, workers);
        settings.worker_id = worker_id;
        if let Some(startup) = &startup {
            settings.started = startup.get().started();
        }
        let report = setup::report(report);
        // The resolver waits for names, and may have something to report meanwhile.
        let names = py.detach(|| TrustedNames::of(config.trusted_hosts.peers(), &report));
        settings.trusted.resolve_by(names);
        Ok(Self {
            tls: setup::lasting_tls(&config, certificate, &handle, report)?,
            adopted: RefCell::default(),
            server: Server::new(handle, settings, application, access.clone()),
            access,
            reactor: RefCell::new(reactor),
            core,
            alarm,
            event_loop: event_loop.clone().unbind(),
            keywords: keywords.unbind(),
            again: Cell::new(false),
            startup,
        })
    }

    /// Joins the event loop and accepts connections from these listening sockets, whose descriptors
    /// become this object's: each with whether it is a Unix socket. Ends the startup, and goes on with
    /// the connections that wait there.
    ///
    /// # Errors
    /// `OSError` where a descriptor is no socket, or the startup could not listen.
    fn start(slf: &Bound<'_, Self>, listeners: Vec<(RawFd, bool)>) -> PyResult<()> {
        let py = slf.py();
        let worker = slf.borrow();
        let turn = slf.getattr(intern!(py, "turn"))?;
        let event_loop = worker.event_loop.bind(py);
        worker
            .alarm
            .ring_by(slf.getattr(intern!(py, "ring"))?.unbind());
        let call_soon = event_loop.getattr(intern!(py, "call_soon"))?.unbind();
        let (callback, keywords) = (turn.clone().unbind(), worker.keywords.clone_ref(py));
        let reactor = worker.reactor.borrow();
        reactor.summon_by(move || {
            Python::attach(|py| {
                let called = call_soon
                    .bind(py)
                    .call((&callback,), Some(keywords.bind(py)));
                if let Err(error) = called {
                    error.write_unraisable(py, None);
                }
            });
        });
        let waiting = match &worker.startup {
            Some(startup) => startup.get().end(py)?,
            None => Vec::new(),
        };
        for (descriptor, unix) in listeners {
            worker.listen(descriptor, unix)?;
        }
        for waiting in waiting {
            worker.server.resume(waiting);
        }
        let descriptor = reactor.as_raw_fd();
        event_loop.call_method1(intern!(py, "add_reader"), (descriptor, turn))?;
        Ok(())
    }

    /// Does what is ready. Called by the loop: for the descriptor, when summoned, and by the alarm.
    fn turn(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let worker = slf.borrow();
        // Taken: the application runs the loop within a request, and polling is never re-entered.
        let Ok(mut reactor) = worker.reactor.try_borrow_mut() else {
            return Ok(());
        };
        let turn = reactor.turn_ready()?;
        drop(reactor);
        if (turn.more || turn.linger) && !worker.again.replace(true) {
            let again = (slf.getattr(intern!(py, "go_on"))?,);
            let keywords = Some(worker.keywords.bind(py));
            let event_loop = worker.event_loop.bind(py);
            event_loop
                .getattr(intern!(py, "call_soon"))?
                .call(again, keywords)?;
        }
        worker.alarm.set(py, turn.deadline);
        Ok(())
    }

    /// What a turn has the loop call where another should follow at once.
    fn go_on(slf: &Bound<'_, Self>) -> PyResult<()> {
        slf.borrow().again.set(false);
        Self::turn(slf)
    }

    /// What the alarm calls.
    fn ring(slf: &Bound<'_, Self>) -> PyResult<()> {
        slf.borrow().alarm.rang();
        Self::turn(slf)
    }

    /// Has the health endpoint tell that the server is about to end; everything is still served.
    fn announce_end(&self) {
        self.server.announce_end();
    }

    /// Stops accepting; connections end with the response they are at.
    fn drain(&self) {
        self.server.drain();
    }

    /// As `drain`, where a new generation takes over: connections that are idle have so many seconds for
    /// one more request, and WebSockets are closed with 1012, not 1001.
    fn retire(&self, patience: f64) {
        let patience = Duration::try_from_secs_f64(patience).unwrap_or_default();
        self.server.retire(patience);
    }

    /// Accepts connections from the sockets of another slot, too. The descriptors become this object's.
    ///
    /// # Errors
    /// `OSError` where a descriptor is no socket.
    fn adopt(&self, slot: usize, listeners: Vec<(RawFd, bool)>) -> PyResult<()> {
        // Where one fails the others are begun, and can be released, all the same.
        let mut result = Ok(());
        for (descriptor, unix) in listeners {
            match self.listen(descriptor, unix) {
                Ok(accepting) => {
                    let mut adopted = self.adopted.borrow_mut();
                    adopted.entry(slot).or_default().push(accepting);
                }
                Err(error) => result = result.and(Err(error)),
            }
        }
        result
    }

    /// Closes the sockets of another slot, if it has any.
    fn release(&self, slot: usize) {
        let accepting = self.adopted.borrow_mut().remove(&slot);
        accepting.into_iter().flatten().for_each(Accepting::end);
    }

    /// Open connections.
    #[getter]
    fn connections(&self) -> usize {
        self.server.connections()
    }

    /// Tasks of requests that are not at their end.
    #[getter]
    fn tasks(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        let running = self.core.running.borrow();
        running.iter().map(|(_, task)| task.clone_ref(py)).collect()
    }

    /// Writes what waits to be written, and leaves the event loop.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if let Some(access) = &self.access {
            access.flush();
        }
        let descriptor = self.reactor.borrow().as_raw_fd();
        self.event_loop
            .bind(py)
            .call_method1(intern!(py, "remove_reader"), (descriptor,))?;
        Ok(())
    }
}

impl Worker {
    fn listen(&self, descriptor: RawFd, unix: bool) -> PyResult<Accepting> {
        let listener = setup::listener(&self.core.handle, descriptor, unix)?;
        Ok(self.server.listen(listener, self.tls.clone()))
    }
}
