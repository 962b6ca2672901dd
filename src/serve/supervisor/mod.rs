//! The supervisor: owns the sockets, starts workers, replaces those that crash, reloads, stops.

mod alone;
mod certificate;
mod crashes;
mod descriptors;
mod ending;
mod inherited;
mod launch;
mod log;
mod losses;
mod orphans;
mod pid_file;
mod records;
mod signals;
mod sockets;
mod terminal;
mod unix_socket;
mod worker;

use std::io::{self, PipeReader, PipeWriter};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;

use crate::config::types::LogLevel;

pub use alone::Alone;
pub use descriptors::open_standard;
pub use ending::{Ended, Failure};
pub use inherited::activated;
pub use launch::{AppSettings, Launch, Lifespan, Program, settings};
pub use log::Log;
pub use records::write_error;
pub use signals::hold as hold_signals;
pub use sockets::{Address, ListenError};
pub use worker::{PROTOCOL, VARIABLE};

use certificate::Certificate;
use crashes::Crashes;
use pid_file::PidFile;
use signals::{Received, Signals};
use sockets::Sockets;
use worker::{Phase, Place, Pulse, Worker};

/// Added to a worker's own limit, so that it ends by itself where it can: with what the app has left
/// behind and its lifespan.
const GRACE: Duration = Duration::from_secs(3);
/// Added to startup_timeout, which counts from the end of the import.
const IMPORT_LIMIT: Duration = Duration::from_secs(60);
/// Signals to stop that come closer together are one.
const SAME_WISH: Duration = Duration::from_millis(250);
/// How often workers are looked at without a reason.
const LOOK: Duration = Duration::from_secs(1);

/// A server that serves.
#[derive(Debug)]
pub struct Up<'a> {
    /// Where it listens.
    pub addresses: &'a [Address],
    /// Process ids of the workers, in the order of their slots.
    pub workers: Vec<i32>,
}

/// Runs the server until it is told to stop. `announce` is called once, when every worker serves.
///
/// # Errors
/// [`Failure`] where it did not come up or could not go on. Nothing is left behind then.
pub fn run(launch: &Launch, announce: &mut dyn FnMut(&Up<'_>)) -> Result<Ended, Failure> {
    open_standard();
    descriptors::raise_limit();
    // The handlers stand before there is anything to clean up.
    let signals = Signals::install().map_err(Failure::System)?;
    signals::release().map_err(Failure::System)?;
    let _pid_file = match &launch.pid_file {
        Some(path) => {
            let written = PidFile::write(path);
            Some(written.map_err(|error| Failure::PidFile(path.clone(), error))?)
        }
        None => None,
    };
    let sockets = Sockets::open(&launch.config, launch.workers, &launch.inherited)
        .map_err(Failure::Listen)?;
    let mut supervisor = Supervisor {
        launch,
        log: Log::new(launch.config.log_format, launch.config.log_level),
        signals,
        sockets: Some(sockets),
        closing: None,
        certificate: Certificate::of(&launch.config),
        lifeline: io::pipe().map_err(Failure::System)?,
        workers: Vec::new(),
        slots: vec![Slot::default(); launch.workers],
        stage: Stage::Launching,
        generation: 1,
        newest: 1,
        reload_wanted: false,
        relieving: false,
        told_to_stop: None,
    };
    let result = supervisor.run(announce);
    // Whatever happened, no worker outlives its supervisor.
    supervisor.kill_all();
    result
}

/// What the server as a whole is at.
#[derive(Debug)]
enum Stage {
    Launching,
    Serving,
    /// A newer generation is coming up beside the one that serves.
    Reloading,
    Stopping(Result<Ended, Failure>),
}

/// Place of one worker at a time, with sockets of its own.
#[derive(Debug, Clone, Default)]
struct Slot {
    crashes: Crashes,
    /// When a replacement is started.
    refill: Option<Instant>,
    /// The worker of another slot that accepts from this one's sockets.
    neighbour: Option<Pid>,
}

struct Supervisor<'a> {
    launch: &'a Launch,
    log: Log,
    signals: Signals,
    /// Closed when the server stops: nobody queues for a server that is going.
    sockets: Option<Sockets>,
    /// When that is, after drain_delay.
    closing: Option<Instant>,
    certificate: Option<Certificate>,
    /// Its write end is never written to: workers see our death by its end of file.
    lifeline: (PipeReader, PipeWriter),
    workers: Vec<Worker>,
    slots: Vec<Slot>,
    stage: Stage,
    /// The generation that serves.
    generation: u32,
    newest: u32,
    reload_wanted: bool,
    /// A reload is not told of yet: older workers may still accept connections.
    relieving: bool,
    told_to_stop: Option<Instant>,
}

