//! `pounce serve`: the app of a target, on the configuration that was judged.

use std::ffi::OsString;
use std::path::PathBuf;

use super::launch::{self, Order, Outcome};
use super::output::{self, Stream};
use super::{FINDINGS, NOT_UP, Run, check, config, handover};
use crate::app::target::{Kind, Target};
use crate::check::preflight::{Wanted, judge_server};
use crate::check::rule::Scope;
use crate::serve::supervisor::{Lifespan, Program, activated};

/// Serves; `words` is the command line, for the interpreter that a native binary hands over to.
pub(super) fn serve(mut run: Run<'_>, words: &[OsString]) -> u8 {
    let resolved = config::server(&mut run);
    let target = check::text(&run, "target")
        .or_else(|| check::text(&run, "app"))
        .or_else(|| resolved.beside.get("app").map(|(target, _)| target.clone()));
    let app_dir = check::app_dir(&run).or_else(|| {
        let (folder, _) = resolved.beside.get("app_dir")?;
        Some(PathBuf::from(folder))
    });
    let Some((python, _)) = &run.host.python else {
        let given = run.matches.get_one::<PathBuf>("python").cloned();
        return handover::to_python(run.tool, given, app_dir, words);
    };
    let python = python.clone();
    let style = output::style(Stream::Err, run.matches);
    let Some(target) = target else {
        let what =
            "no app is named: `pounce serve module:app`, or app = \"module:app\" in pounce.toml";
        return output::fail(run.tool, what);
    };
    let folder = match launch::folder(run.tool, app_dir.as_deref()) {
        Ok(folder) => folder,
        Err(code) => return code,
    };
    let order = Order {
        tool: run.tool,
        program: Program::Target {
            target: target.clone(),
            app_dir: Some(folder),
        },
        app: target.clone(),
        python,
        lifespan: lifespan(&run),
        inherited: inherited(&run),
        pid_file: run.matches.get_one::<PathBuf>("pid-file").cloned(),
        resolved,
    };
    if let Some(code) = launch::refuse(&order, &mut run.sources, style) {
        return code;
    }
    let again = order.resolved.clone();
    if let Err(error) = Target::parse(&target, Kind::Pounce) {
        let wanted = app_only(&run);
        let snapshot = error.snapshot();
        let verdict = judge_server(&again, Some(&snapshot), None, &wanted, &mut run.sources);
        launch::complain(&verdict, &run.sources, style);
        return FINDINGS;
    }
    match launch::serve(order) {
        Outcome::Over(code) => code,
        Outcome::NotUp => {
            explain(&mut run, &again, &target, app_dir);
            NOT_UP
        }
    }
}

/// Whether the app is asked for its lifespan.
pub(super) fn lifespan(run: &Run<'_>) -> Lifespan {
    match check::text(run, "lifespan").as_deref() {
        Some("on") => Lifespan::On,
        Some("off") => Lifespan::Off,
        _ => Lifespan::Auto,
    }
}

/// Sockets that were opened outside: those that are named, else those of the service manager.
pub(super) fn inherited(run: &Run<'_>) -> Vec<i32> {
    match run.matches.get_many::<i32>("fd") {
        Some(given) => given.copied().collect(),
        None => activated(),
    }
}

/// An app that did not come up is looked at as `check` does: the report shows the line at fault.
fn explain(
    run: &mut Run<'_>,
    resolved: &crate::config::Resolved<crate::config::ServerConfig>,
    target: &str,
    app_dir: Option<PathBuf>,
) {
    let looked = check::look(
        run,
        target,
        Kind::Pounce,
        app_dir,
        serde_json::Map::new(),
        &[],
    );
    let Ok(snapshot) = looked else { return };
    if snapshot.failure.is_none() {
        return;
    }
    let wanted = app_only(run);
    let verdict = judge_server(resolved, Some(&snapshot), None, &wanted, &mut run.sources);
    let style = output::style(Stream::Err, run.matches);
    launch::complain(&verdict, &run.sources, style);
}

fn app_only(run: &Run<'_>) -> Wanted {
    let mut wanted = check::wanted(run);
    wanted.scopes = vec![Scope::App];
    wanted
}

/// The command line with the short form `pounce module:app ...` written out.
pub(super) fn written_out(mut words: Vec<OsString>) -> Vec<OsString> {
    let short = words
        .first()
        .and_then(|word| word.to_str())
        .is_some_and(|word| !word.starts_with('-') && word.contains(':'));
    if short {
        words.insert(0, "serve".into());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_alone_is_served() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(
            written_out(words("shop:app --port 1")),
            words("serve shop:app --port 1")
        );
        for other in ["check shop:app", "--version", "serve shop:app", "shop"] {
            assert_eq!(written_out(words(other)), words(other));
        }
        assert_eq!(written_out(Vec::new()), Vec::<OsString>::new());
    }
}
