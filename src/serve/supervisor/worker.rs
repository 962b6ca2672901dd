//! One worker process: how it is started, what it reports, how it is told to end.

use std::io::{self, PipeReader, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use command_fds::{CommandFdExt as _, FdMapping};
use rustix::process::{Pid, Signal, WaitStatus, kill_process};
use serde_json::{Value as Json, json};

use super::orphans::Control;
use super::sockets::Sockets;
use super::{Launch, Program, signals};
use crate::serve::tls::Pair;

/// What a worker and its supervisor agree on; the worker refuses another one.
pub const PROTOCOL: u32 = 1;

/// Variable by which a program that is started again learns that it is a worker: the descriptor of its
/// settings, a colon, and the process id of its supervisor.
pub const VARIABLE: &str = "_POUNCE_WORKER";

const SETTINGS: i32 = 3;
const REPORT: i32 = 4;
const LIFELINE: i32 = 5;
const CONTROL: i32 = 6;
const LISTENERS: i32 = 7;

/// What ties a worker to its supervisor.
const PIPES: Pipes = Pipes {
    report: REPORT,
    lifeline: LIFELINE,
    control: CONTROL,
};

/// Exit codes of a worker that was told to end: with nothing left to do, and when its time was over.
const DRAINED: i32 = 0;
const CUT_OFF: i32 = 1;

/// A silence in which an event loop has missed many beats.
const SILENCE: Duration = Duration::from_secs(10);
/// Most of what a worker may say about why it did not start, in bytes.
const LONGEST_REASON: usize = 8 * 1024;

/// How far a worker has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Its interpreter is starting.
    Started,
    /// It accepts connections; the app is starting.
    Accepting,
    /// The app serves.
    Ready,
    /// It was told to end, or ends by itself.
    Draining,
}

/// Whether a worker's event loop moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pulse {
    /// As before.
    Same,
    /// It has stopped.
    Lost(Duration),
    /// It moves again.
    Back,
}

/// Which worker of a server one is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) slot: usize,
    pub(super) generation: u32,
    /// Whether it answers health probes, and lets other requests wait, while its app starts.
    pub(super) early: bool,
}

/// A worker process.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) slot: usize,
    pub(super) generation: u32,
    pub(super) pid: Pid,
    pub(super) phase: Phase,
    pub(super) started: Instant,
    /// Whether the supervisor has told it to end.
    pub(super) dismissed: bool,
    /// Whether the supervisor has killed it.
    killed: bool,
    /// When it is killed.
    pub(super) deadline: Option<Instant>,
    /// How it ended.
    pub(super) status: Option<WaitStatus>,
    pub(super) control: Control,
    report: PipeReader,
    speaks: bool,
    reason: Option<Vec<u8>>,
    last_beat: Instant,
    silent: bool,
}

impl Worker {
    /// Starts a fresh process for a slot; `certificate` is for where the files hold none.
    pub(super) fn start(
        launch: &Launch,
        sockets: &Sockets,
        lifeline: &PipeReader,
        place: Place,
        certificate: Option<&Pair>,
    ) -> io::Result<Self> {
        let Place {
            slot, generation, ..
        } = place;
        let listeners = sockets
            .of_slot(slot)
            .map(|socket| socket.try_clone_to_owned())
            .collect::<io::Result<Vec<_>>>()?;
        let numbers: Vec<i32> = (LISTENERS..).take(listeners.len()).collect();
        let mut document = document(launch, place, &numbers, Some(PIPES));
        if let Some(pair) = certificate {
            let [chain, key] = [&pair.chain, &pair.key].map(|pem| String::from_utf8_lossy(pem));
            document["certificate"] = json!({"chain": chain, "key": key});
        }
        let (report, report_end) = io::pipe()?;
        rustix::io::ioctl_fionbio(&report, true)?;
        let (control, control_end) = Control::open()?;
        let fixed = [
            (settings(&document)?, SETTINGS),
            (report_end.into(), REPORT),
            (lifeline.try_clone()?.into(), LIFELINE),
            (control_end, CONTROL),
        ];
        let mapping = |(parent_fd, child_fd)| FdMapping {
            parent_fd,
            child_fd,
        };
        let mappings = fixed
            .into_iter()
            .chain(listeners.into_iter().zip(numbers))
            .map(mapping)
            .collect();
        let mut command = command(launch);
        command
            // A job in the background that reads from the terminal would be stopped.
            .stdin(Stdio::null())
            // Ctrl-C is for the supervisor; workers hear of it once, from there.
            .process_group(0)
            .env_remove("LISTEN_FDS")
            .env_remove("LISTEN_PID")
            .env_remove("LISTEN_FDNAMES")
            .fd_mappings(mappings)
            .map_err(io::Error::other)?;
        let child = signals::blocked(|| command.spawn())?;
        let pid = Pid::from_raw(child.id().cast_signed())
            .ok_or_else(|| io::Error::other("a process without an id"))?;
        if launch.config.cpu_affinity {
            pin(pid, slot);
        }
        let now = Instant::now();
        Ok(Self {
            slot,
            generation,
            pid,
            phase: Phase::Started,
            started: now,
            dismissed: false,
            killed: false,
            deadline: None,
            status: None,
            control,
            report,
            speaks: true,
            reason: None,
            last_beat: now,
            silent: false,
        })
    }