impl Supervisor<'_> {
    fn run(&mut self, announce: &mut dyn FnMut(&Up<'_>)) -> Result<Ended, Failure> {
        for slot in 0..self.slots.len() {
            self.start(slot, 1)
                .map_err(|error| Failure::Spawn(self.launch.python.clone(), error))?;
        }
        loop {
            self.wait().map_err(Failure::System)?;
            let now = Instant::now();
            let received = self.signals.receive(now);
            self.obey(received, now);
            for worker in &mut self.workers {
                worker.listen(now);
            }
            self.reap();
            self.bury(now);
            if let Some(certificate) = &mut self.certificate {
                certificate.look(now);
            }
            if self.closing.is_some_and(|at| at <= now) {
                (self.sockets, self.closing) = (None, None);
            }
            self.look_after(now);
            self.come_up(now, announce);
            if matches!(self.stage, Stage::Serving) && std::mem::take(&mut self.reload_wanted) {
                self.reload(now);
            }
            self.relieve();
            self.refill(now);
            self.settle_orphans();
            if self.workers.is_empty()
                && let Stage::Stopping(result) = &mut self.stage
            {
                return std::mem::replace(result, Ok(Ended::Stopped));
            }
        }
    }

    fn start(&mut self, slot: usize, generation: u32) -> io::Result<()> {
        let Some(sockets) = &self.sockets else {
            return Ok(());
        };
        // Who takes connections in while it starts keeps them waiting: only where nobody else serves.
        let served = self
            .workers
            .iter()
            .any(|worker| worker.phase == Phase::Ready && !worker.dismissed);
        let place = Place {
            slot,
            generation,
            early: !served && (slot == 0 || !sockets.are_shared()),
        };
        // Who replaces a worker serves as that one did; a new generation takes what there is now.
        let replaces = !matches!(self.stage, Stage::Launching) && generation == self.generation;
        let certificate = self.certificate.as_ref().filter(|_| replaces);
        let certificate = certificate.and_then(Certificate::last);
        let worker = Worker::start(self.launch, sockets, &self.lifeline.0, place, certificate)?;
        self.say(self.life(), "worker_started", "started", &worker);
        self.workers.push(worker);
        Ok(())
    }

    /// Waits for a signal, a report, or the next thing to do.
    fn wait(&self) -> io::Result<()> {
        let now = Instant::now();
        let refills = self.slots.iter().filter_map(|slot| slot.refill);
        let deadlines = self.workers.iter().filter_map(|worker| worker.deadline);
        let next = refills.chain(deadlines).chain(self.closing).min();
        let time = next.map_or(LOOK, |at| at.saturating_duration_since(now).min(LOOK));
        let time = Timespec {
            tv_sec: time.as_secs().try_into().unwrap_or(1),
            tv_nsec: time.subsec_nanos().into(),
        };
        let signals = self.signals.descriptors();
        let reports = self
            .workers
            .iter()
            .filter(|worker| worker.speaks())
            .map(Worker::descriptor);
        let mut ready: Vec<PollFd<'_>> = signals
            .into_iter()
            .chain(reports)
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        match poll(&mut ready, Some(&time)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn obey(&mut self, received: Received, now: Instant) {
        if received.stop {
            match self.told_to_stop {
                None => {
                    self.told_to_stop = Some(now);
                    let delay = self.launch.config.drain_delay.duration().as_secs_f64();
                    let when = if delay > 0.0 {
                        format!("in {delay} s, ")
                    } else {
                        String::new()
                    };
                    let message = format!("stopping: {when}requests in flight are finished");
                    self.tell(LogLevel::Info, "stopping", &message);
                    if !matches!(self.stage, Stage::Stopping(_)) {
                        self.stop(Ok(Ended::Stopped), now);
                    }
                }
                // A service manager and a terminal may both send it, to the process and to its group.
                Some(first) if now.saturating_duration_since(first) < SAME_WISH => {}
                Some(_) => {
                    let message = "told to stop again: killing the workers";
                    self.tell(LogLevel::Warning, "forced", message);
                    self.stage = Stage::Stopping(Ok(Ended::Forced));
                    self.kill_all();
                }
            }
        }
        // Where the stage has to be left first, the wish waits.
        self.reload_wanted |= received.reload && !matches!(self.stage, Stage::Stopping(_));
    }

    fn stop(&mut self, result: Result<Ended, Failure>, now: Instant) {
        let launched = !matches!(self.stage, Stage::Launching);
        self.stage = Stage::Stopping(result);
        self.reload_wanted = false;
        let config = &self.launch.config;
        let delay = config.drain_delay.duration();
        // Until then the workers serve on, and the file of a Unix socket is to be found. Before the
        // launch was through nobody counts on them.
        let closing = if launched { now + delay } else { now };
        self.closing = Some(closing);
        let deadline = closing + config.shutdown_timeout.duration() + GRACE;
        for worker in &mut self.workers {
            if launched {
                worker.dismiss(deadline);
            } else {
                worker.retire(deadline);
            }
        }
    }

    fn reload(&mut self, now: Instant) {
        self.newest += 1;
        self.stage = Stage::Reloading;
        let message = format!("reloading: starting generation {}", self.newest);
        self.tell(LogLevel::Info, "reloading", &message);
        for slot in 0..self.slots.len() {
            if let Err(error) = self.start(slot, self.newest) {
                let why = format!("a process could not be started: {error}");
                self.keep_old(&why, now);
                return;
            }
        }
    }

    /// Gives a reload up: the old generation goes on.
    fn keep_old(&mut self, why: &str, now: Instant) {
        let message = format!("reload failed, the old workers go on serving: {why}");
        self.tell(LogLevel::Error, "reload_failed", &message);
        self.stage = Stage::Serving;
        let deadline = now + self.launch.config.reload_timeout.duration() + GRACE;
        let newest = self.newest;
        for worker in self
            .workers
            .iter_mut()
            .filter(|worker| worker.generation == newest)
        {
            worker.retire(deadline);
        }
    }

    /// Kills those whose time is over, and notices event loops that stand still.
    fn look_after(&mut self, now: Instant) {
        let startup = self.launch.config.startup_timeout.duration() + IMPORT_LIMIT;
        for index in 0..self.workers.len() {
            let worker = &mut self.workers[index];
            if worker.deadline.is_some_and(|deadline| deadline <= now) {
                worker.deadline = None;
                worker.kill();
                let worker = &self.workers[index];
                self.say(
                    LogLevel::Warning,
                    "worker_killed",
                    "killed: its time to finish was over",
                    worker,
                );
                continue;
            }
            if worker.phase < Phase::Ready && !worker.dismissed && now >= worker.started + startup {
                worker.give_up(startup);
                continue;
            }
            match worker.pulse(now) {
                Pulse::Same => {}
                Pulse::Lost(time) => {
                    let message = format!(
                        "its event loop has stood still for {} s: something in the app blocks it",
                        time.as_secs()
                    );
                    self.say(
                        LogLevel::Warning,
                        "worker_blocked",
                        &message,
                        &self.workers[index],
                    );
                }
                Pulse::Back => {
                    self.say(
                        LogLevel::Info,
                        "worker_unblocked",
                        "its event loop moves again",
                        &self.workers[index],
                    );
                }
            }
        }
    }

    /// Goes on to serving once every worker of the generation that comes up is ready.
    fn come_up(&mut self, now: Instant, announce: &mut dyn FnMut(&Up<'_>)) {
        let ready = |worker: &&Worker| {
            worker.generation == self.newest && worker.phase == Phase::Ready && !worker.dismissed
        };
        if self.workers.iter().filter(ready).count() < self.slots.len() {
            return;
        }
        match self.stage {
            Stage::Launching => {
                let mut workers: Vec<_> = self.workers.iter().collect();
                workers.sort_by_key(|worker| worker.slot);
                let up = Up {
                    addresses: self.sockets.as_ref().map_or(&[], Sockets::addresses),
                    workers: workers
                        .iter()
                        .map(|worker| worker.pid.as_raw_nonzero().get())
                        .collect(),
                };
                announce(&up);
            }
            Stage::Reloading => {
                let deadline = now + self.launch.config.reload_timeout.duration() + GRACE;
                let newest = self.newest;
                for worker in self
                    .workers
                    .iter_mut()
                    .filter(|worker| worker.generation < newest)
                {
                    worker.retire(deadline);
                }
                self.generation = newest;
                // What crashed before was other code.
                for slot in &mut self.slots {
                    (slot.crashes, slot.refill) = (Crashes::default(), None);
                }
                self.relieving = true;
            }
            Stage::Serving | Stage::Stopping(_) => return,
        }
        self.stage = Stage::Serving;
    }

    /// Tells of a reload once no worker of an older generation accepts connections any more.
    fn relieve(&mut self) {
        let accepts =
            |worker: &Worker| worker.generation < self.generation && worker.phase < Phase::Draining;
        if self.relieving && !self.workers.iter().any(accepts) {
            self.relieving = false;
            let message = format!("reloaded: generation {} serves", self.generation);
            self.tell(LogLevel::Info, "reloaded", &message);
        }
    }

    fn refill(&mut self, now: Instant) {
        if matches!(self.stage, Stage::Stopping(_)) {
            return;
        }
        for slot in 0..self.slots.len() {
            if self.slots[slot].refill.is_none_or(|at| at > now) {
                continue;
            }
            self.slots[slot].refill = None;
            if let Err(error) = self.start(slot, self.generation) {
                // The machine is out of something: that passes, or a person must see to it.
                self.slots[slot].refill = Some(now + LOOK);
                let message = format!("a worker could not be started: {error}");
                self.tell(LogLevel::Error, "spawn_failed", &message);
            }
        }
    }

    fn kill_all(&mut self) {
        for worker in &mut self.workers {
            worker.kill();
        }
    }
}
