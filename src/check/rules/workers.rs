//! `workers`: the workers fit the machine, the Python build, and the app.

use crate::app::snapshot::{App, Interpreter, Named};
use crate::check::finding::{Finding, Severity};
use crate::check::machine::limits::{CpuFacts, LimitFacts, MemoryFacts, OpenFiles};
use crate::check::rule::{Context, Rule, Scope, Tool};
use crate::config::types::WorkerMode;
use crate::config::{Resolved, ServerConfig};

const ID: &str = "workers";
/// Workers for each CPU beyond which they only wait for one another.
const PER_CPU: usize = 2;
/// Least memory of a worker, in bytes: a Python process with an app and nothing to do.
const LEAST_MEMORY: u64 = 64 << 20;
/// Files that a worker has open beside its connections.
const OWN_FILES: u64 = 64;

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "the workers fit the CPUs, the memory, the open files, the Python build and the app",
    scope: Scope::Machine,
    tools: &[Tool::Pounce],
    severities: "warning; hooks or WebSocket in sync mode: error",
    fatal: true,
    page: include_str!("../../../docs/rules/workers.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(server) = cx.server else {
        return;
    };
    let limits = cx.machine.and_then(|machine| machine.limits.as_ref());
    if let Some(limits) = limits.filter(|_| !server.setting("workers").invalid) {
        let workers = count(server, limits);
        findings.extend(cpus(server, workers, &limits.cpu));
        findings.extend(memory(server, workers, &limits.memory));
        findings.extend(files(server, workers, limits.open_files));
    }
    if server.setting("worker_mode").invalid {
        return;
    }
    let python = cx.snapshot.map(|snapshot| &snapshot.python);
    findings.extend(build(server, python));
    if let Some(app) = cx
        .app()
        .filter(|_| runs_sync(server.config.worker_mode, python))
    {
        findings.extend(hooks(server, app));
        findings.extend(websocket(server, app));
    }
}

/// How many workers there will be; 0 stands for the CPUs.
fn count(server: &Resolved<ServerConfig>, limits: &LimitFacts) -> usize {
    match usize::try_from(server.config.workers) {
        Ok(0) | Err(_) => limits.cpu.workers(),
        Ok(workers) => workers,
    }
}

fn cpus(server: &Resolved<ServerConfig>, workers: usize, cpu: &CpuFacts) -> Option<Finding> {
    if workers <= cpu.workers().saturating_mul(PER_CPU) {
        return None;
    }
    let label = match cpu.quota {
        Some(quota) if quota < cpu.available() + f64::EPSILON => {
            format!("the cgroup grants the time of {quota:.1} CPUs")
        }
        _ => format!("{} may be used here", cpus_text(cpu.schedulable.max(1))),
    };
    let message = format!("{workers} workers are too many for the CPUs");
    Some(
        Finding::of_setting(ID, server, ID, Severity::Warning, &message, label)
            .why("workers beyond the CPUs take turns, and each costs memory of its own")
            .help("workers = 0 takes as many as there are CPUs to use"),
    )
}

fn cpus_text(count: usize) -> String {
    if count == 1 {
        "1 CPU".to_owned()
    } else {
        format!("{count} CPUs")
    }
}

fn memory(
    server: &Resolved<ServerConfig>,
    workers: usize,
    memory: &MemoryFacts,
) -> Option<Finding> {
    let limit = memory.limit()?;
    let each = limit / u64::try_from(workers.max(1)).ok()?;
    if each >= LEAST_MEMORY {
        return None;
    }
    let whose = if memory.cgroup == Some(limit) {
        "the cgroup allows"
    } else {
        "the machine has"
    };
    let label = format!(
        "{whose} {} MiB: {} MiB for each worker",
        limit >> 20,
        each >> 20
    );
    let message = match workers {
        1 => "the memory is too small for a worker".to_owned(),
        _ => format!("the memory is too small for {workers} workers"),
    };
    Some(
        Finding::of_setting(ID, server, ID, Severity::Warning, &message, label)
            .why("the kernel ends a process that goes beyond the limit, without a word in the log")
            .help(format!(
                "fewer workers, or more memory: at least {} MiB for each",
                LEAST_MEMORY >> 20
            )),
    )
}