    /// The end of its report, to wait for.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.report.as_fd()
    }

    /// Whether its report is open; one that is closed would wake the supervisor without end.
    pub(super) fn speaks(&self) -> bool {
        self.speaks
    }

    /// Reads what it reported.
    pub(super) fn listen(&mut self, now: Instant) {
        let mut bytes = [0; 512];
        loop {
            match self.report.read(&mut bytes) {
                Ok(0) => {
                    self.speaks = false;
                    return;
                }
                Ok(count) => bytes[..count].iter().for_each(|byte| self.hear(*byte, now)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    fn hear(&mut self, byte: u8, now: Instant) {
        if let Some(reason) = &mut self.reason {
            if reason.len() < LONGEST_REASON {
                reason.push(byte);
            }
            return;
        }
        self.last_beat = now;
        match byte {
            b'S' => self.phase = self.phase.max(Phase::Accepting),
            b'R' => self.phase = self.phase.max(Phase::Ready),
            b'D' => self.phase = Phase::Draining,
            b'F' => self.reason = Some(Vec::new()),
            _ => {}
        }
    }

    /// What it said about why it did not start.
    pub(super) fn reason(&self) -> Option<String> {
        let reason = self.reason.as_deref()?;
        let text = String::from_utf8_lossy(reason).trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// Whether it accepts connections, and will go on to.
    pub(super) fn serves(&self) -> bool {
        self.phase == Phase::Ready && !self.dismissed && !self.silent && self.status.is_none()
    }

    /// Whether its event loop has stopped or moves again.
    pub(super) fn pulse(&mut self, now: Instant) -> Pulse {
        let silence = now.saturating_duration_since(self.last_beat);
        let silent = self.phase == Phase::Ready && silence >= SILENCE;
        match (std::mem::replace(&mut self.silent, silent), silent) {
            (false, true) => Pulse::Lost(silence),
            (true, false) => Pulse::Back,
            _ => Pulse::Same,
        }
    }

    /// Whether it ended in another way than it was told to, without a word of its own about that.
    pub(super) fn broke_down(&self) -> bool {
        let code = self.status.and_then(WaitStatus::exit_status);
        !self.killed && !matches!(code, Some(DRAINED | CUT_OFF))
    }

    /// Tells it to finish what it is at, and to end by `deadline`. One that serves nobody yet is ended
    /// at once.
    pub(super) fn dismiss(&mut self, deadline: Instant) {
        let sooner = self.deadline.map_or(deadline, |old| old.min(deadline));
        self.end(Signal::TERM, sooner);
    }

    /// Tells it that others serve in its place; otherwise as [`Worker::dismiss`].
    pub(super) fn retire(&mut self, deadline: Instant) {
        self.end(Signal::USR2, deadline);
    }

    fn end(&mut self, signal: Signal, deadline: Instant) {
        self.dismissed = true;
        self.deadline = Some(deadline);
        if self.phase < Phase::Ready {
            self.kill();
        } else {
            self.send(signal);
        }
    }

    /// Ends one that has not come up in its time.
    pub(super) fn give_up(&mut self, limit: Duration) {
        let why = format!("it did not serve within {} s", limit.as_secs());
        self.reason = Some(why.into_bytes());
        self.send(Signal::KILL);
    }

    /// Ends it at once.
    pub(super) fn kill(&mut self) {
        (self.dismissed, self.killed) = (true, true);
        self.send(Signal::KILL);
    }

    fn send(&self, signal: Signal) {
        if self.status.is_none() {
            // Fails only where it is gone already.
            let _ = kill_process(self.pid, signal);
        }
    }
}

/// Gives a worker a CPU of its own among those that the supervisor may use; more workers than CPUs share.
#[cfg(target_os = "linux")]
fn pin(pid: Pid, slot: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let Ok(allowed) = sched_getaffinity(None) else {
        return;
    };
    let usable: Vec<usize> = (0..CpuSet::MAX_CPU)
        .filter(|cpu| allowed.is_set(*cpu))
        .collect();
    if let Some(cpu) = usable.get(slot % usable.len().max(1)) {
        let mut set = CpuSet::new();
        set.set(*cpu);
        // It serves without, too.
        let _ = sched_setaffinity(Some(pid), &set);
    }
}

/// Other systems do not let a process be pinned.
#[cfg(not(target_os = "linux"))]
fn pin(_pid: Pid, _slot: usize) {}

fn command(launch: &Launch) -> Command {
    match &launch.program {
        Program::Target { .. } | Program::ChirpApp { .. } => {
            let mut command = Command::new(&launch.python);
            command.args(["-m", "pounce_rs.worker", "--settings-fd"]);
            command.arg(SETTINGS.to_string());
            if let Program::ChirpApp { settings, .. } = &launch.program {
                command.envs(settings.variables.iter().map(|(name, value)| (name, value)));
            }
            command
        }
        Program::Script { arguments } => {
            let mut command = Command::new(&launch.python);
            command.args(arguments);
            command.env(VARIABLE, format!("{SETTINGS}:{}", std::process::id()));
            command
        }
    }
}

/// The descriptors by which a worker and its supervisor know of each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pipes {
    report: i32,
    lifeline: i32,
    control: i32,
}

/// What a worker is told; without `pipes` it has no supervisor.
pub(super) fn document(
    launch: &Launch,
    place: Place,
    listeners: &[i32],
    pipes: Option<Pipes>,
) -> Json {
    let (target, app_dir, app_config) = match &launch.program {
        Program::Target { target, app_dir } => (Some(target), app_dir.as_ref(), None),
        Program::ChirpApp {
            target,
            app_dir,
            settings,
        } => {
            let app_config = json!({"base": settings.base, "flags": settings.flags});
            (Some(target), Some(app_dir), Some(app_config))
        }
        Program::Script { .. } => (None, None, None),
    };
    json!({
        "kind": if app_config.is_some() { "chirp" } else { "pounce" },
        "app_config": app_config,
        "protocol": PROTOCOL,
        "target": target,
        "app_dir": app_dir,
        "listeners": listeners,
        "config": launch.settings,
        "worker_id": place.slot,
        "workers": launch.workers,
        "generation": place.generation,
        "early": place.early,
        "lifespan": launch.lifespan.as_str(),
        "report_fd": pipes.map(|pipes| pipes.report),
        "lifeline_fd": pipes.map(|pipes| pipes.lifeline),
        "control_fd": pipes.map(|pipes| pipes.control),
    })
}

/// The document as a file in memory: it may be larger than a pipe takes at once.
#[cfg(target_os = "linux")]
fn settings(document: &Json) -> io::Result<OwnedFd> {
    use std::io::{Seek as _, Write as _};
    let memory = rustix::fs::memfd_create("pounce-settings", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(memory);
    file.write_all(document.to_string().as_bytes())?;
    file.rewind()?;
    Ok(file.into())
}

/// The document in a pipe.
#[cfg(not(target_os = "linux"))]
fn settings(document: &Json) -> io::Result<OwnedFd> {
    use std::io::Write as _;
    let (read, mut write) = io::pipe()?;
    let text = document.to_string();
    // More than a pipe takes at once goes there while the worker reads.
    std::thread::spawn(move || write.write_all(text.as_bytes()));
    Ok(read.into())
}
