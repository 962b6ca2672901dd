//! `check`: gather configuration, app and machine, judge them, print the report.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json};

use super::output::{self, Stream};
use super::{FAILED, FINDINGS, OK, Run, config};
use crate::app::interpreter::Choice;
use crate::app::probe::{ProbeError, ProbeRequest, probe};
use crate::app::snapshot::Snapshot;
use crate::app::target::{Kind, Target};
use crate::check::Tool;
use crate::check::judge::{Ignore, Verdict};
use crate::check::machine::Machine;
use crate::check::preflight::{Wanted, below_keywords, judge_app, judge_server, secret_fields};
use crate::check::report::{self, Format, baseline};
use crate::check::rule::Scope;
use crate::config::file::CheckTable;
use crate::config::{Inputs, resolve};

/// Why a check could not be done.
type Refusal = String;

pub(super) fn check(mut run: Run<'_>) -> u8 {
    let started = Instant::now();
    let judged = match run.tool {
        Tool::Pounce => check_server(&mut run),
        Tool::Chirp => check_app(&mut run),
    };
    let outcome = judged.and_then(|(verdict, table)| {
        let verdict = Verdict {
            elapsed: started.elapsed(),
            ..verdict
        };
        finish(&run, &verdict, &table)
    });
    outcome.unwrap_or_else(|why| output::fail(run.tool, &why))
}

/// `pounce check`: the server's configuration, its app, this machine.
fn check_server(run: &mut Run<'_>) -> Result<(Verdict, CheckTable), Refusal> {
    let resolved = config::server(run);
    let wanted = wanted(run);
    let target = text(run, "target")
        .or_else(|| text(run, "app"))
        .or_else(|| resolved.beside.get("app").map(|(target, _)| target.clone()));
    let app_dir = app_dir(run).or_else(|| {
        resolved
            .beside
            .get("app_dir")
            .map(|(folder, _)| PathBuf::from(folder))
    });
    let snapshot = match target.filter(|_| wanted.scopes.contains(&Scope::App)) {
        Some(target) => Some(look(run, &target, Kind::Pounce, app_dir, Map::new(), &[])?),
        None => None,
    };
    let mut machine = wanted
        .scopes
        .contains(&Scope::Machine)
        .then(|| Machine::gather(&resolved, time::OffsetDateTime::now_utc()));
    if let Some(machine) = machine.as_mut().filter(|_| run.matches.contains_id("fd")) {
        // The socket is there already: host and port of the configuration are not listened on.
        machine.listening = None;
    }
    let (snapshot, machine) = (snapshot.as_ref(), machine.as_ref());
    let verdict = judge_server(&resolved, snapshot, machine, &wanted, &mut run.sources);
    Ok((verdict, resolved.check))
}

/// `chirp check`: an app and its configuration.
fn check_app(run: &mut Run<'_>) -> Result<(Verdict, CheckTable), Refusal> {
    let (inputs, extra, env_problems) = config::app_inputs(run);
    let wanted = wanted(run);
    let mut snapshot = None;
    if wanted.scopes.contains(&Scope::App)
        && let Some(target) = text(run, "target")
    {
        let base = below_keywords(&resolve(&inputs, &mut run.sources.clone()));
        snapshot = Some(look(run, &target, Kind::Chirp, app_dir(run), base, &extra)?);
    }
    let inputs = Inputs {
        problems: env_problems,
        ..inputs
    };
    let deploy = run.matches.get_flag("deploy");
    let (verdict, resolved) =
        judge_app(inputs, snapshot.as_ref(), deploy, &wanted, &mut run.sources);
    Ok((verdict, resolved.check))
}