fn files(
    server: &Resolved<ServerConfig>,
    workers: usize,
    open_files: Option<OpenFiles>,
) -> Option<Finding> {
    // The server raises its soft limit to the hard one when it starts.
    let limit = open_files?.hard?;
    let connections = u64::from(server.config.max_connections);
    if connections == 0 || server.setting("max_connections").invalid {
        return None;
    }
    let each = connections.div_ceil(u64::try_from(workers.max(1)).ok()?);
    let needed = each + OWN_FILES;
    if needed <= limit {
        return None;
    }
    let label = match workers {
        1 => format!("the worker may have {limit} files open (ulimit -Hn)"),
        _ => format!("{each} for each worker, which may have {limit} files open (ulimit -Hn)"),
    };
    let message = format!("max_connections = {connections} needs more open files than allowed");
    Some(
        Finding::of_setting(
            ID,
            server,
            "max_connections",
            Severity::Warning,
            &message,
            label,
        )
        .why("each connection is an open file: at the limit no new one is accepted")
        .help(format!(
            "a lower max_connections, or a higher limit; with systemd: LimitNOFILE={needed}"
        )),
    )
}

/// Whether requests run on threads: asked for, or `auto` without the GIL.
fn runs_sync(mode: WorkerMode, python: Option<&Interpreter>) -> bool {
    match mode {
        WorkerMode::Sync => true,
        WorkerMode::Auto => python.is_some_and(|python| !python.gil_enabled),
        WorkerMode::Async | WorkerMode::Subinterpreter => false,
    }
}

fn build(server: &Resolved<ServerConfig>, python: Option<&Interpreter>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if server.config.worker_mode == WorkerMode::Subinterpreter {
        findings.push(
            Finding::of_setting(
                ID,
                server,
                "worker_mode",
                Severity::Info,
                "worker_mode subinterpreter is served as async",
                "each worker is a process",
            )
            .why("a process is already as isolated as a subinterpreter would be")
            .help("write worker_mode = \"async\""),
        );
    }
    if let Some(python) = python.filter(|python| python.free_threaded_build) {
        let label = if python.gil_enabled {
            "the app, or an extension that it imports, has switched the GIL on"
        } else {
            "it runs without the GIL"
        };
        let message = format!(
            "Python {} is a free-threaded build, which is not tested",
            python.version
        );
        findings.push(
            Finding::of_setting(
                ID,
                server,
                "worker_mode",
                Severity::Warning,
                &message,
                label,
            )
            .why("extensions that rely on the GIL can fail in ways that no test has seen")
            .help("serve with the usual build of the same version"),
        );
    }
    findings
}

fn hooks(server: &Resolved<ServerConfig>, app: &App) -> Option<Finding> {
    let hooks: Vec<&Named> = app
        .hooks
        .worker_startup
        .iter()
        .chain(&app.hooks.worker_shutdown)
        .collect();
    let first = hooks
        .iter()
        .find(|hook| hook.position.is_some())
        .or(hooks.first())?;
    let names: Vec<&str> = hooks.iter().map(|hook| hook.name.as_str()).collect();
    Some(
        sync_error(
            server,
            &format!("worker hooks do not run in sync mode: {}", names.join(", ")),
        )
        .at(first.position.clone(), "this hook would never run")
        .why("hooks run in a worker's event loop, which sync mode does not have")
        .help("worker_mode = \"async\", or move the work into startup and shutdown hooks"),
    )
}

fn websocket(server: &Resolved<ServerConfig>, app: &App) -> Option<Finding> {
    let route = app.routes.iter().find(|route| route.websocket);
    if !app.uses_websocket && route.is_none() {
        return None;
    }
    let mut finding = sync_error(server, "WebSocket does not work in sync mode")
        .at(
            route.and_then(|route| route.position.clone()),
            "this route speaks WebSocket",
        )
        .why("a WebSocket connection lives in a worker's event loop, which sync mode does not have")
        .help("worker_mode = \"async\"");
    finding.route = route.map(|route| route.path.clone());
    Some(finding)
}

/// Points at the mode, where it was set.
fn sync_error(server: &Resolved<ServerConfig>, message: &str) -> Finding {
    let said = match server.config.worker_mode {
        WorkerMode::Auto => "auto is sync on this Python, which runs without the GIL",
        _ => "sync was asked for here",
    };
    Finding::of_setting(ID, server, "worker_mode", Severity::Error, message, said)
}

#[cfg(test)]
mod tests;
