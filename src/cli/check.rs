//! `check`: gather configuration, app and machine, judge them, print the report.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json};

use super::output::{self, Stream};
use super::{FAILED, FINDINGS, OK, Run, config};
use crate::app::interpreter::Choice;
use crate::app::position::place;
use crate::app::probe::{ProbeError, ProbeRequest, probe};
use crate::app::snapshot::{AppConfigSeen, Snapshot};
use crate::app::target::{Kind, Target};
use crate::check::Tool;
use crate::check::judge::{Ignore, Verdict, judge};
use crate::check::machine::Machine;
use crate::check::report::{self, Format, baseline};
use crate::check::rule::{Context, Scope};
use crate::config::field::{Model, Secrecy};
use crate::config::file::CheckTable;
use crate::config::keywords::Keyword;
use crate::config::types::Env;
use crate::config::{AppConfig, Resolved, resolve};

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
    let scopes = scopes(run);
    let target = text(run, "target")
        .or_else(|| text(run, "app"))
        .or_else(|| resolved.beside.get("app").map(|(target, _)| target.clone()));
    let app_dir = app_dir(run).or_else(|| {
        resolved
            .beside
            .get("app_dir")
            .map(|(folder, _)| PathBuf::from(folder))
    });
    let snapshot = match target.filter(|_| scopes.contains(&Scope::App)) {
        Some(target) => Some(look(run, &target, Kind::Pounce, app_dir, Map::new(), &[])?),
        None => None,
    };
    let machine = scopes
        .contains(&Scope::Machine)
        .then(|| Machine::gather(&resolved, time::OffsetDateTime::now_utc()));
    let context = Context {
        tool: run.tool,
        posture: Env::Production,
        problems: &resolved.problems,
        server: Some(&resolved),
        app_config: None,
        snapshot: snapshot.as_ref(),
        machine: machine.as_ref(),
    };
    let ignore = ignored(run, &resolved.check);
    let verdict = judge(&context, &scopes, &ignore, &mut run.sources);
    Ok((verdict, resolved.check.clone()))
}

/// `chirp check`: an app and its configuration.
fn check_app(run: &mut Run<'_>) -> Result<(Verdict, CheckTable), Refusal> {
    let (mut inputs, extra, env_problems) = config::app_inputs(run);
    let outside: Resolved<AppConfig> = resolve(&inputs, &mut run.sources.clone());
    let scopes = scopes(run);
    let mut snapshot = None;
    if scopes.contains(&Scope::App)
        && let Some(target) = text(run, "target")
    {
        let base = base(&outside);
        snapshot = Some(look(run, &target, Kind::Chirp, app_dir(run), base, &extra)?);
    }
    let seen = snapshot
        .as_ref()
        .and_then(|snapshot| Some((snapshot, snapshot.app.as_ref()?)));
    let chirp = seen.is_some_and(|(_, app)| app.is_chirp());
    if let Some((snapshot, app)) = seen.filter(|_| chirp) {
        if let Some(variables) = &mut inputs.variables {
            variables.add_above(snapshot.environ.clone());
        }
        let call = app
            .config
            .as_ref()
            .and_then(|config| config.created_at.as_ref());
        let call = call.or(app.created_at.as_ref());
        inputs.call = call.and_then(|position| place(position, &mut run.sources));
        if let Some(seen) = &app.config {
            inputs.keywords = keywords(seen, &outside, run);
        }
    }
    let mut resolved: Resolved<AppConfig> = resolve(&inputs, &mut run.sources);
    resolved.problems.splice(0..0, env_problems);
    let deploy = run.matches.get_flag("deploy");
    let context = Context {
        tool: run.tool,
        posture: if deploy {
            Env::Production
        } else {
            resolved.config.env
        },
        problems: &resolved.problems,
        server: None,
        app_config: chirp.then_some(&resolved),
        snapshot: snapshot.as_ref(),
        machine: None,
    };
    let ignore = ignored(run, &resolved.check);
    let verdict = Verdict {
        deploy,
        ..judge(&context, &scopes, &ignore, &mut run.sources)
    };
    Ok((verdict, resolved.check.clone()))
}