/// Looks at the app in its own interpreter.
pub(super) fn look(
    run: &Run<'_>,
    target: &str,
    kind: Kind,
    app_dir: Option<PathBuf>,
    base: Map<String, Json>,
    extra: &[(String, String)],
) -> Result<Snapshot, Refusal> {
    let target = match Target::parse(target, kind) {
        Ok(target) => target,
        Err(error) => return Ok(error.snapshot()),
    };
    let given = run.matches.get_one::<PathBuf>("python").cloned();
    let own = run.host.python.as_ref().map(|(program, _)| program.clone());
    let seconds = run
        .matches
        .get_one::<f64>("import-timeout")
        .copied()
        .unwrap_or(30.0);
    if !(seconds > 0.0 && seconds.is_finite()) {
        return Err(format!(
            "--import-timeout must be a number of seconds greater than 0, not {seconds}"
        ));
    }
    let folder = app_dir.unwrap_or_else(|| PathBuf::from("."));
    if let Err(error) = folder.canonicalize() {
        return Ok(target.without_folder(&folder, &error));
    }
    let mut request = ProbeRequest::new(target, kind, folder);
    request.interpreter = given.or(own).map_or(Choice::Automatic, Choice::Given);
    request.time_limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    request.secret_fields = secret_fields();
    request.base = base;
    request.env = extra
        .iter()
        .filter(|(name, _)| std::env::var_os(name).is_none())
        .map(|(name, value)| (OsString::from(name), OsString::from(value)))
        .collect();
    probe(&request).map_err(|error: ProbeError| error.to_string())
}

pub(super) fn text(run: &Run<'_>, id: &str) -> Option<String> {
    run.matches
        .try_get_one::<String>(id)
        .ok()
        .flatten()
        .cloned()
}

pub(super) fn app_dir(run: &Run<'_>) -> Option<PathBuf> {
    run.matches.get_one::<PathBuf>("app-dir").cloned()
}

pub(super) fn wanted(run: &Run<'_>) -> Wanted {
    let mut wanted = Wanted::default();
    // A launch has neither: what stops it is not chosen.
    let given = |id| run.matches.try_get_many::<String>(id).ok().flatten();
    if let Some(names) = given("scope") {
        let names: Vec<_> = names.map(String::as_str).collect();
        wanted
            .scopes
            .retain(|scope| names.contains(&scope.as_str()));
    }
    wanted.target = text(run, "target")
        .and_then(|target| run.line.word(&target))
        .or_else(|| run.line.flag("app", true, 0));
    let rules = given("ignore").into_iter().flatten();
    wanted.ignore.extend(rules.map(|rule| {
        Ignore {
            rule: rule.clone(),
            place: run
                .line
                .word(rule)
                .or_else(|| run.line.flag("ignore", true, 0)),
        }
    }));
    wanted
}

/// Prints the report and says how it ended.
fn finish(run: &Run<'_>, verdict: &Verdict, table: &CheckTable) -> Result<u8, Refusal> {
    let strict =
        verdict.deploy || run.matches.get_flag("warnings-as-errors") || table.warnings_as_errors;
    let include_info = run.matches.get_flag("include-info") || table.include_info;
    let baseline = match run.matches.get_one::<PathBuf>("baseline") {
        Some(path) => Some(
            baseline::compare(path, verdict, include_info)
                .map_err(|error| format!("{error}; {}", error.help()))?,
        ),
        None => None,
    };
    let options = report::Options {
        style: output::style(Stream::Out, run.matches),
        include_info,
        warnings_as_errors: strict,
        baseline,
    };
    let report = report::render(format(run), verdict, &run.sources, &options);
    if output::print(&report) == FAILED {
        return Ok(FAILED);
    }
    Ok(if options.failing(verdict) {
        FINDINGS
    } else {
        OK
    })
}

fn format(run: &Run<'_>) -> Format {
    if run.matches.get_flag("json") {
        return Format::Json;
    }
    match run
        .matches
        .get_one::<String>("output-format")
        .map(String::as_str)
    {
        Some("concise") => Format::Concise,
        Some("json") => Format::Json,
        Some("github") => Format::Github,
        Some("sarif") => Format::Sarif,
        _ => Format::Full,
    }
}
