//! A launch: the rules that stop it, then the supervisor, then how it ended.

use std::os::fd::RawFd;
use std::path::{Path, PathBuf};

use super::output::{self, Stream};
use super::{FAILED, FINDINGS, NOT_UP, OK, banner};
use crate::check::Tool;
use crate::check::judge::Verdict;
use crate::check::machine::{Machine, limits};
use crate::check::preflight::judge_launch;
use crate::check::report::{self, Format, Style};
use crate::config::{Resolved, ServerConfig, Sources};
use crate::serve::supervisor::{self, Alone, Ended, Failure, Launch, Lifespan, Program, Up};

/// What is to be served, and how.
#[derive(Debug)]
pub struct Order {
    /// Which command, or whose `run()`.
    pub tool: Tool,
    /// The configuration.
    pub resolved: Resolved<ServerConfig>,
    /// What the workers run.
    pub program: Program,
    /// The app as people name it.
    pub app: String,
    /// The interpreter that runs it.
    pub python: PathBuf,
    /// Whether the app is asked for its lifespan.
    pub lifespan: Lifespan,
    /// Sockets that were opened outside.
    pub inherited: Vec<RawFd>,
    /// File for the supervisor's process id.
    pub pid_file: Option<PathBuf>,
}

/// How a launch went wrong where the command may know more about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It ended, with this exit code.
    Over(u8),
    /// The app did not come up, and why was told.
    NotUp,
}

/// The folder that the app is imported from, whole: workers start elsewhere.
///
/// # Errors
/// Where it is none; the reason is on standard error.
pub(super) fn folder(tool: Tool, app_dir: Option<&Path>) -> Result<PathBuf, u8> {
    let folder = app_dir.unwrap_or(Path::new("."));
    std::fs::canonicalize(folder).map_err(|error| {
        let what = format!("the folder {} cannot be used: {error}", folder.display());
        output::fail(tool, &what)
    })
}

/// Judges the order; `None` where nothing stands in the way. What does is on standard error then.
pub fn refuse(order: &Order, sources: &mut Sources, style: Style) -> Option<u8> {
    let mut machine = Machine::gather(&order.resolved, time::OffsetDateTime::now_utc());
    if !order.inherited.is_empty() {
        // Host and port of the configuration are not listened on.
        machine.listening = None;
    }
    let verdict = judge_launch(&order.resolved, &machine, sources);
    if verdict.findings.is_empty() {
        return None;
    }
    complain(&verdict, sources, style);
    Some(FINDINGS)
}

/// How what is told on standard error looks where nobody chose.
#[must_use]
pub fn default_style() -> Style {
    output::style_of(Stream::Err, None)
}

/// Shows findings on standard error.
pub(super) fn complain(verdict: &Verdict, sources: &Sources, style: Style) {
    let options = report::Options {
        style,
        include_info: false,
        warnings_as_errors: false,
        baseline: None,
    };
    let text = report::render(Format::Full, verdict, sources, &options);
    // Nobody is left to be told that standard error is gone.
    let _ = output::write(Stream::Err, &text);
}

/// Worker processes that a configuration asks for.
#[must_use]
pub fn workers(config: &ServerConfig) -> usize {
    match usize::try_from(config.workers) {
        Ok(0) | Err(_) => limits::examine().cpu.workers(),
        Ok(given) => given,
    }
}

fn launch(order: Order) -> Launch {
    Launch {
        settings: supervisor::settings(&order.resolved),
        workers: workers(&order.resolved.config),
        config: order.resolved.config,
        program: order.program,
        python: order.python,
        lifespan: order.lifespan,
        inherited: order.inherited,
        pid_file: order.pid_file,
    }
}

/// Opens the sockets of a server with one worker in this very process, and tells that it is up.
///
/// # Errors
/// Where it cannot listen; the reason is on standard error.
pub fn alone(order: Order) -> Result<Alone, u8> {
    let (tool, app) = (order.tool, order.app.clone());
    let launch = launch(order);
    let alone = Alone::open(&launch).map_err(|error| {
        output::fail(tool, &error.to_string());
        FINDINGS
    })?;
    let up = Up {
        addresses: &alone.addresses,
        workers: vec![std::process::id().cast_signed()],
    };
    banner::show(&launch.config, &app, &up);
    Ok(alone)
}

/// Serves until it is told to stop.
pub fn serve(order: Order) -> Outcome {
    let (tool, app) = (order.tool, order.app.clone());
    let launch = launch(order);
    let result = supervisor::run(&launch, &mut |up| banner::show(&launch.config, &app, up));
    let failure = match result {
        Ok(Ended::Stopped) => return Outcome::Over(OK),
        Ok(Ended::Forced) => return Outcome::Over(FINDINGS),
        Err(failure) => failure,
    };
    output::fail(tool, &failure.to_string());
    match failure {
        Failure::NotUp { .. } => Outcome::NotUp,
        Failure::CrashLoop { .. } => Outcome::Over(NOT_UP),
        Failure::Listen(_) | Failure::PidFile(..) => Outcome::Over(FINDINGS),
        Failure::Spawn(..) | Failure::System(_) => Outcome::Over(FAILED),
    }
}
