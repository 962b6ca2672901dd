//! `chirp run`: a Chirp app, served on the configuration that its code, its file, variables and flags make.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::{Map, Value as Json};

use super::launch::{self, Order, Outcome};
use super::output::{self, Stream};
use super::{FINDINGS, NOT_UP, Run, check, config, handover, serve};
use crate::app::probe::leave_signals;
use crate::app::target::Kind;
use crate::check::Severity;
use crate::check::judge::Verdict;
use crate::check::preflight::{Wanted, below_keywords, judge_app};
use crate::check::report::Style;
use crate::check::rules;
use crate::config::derived::server_inputs;
use crate::config::{AppConfig, Inputs, Layer, Resolved, resolve};
use crate::serve::supervisor::{AppSettings, Program, hold_signals};

/// Rules about an app that stop its launch, beside the fatal ones: an empty key is what its own
/// configuration class refuses, and hooks in sync workers would never run.
const STOPPING: [&str; 2] = ["secret_key", "worker_hooks"];

/// Serves; `words` is the command line, for the interpreter that a native binary hands over to.
pub(super) fn run(mut run: Run<'_>, words: &[OsString]) -> u8 {
    let app_dir = check::app_dir(&run);
    let Some((python, _)) = &run.host.python else {
        let given = run.matches.get_one::<PathBuf>("python").cloned();
        return handover::to_python(run.tool, given, app_dir, words);
    };
    let python = python.clone();
    let style = output::style(Stream::Err, run.matches);
    let Some(target) = check::text(&run, "target") else {
        return output::fail(run.tool, "no app is named: `chirp run module:app`");
    };
    let folder = match launch::folder(run.tool, app_dir.as_deref()) {
        Ok(folder) => folder,
        Err(code) => return code,
    };
    let (settings, app) = match judged(&mut run, &target, app_dir, style) {
        Ok(judged) => judged,
        Err(code) => return code,
    };
    let order = Order {
        tool: run.tool,
        resolved: resolve(&server_inputs(&app), &mut run.sources),
        program: Program::ChirpApp {
            target: target.clone(),
            app_dir: folder,
            settings,
        },
        app: target,
        python,
        lifespan: serve::lifespan(&run),
        inherited: serve::inherited(&run),
        pid_file: run.matches.get_one::<PathBuf>("pid-file").cloned(),
    };
    if let Some(code) = launch::refuse(&order, &mut run.sources, style) {
        return code;
    }
    // What the look at the app has left behind would end this process, and no worker would drain.
    if let Err(error) = hold_signals() {
        return output::fail(run.tool, &format!("signals cannot be held: {error}"));
    }
    leave_signals();
    match launch::serve(order) {
        Outcome::Over(code) => code,
        Outcome::NotUp => NOT_UP,
    }
}

/// Looks at the app and gives its configuration; what stops the launch is told.
fn judged(
    run: &mut Run<'_>,
    target: &str,
    app_dir: Option<PathBuf>,
    style: Style,
) -> Result<(AppSettings, Resolved<AppConfig>), u8> {
    let (inputs, variables, env_problems) = config::app_inputs(run);
    let outside: Resolved<AppConfig> = resolve(&inputs, &mut run.sources.clone());
    let base = below_keywords(&outside);
    let snapshot = check::look(run, target, Kind::Chirp, app_dir, base.clone(), &variables)
        .map_err(|why| output::fail(run.tool, &why))?;
    let inputs = Inputs {
        problems: env_problems,
        ..inputs
    };
    let wanted = Wanted::default();
    let (verdict, app) = judge_app(inputs, Some(&snapshot), false, &wanted, &mut run.sources);
    let verdict = fatal(verdict);
    if !verdict.findings.is_empty() {
        launch::complain(&verdict, &run.sources, style);
        return Err(FINDINGS);
    }
    let framework = snapshot.app.as_ref().map(|app| app.framework.name.as_str());
    if framework != Some("chirp") {
        let what = format!(
            "{target} is no Chirp app of this package; any ASGI app is served by: pounce serve {target}"
        );
        return Err(output::fail(run.tool, &what));
    }
    let settings = AppSettings {
        base,
        flags: flags(&outside),
        variables: variables
            .into_iter()
            .filter(|(name, _)| std::env::var_os(name).is_none())
            .collect(),
    };
    Ok((settings, app))
}

fn fatal(mut verdict: Verdict) -> Verdict {
    verdict.findings.retain(|finding| {
        let stops = STOPPING.contains(&finding.rule)
            || rules::find(finding.rule).is_some_and(|rule| rule.fatal);
        stops && finding.severity == Severity::Error
    });
    verdict
}

fn flags(outside: &Resolved<AppConfig>) -> Map<String, Json> {
    outside
        .settings()
        .filter(|(_, setting)| setting.origin.layer == Layer::Flag && !setting.invalid)
        .map(|(field, setting)| (field.name.to_owned(), setting.value.to_json()))
        .collect()
}