/// Values that stand below the keywords of the code: those that are not defaults.
fn base(resolved: &Resolved<AppConfig>) -> Map<String, Json> {
    resolved
        .settings()
        .filter(|(_, setting)| setting.is_set() && !setting.invalid)
        .map(|(field, setting)| (field.name.to_owned(), setting.value.to_json()))
        .collect()
}

/// The keywords that the code passed. An object of `AppConfig.from_env` read variables by itself:
/// what it holds beyond the layers we know counts as said by that call.
fn keywords(
    seen: &AppConfigSeen,
    outside: &Resolved<AppConfig>,
    run: &mut Run<'_>,
) -> Vec<Keyword> {
    let from = |position: Option<&crate::app::snapshot::Position>| {
        position.map_or_else(
            || "AppConfig(...)".to_owned(),
            |position| {
                let file = crate::config::source::display_path(&position.file);
                format!("{file}:{}", position.line)
            },
        )
    };
    let mut keywords = Vec::new();
    for (name, keyword) in &seen.explicit {
        keywords.push(Keyword {
            name: name.clone(),
            value: keyword.value.clone(),
            place: keyword
                .position
                .as_ref()
                .and_then(|position| place(position, &mut run.sources)),
            from: from(keyword.position.as_ref().or(seen.created_at.as_ref())),
        });
    }
    if seen.from_env {
        for (field, setting) in outside.settings() {
            let Some(value) = seen.values.get(field.name) else {
                continue;
            };
            let explicit = seen.explicit.contains_key(field.name);
            let default = field.default.value().to_json();
            if !explicit && *value != setting.value.to_json() && *value != default {
                let call = seen.created_at.as_ref();
                keywords.push(Keyword {
                    name: field.name.to_owned(),
                    value: value.clone(),
                    place: call.and_then(|position| place(position, &mut run.sources)),
                    from: from(call),
                });
            }
        }
    }
    keywords
}

/// Looks at the app in its own interpreter.
fn look(
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
    let mut request =
        ProbeRequest::new(target, kind, app_dir.unwrap_or_else(|| PathBuf::from(".")));
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

fn secret_fields() -> Vec<String> {
    AppConfig::fields()
        .iter()
        .filter(|field| field.secrecy == Secrecy::Secret)
        .map(|field| field.name.to_owned())
        .collect()
}

fn text(run: &Run<'_>, id: &str) -> Option<String> {
    run.matches
        .try_get_one::<String>(id)
        .ok()
        .flatten()
        .cloned()
}

fn app_dir(run: &Run<'_>) -> Option<PathBuf> {
    run.matches.get_one::<PathBuf>("app-dir").cloned()
}

fn scopes(run: &Run<'_>) -> Vec<Scope> {
    let all = [Scope::Config, Scope::App, Scope::Machine];
    match run.matches.get_many::<String>("scope") {
        Some(names) => {
            let names: Vec<_> = names.map(String::as_str).collect();
            all.into_iter()
                .filter(|scope| names.contains(&scope.as_str()))
                .collect()
        }
        None => all.to_vec(),
    }
}

fn ignored(run: &Run<'_>, table: &CheckTable) -> Vec<Ignore> {
    let flags = run
        .matches
        .get_many::<String>("ignore")
        .into_iter()
        .flatten();
    let flags = flags.map(|rule| Ignore {
        rule: rule.clone(),
        place: run
            .line
            .word(rule)
            .or_else(|| run.line.flag("ignore", true, 0)),
    });
    let table = table.ignore.iter().map(|(rule, place)| Ignore {
        rule: rule.clone(),
        place: Some(place.clone()),
    });
    table.chain(flags).collect()
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
        return Err("the report could not be written".into());
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
