//! `worker_hooks`: worker lifecycle hooks have a worker mode that runs them.

use serde_json::json;

use crate::app::snapshot::{Interpreter, Named};
use crate::check::finding::{Finding, Severity};
use crate::check::remedy;
use crate::check::rule::{Context, Rule, Scope, Tool};
use crate::config::types::WorkerMode;

const ID: &str = "worker_hooks";
const FIELD: &str = "worker_mode";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "worker lifecycle hooks run in the worker mode that is in force",
    scope: Scope::App,
    tools: &[Tool::Chirp],
    severities: "- / error / error",
    fatal: false,
    page: include_str!("../../../docs/rules/worker_hooks.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let table = [None, Some(Severity::Error), Some(Severity::Error)];
    let (Some(resolved), Some(app), Some(snapshot), Some(severity)) = (
        cx.app_config,
        cx.chirp_app(),
        cx.snapshot,
        cx.severity(table),
    ) else {
        return;
    };
    let hooks: Vec<&Named> = [&app.hooks.worker_startup, &app.hooks.worker_shutdown]
        .into_iter()
        .flatten()
        .collect();
    let mode = resolved.config.worker_mode;
    if resolved.setting(FIELD).invalid || !is_sync(mode, &snapshot.python) {
        return;
    }
    let Some(first) = hooks.first() else { return };
    let label = match hooks.len() {
        1 => "never runs in sync workers".to_owned(),
        2 => "never runs in sync workers, nor does 1 more".to_owned(),
        many => format!("never runs in sync workers, nor do {} more", many - 1),
    };
    let reason = if mode == WorkerMode::Auto {
        format!(
            "{FIELD} auto means sync on free-threaded Python {}",
            snapshot.python.version
        )
    } else {
        format!("{FIELD} is sync")
    };
    let set = resolved.setting(FIELD).is_set();
    let mode_label = if set {
        reason
    } else {
        format!("{}: {reason}", resolved.absence(FIELD))
    };
    let to_async = remedy::set(resolved, FIELD, &json!("async"));
    findings.push(
        Finding::new(ID, severity, "worker hooks are registered, and workers are sync")
            .field(FIELD)
            .at(first.position.clone(), label)
            .at(resolved.place(FIELD), mode_label)
            .why("what the hooks open, connection pools say, is never opened, and what they close is lost")
            .help(to_async)
            .help("or make them app hooks: on_startup, on_shutdown"),
    );
}

/// Whether workers run the app on threads: by setting, or by themselves on free-threaded Python.
fn is_sync(mode: WorkerMode, python: &Interpreter) -> bool {
    match mode {
        WorkerMode::Sync => true,
        WorkerMode::Auto => python.free_threaded_build && !python.gil_enabled,
        WorkerMode::Async | WorkerMode::Subinterpreter => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chirp_case::{ChirpCase, hook};
    use super::RULE;

    fn hooked() -> ChirpCase {
        ChirpCase::new().app(|app| app.hooks.worker_startup.push(hook("shop.connect", 0)))
    }

    fn free_threaded(mut case: ChirpCase) -> ChirpCase {
        case.snapshot.python.version = "3.14.0".into();
        case.snapshot.python.free_threaded_build = true;
        case.snapshot.python.gil_enabled = false;
        case
    }

    #[test]
    fn hooks_under_sync_workers_are_an_error_outside_development() {
        let case = hooked().keyword("worker_mode", json!("sync"));
        assert_eq!(case.severities(&RULE), "- / error / error");
        let found = case.in_production(&RULE);
        assert_eq!(found[0].first_spot(), "shop.py:90");
        assert_eq!(found[0].labels[1].0, "worker_mode=\"sync\"");
        assert!(
            found[0]
                .help
                .starts_with("AppConfig(worker_mode=\"async\")")
        );
    }

    #[test]
    fn a_shutdown_hook_alone_is_found_too() {
        let case = ChirpCase::new()
            .keyword("worker_mode", json!("sync"))
            .app(|app| app.hooks.worker_shutdown.push(hook("shop.close", 1)));
        assert_eq!(case.in_production(&RULE)[0].first_spot(), "shop.py:91");
    }

    #[test]
    fn auto_is_sync_on_free_threaded_python() {
        let case = free_threaded(hooked());
        assert_eq!(case.severities(&RULE), "- / error / error");
        let found = case.in_production(&RULE);
        assert_eq!(found[0].labels[1].0, "AppConfig()");
        assert!(
            found[0].labels[1]
                .1
                .ends_with("free-threaded Python 3.14.0")
        );
    }

    #[test]
    fn auto_is_async_where_the_gil_is_on() {
        assert_eq!(hooked().severities(&RULE), "- / - / -");
        let mut case = free_threaded(hooked());
        case.snapshot.python.gil_enabled = true;
        assert_eq!(case.severities(&RULE), "- / - / -");
    }

    #[test]
    fn async_workers_and_other_hooks_are_good() {
        let case = free_threaded(hooked()).keyword("worker_mode", json!("async"));
        assert_eq!(case.severities(&RULE), "- / - / -");
        let case = ChirpCase::new()
            .keyword("worker_mode", json!("sync"))
            .app(|app| app.hooks.startup.push(hook("shop.connect", 0)));
        assert_eq!(case.severities(&RULE), "- / - / -");
    }
}
