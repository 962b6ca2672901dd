//! From a request to a child process, and from how that ended to a snapshot.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::child::{self, End, Outcome};
use super::program::{BOOTSTRAP, Modules, digest, modules};
use super::trace::Trace;
use super::{ProbeError, ProbeRequest};
use crate::app::interpreter::{Found, Surroundings, find};
use crate::app::snapshot::{Failure, FailureKind, Interpreter, PROTOCOL, Position, Snapshot};
use crate::config::secrets::is_expansion;

/// Oldest Python that can run an app.
const OLDEST: (u32, u32) = (3, 10);

/// Lines of the app's output that a failure carries.
const OUTPUT_LINES: usize = 20;

/// Secrets shorter than this are not searched for in output: they would hit ordinary words.
const SHORTEST_SECRET: usize = 4;

/// How much longer than the time limit a child without a parent may live.
const GRACE: Duration = Duration::from_secs(5);

const PREFIXES: [&str; 2] = ["CHIRP_", "POUNCE_"];

#[derive(Serialize)]
struct Package<'a> {
    modules: Modules,
    /// Folder in which the compiled modules are kept, if there is one.
    cache: Option<PathBuf>,
    digest: String,
    request: Request<'a>,
}

#[derive(Serialize)]
struct Request<'a> {
    protocol: u32,
    program: &'a str,
    target: &'a str,
    kind: &'a str,
    app_dir: &'a Path,
    environ_prefixes: [&'a str; 2],
    secret_fields: &'a [String],
    base: &'a Map<String, Json>,
}

#[derive(Deserialize)]
struct OwnFailure {
    probe_error: String,
}

pub(super) fn probe(request: &ProbeRequest) -> Result<Snapshot, ProbeError> {
    let app_dir = std::fs::canonicalize(&request.app_dir)
        .and_then(|folder| std::fs::read_dir(&folder).map(|_| folder))
        .map_err(|error| ProbeError::AppDir(request.app_dir.clone(), error))?;
    let found = match find(&request.interpreter, &Surroundings::of_process(&app_dir)) {
        Ok(found) => found,
        Err(none) => {
            let failure = Failure::new(FailureKind::NoInterpreter, none.to_string());
            return Ok(Snapshot::failed(request.target.seen(), failure));
        }
    };
    let package = Package {
        modules: modules(),
        cache: cache_folder(request),
        digest: digest(),
        request: Request {
            protocol: PROTOCOL,
            program: request.kind.name(),
            target: request.target.spec(),
            kind: request.kind.name(),
            app_dir: &app_dir,
            environ_prefixes: PREFIXES,
            secret_fields: &request.secret_fields,
            base: &request.base,
        },
    };
    let bytes =
        serde_json::to_vec(&package).map_err(|error| ProbeError::Answer(error.to_string()))?;
    let mut command = Command::new(&found.program);
    let alive = request
        .time_limit
        .saturating_add(GRACE)
        .as_secs()
        .min(u64::from(u32::MAX >> 1));
    command
        // Unbuffered: what an app has printed is told also where it hangs or is killed.
        .arg("-u")
        .arg("-c")
        .arg(BOOTSTRAP)
        .args(child::descriptors())
        .arg(alive.to_string());
    command.envs(request.env.iter().map(|(name, value)| (name, value)));
    match child::converse(command, bytes, request.time_limit) {
        Ok(outcome) => conclude(&outcome, request, &found),
        Err(error) if not_a_program(&error) => {
            let shown = found.program.display();
            let message = format!("{shown} ({}) could not be started: {error}", found.origin);
            let failure = Failure::new(FailureKind::NoInterpreter, message);
            Ok(Snapshot::failed(request.target.seen(), failure))
        }
        Err(error) => Err(ProbeError::Process(error)),
    }
}

/// `$XDG_CACHE_HOME/pounce`, else `~/.cache/pounce`, as the child's environment has it.
fn cache_folder(request: &ProbeRequest) -> Option<PathBuf> {
    let variable = |name: &str| {
        let given = request.env.iter().rev().find(|(key, _)| key == name);
        let value = given.map_or_else(|| std::env::var_os(name), |(_, value)| Some(value.clone()));
        value.map(PathBuf::from).filter(|path| path.is_absolute())
    };
    let base = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))?;
    Some(base.join("pounce"))
}

fn not_a_program(error: &std::io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ENOENT | libc::EACCES | libc::ENOEXEC | libc::ENOTDIR)
    )
}

fn conclude(
    outcome: &Outcome,
    request: &ProbeRequest,
    found: &Found,
) -> Result<Snapshot, ProbeError> {
    if let End::Answered(bytes) = &outcome.end {
        let mut snapshot = read(bytes)?;
        if let Some(failure) = &mut snapshot.failure
            && failure.kind == FailureKind::SystemExit
        {
            let masked = snapshot.masks.iter().filter_map(literal);
            failure.output = last_lines(&outcome.output, request, masked);
        }
        return Ok(snapshot);
    }
    let output = last_lines(&outcome.output, request, std::iter::empty());
    let trace = Trace::parse(&outcome.trace);
    let mut snapshot = Snapshot {
        protocol: PROTOCOL,
        target: request.target.seen(),
        ..Snapshot::default()
    };
    let Some((version, executable)) = trace.interpreter else {
        snapshot.failure = Some(no_python(outcome, found, output));
        return Ok(snapshot);
    };
    let old = too_old(&version);
    snapshot.python = Interpreter {
        version,
        executable,
        gil_enabled: true,
        ..Interpreter::default()
    };
    let mut failure = match &outcome.end {
        _ if old => {
            let version = &snapshot.python.version;
            let message = format!(
                "{} ({}) is Python {version}; {}.{} or newer is needed",
                found.program.display(),
                found.origin,
                OLDEST.0,
                OLDEST.1
            );
            Failure::new(FailureKind::WrongInterpreter, message)
        }
        End::TimedOut | End::Answered(_) => {
            let limit = request.time_limit.as_secs_f64();
            let message = format!(
                "{} is not imported after {limit} s",
                request.target.module()
            );
            Failure::new(FailureKind::Hang, message)
        }
        End::Exited(status) => ended(*status, request),
    };
    if !old {
        failure.frames = trace.frames;
        failure.output = output;
    }
    snapshot.failure = Some(failure);
    Ok(snapshot)
}

fn read(bytes: &[u8]) -> Result<Snapshot, ProbeError> {
    let snapshot: Snapshot = serde_json::from_slice(bytes).map_err(|error| {
        match serde_json::from_slice::<OwnFailure>(bytes) {
            Ok(own) => ProbeError::Internal(own.probe_error),
            Err(_) => ProbeError::Answer(error.to_string()),
        }
    })?;
    if snapshot.protocol == PROTOCOL {
        Ok(snapshot)
    } else {
        Err(ProbeError::Answer(format!(
            "protocol {} instead of {PROTOCOL}",
            snapshot.protocol
        )))
    }
}

fn no_python(outcome: &Outcome, found: &Found, output: Vec<String>) -> Failure {
    let program = found.program.display();
    let how = match &outcome.end {
        End::Exited(status) => format!("it ended ({status}) without starting the probe"),
        End::Answered(_) | End::TimedOut => "it did not start the probe in time".to_owned(),
    };
    let message = format!("{program} ({}) is no working Python: {how}", found.origin);
    let mut failure = Failure::new(FailureKind::WrongInterpreter, message);
    failure.output = output;
    failure
}

fn too_old(version: &str) -> bool {
    let mut numbers = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < OLDEST
}

fn ended(status: ExitStatus, request: &ProbeRequest) -> Failure {
    let module = request.target.module();
    if let Some(name) = child::signal_name(status) {
        let why = match status.signal() {
            Some(libc::SIGKILL) => ", as the system does when memory runs out",
            _ => "",
        };
        let message = format!("importing {module} was ended by {name}{why}");
        let mut failure = Failure::new(FailureKind::Crash, message);
        failure.signal = Some(name);
        return failure;
    }
    let code = status.code().map(|code| code.to_string());
    let shown = code.as_deref().unwrap_or("unknown");
    let message = format!("importing {module} ended the process at once (exit status {shown})");
    let mut failure = Failure::new(FailureKind::Vanished, message);
    failure.exit_code = code;
    failure
}

/// The end of the app's output, without the secrets that are known here.
fn last_lines(
    output: &str,
    request: &ProbeRequest,
    more: impl Iterator<Item = String>,
) -> Vec<String> {
    let secrets = secrets(request, more);
    let lines: Vec<_> = output
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    let kept = &lines[lines.len().saturating_sub(OUTPUT_LINES)..];
    let masked = |line: &&str| {
        let mut text = (*line).to_owned();
        for secret in &secrets {
            text = text.replace(secret, "••••••••");
        }
        text
    };
    kept.iter().map(masked).collect()
}

/// The contents of the string literal at a masked position on one line.
fn literal(masked: &Position) -> Option<String> {
    let source = std::fs::read_to_string(&masked.file).ok()?;
    let line = source.lines().nth(masked.line.checked_sub(1)? as usize)?;
    let text = line.get(masked.column as usize..masked.end_column as usize)?;
    let text = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let inner = text.trim_matches(['"', '\'']);
    (inner.len() < text.len() && !is_expansion(inner)).then(|| inner.to_owned())
}

fn secrets(request: &ProbeRequest, more: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = more.collect();
    for field in &request.secret_fields {
        found.extend(
            request
                .base
                .get(field)
                .and_then(Json::as_str)
                .map(str::to_owned),
        );
        for prefix in PREFIXES {
            let name = format!("{prefix}{}", field.to_uppercase());
            found.extend(std::env::var(&name).ok());
            let extra = request.env.iter().filter(|(key, _)| *key == *name);
            found.extend(extra.filter_map(|(_, value)| value.to_str().map(str::to_owned)));
        }
    }
    found.retain(|secret| secret.len() >= SHORTEST_SECRET);
    found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_none_is_an_error() {
        assert!(matches!(read(b"[]"), Err(ProbeError::Answer(_))));
        let own = read(br#"{"probe_error": "Traceback ..."}"#);
        assert!(matches!(own, Err(ProbeError::Internal(text)) if text == "Traceback ..."));
        let newer = Snapshot {
            protocol: PROTOCOL + 1,
            ..Snapshot::default()
        };
        let Err(ProbeError::Answer(reason)) = read(&serde_json::to_vec(&newer).unwrap()) else {
            panic!("another protocol was accepted");
        };
        assert!(reason.contains("protocol 2 instead of 1"), "{reason}");
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(too_old("2.7.18") && too_old("3.9.1") && too_old("nonsense"));
        assert!(!too_old("3.10.0") && !too_old("3.14.0") && !too_old("4.0"));
    }
}
