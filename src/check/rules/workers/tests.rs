//! Machines, builds and apps made by hand, and what the rule says of them.

use serde_json::json;

use super::super::machine_cases::Case;
use super::*;
use crate::app::snapshot::{Hooks, Position, Route, Snapshot};

fn limits() -> LimitFacts {
    LimitFacts {
        cpu: CpuFacts {
            schedulable: 4,
            quota: None,
        },
        memory: MemoryFacts {
            machine: Some(8 << 30),
            cgroup: None,
        },
        open_files: Some(OpenFiles {
            soft: Some(20_000),
            hard: Some(20_000),
        }),
        uid: Some(0),
        container: None,
    }
}

fn case(settings: &[(&str, serde_json::Value)], limits: LimitFacts) -> Case {
    let mut case = Case::new(settings);
    case.machine.limits = Some(limits);
    case
}

/// The only finding: message, what its first label points at, what it says there.
fn warning(case: &Case) -> (String, String, String) {
    let findings = case.judge(&RULE);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].severity, Severity::Warning);
    let (at, label) = case.labels(&findings[0])[0];
    (findings[0].message.clone(), at.to_owned(), label.to_owned())
}

#[test]
fn a_fitting_server_is_silent() {
    assert_eq!(case(&[], limits()).judge(&RULE), []);
    for workers in [0, 1, 4, 8] {
        assert_eq!(
            case(&[("workers", json!(workers))], limits()).judge(&RULE),
            [],
            "{workers}"
        );
    }
    assert_eq!(
        Case::new(&[("workers", json!(4096))]).judge(&RULE),
        [],
        "nothing was looked at"
    );
}

#[test]
fn workers_are_counted_against_cpus_and_quota() {
    let nine = [("workers", json!(9))];
    let (message, at, label) = warning(&case(&nine, limits()));
    assert_eq!(message, "9 workers are too many for the CPUs");
    assert_eq!(
        (at.as_str(), label.as_str()),
        ("workers = 9", "4 CPUs may be used here")
    );

    let mut narrow = limits();
    narrow.cpu.quota = Some(1.5);
    assert_eq!(
        case(&[("workers", json!(4))], narrow.clone()).judge(&RULE),
        []
    );
    let five = [("workers", json!(5))];
    assert_eq!(
        warning(&case(&five, narrow)).2,
        "the cgroup grants the time of 1.5 CPUs"
    );
}

#[test]
fn workers_are_counted_against_memory() {
    let mut small = limits();
    small.memory.cgroup = Some(256 << 20);
    let four = [("workers", json!(4))];
    assert_eq!(case(&four, small.clone()).judge(&RULE), []);
    let five = [("workers", json!(5))];
    let (message, _, label) = warning(&case(&five, small.clone()));
    assert_eq!(message, "the memory is too small for 5 workers");
    assert_eq!(label, "the cgroup allows 256 MiB: 51 MiB for each worker");
    small.memory = MemoryFacts {
        machine: Some(32 << 20),
        cgroup: None,
    };
    let findings = case(&[], small).judge(&RULE);
    assert_eq!(
        findings[0].message,
        "the memory is too small for a worker: the machine has 32 MiB: 32 MiB for each worker"
    );
}

#[test]
fn connections_are_counted_against_open_files() {
    let mut few = limits();
    few.open_files = Some(OpenFiles {
        soft: Some(256),
        hard: Some(1024),
    });
    let fits = [("max_connections", json!(960))];
    assert_eq!(case(&fits, few.clone()).judge(&RULE), []);
    let beyond = [("max_connections", json!(961))];
    let (message, at, label) = warning(&case(&beyond, few.clone()));
    assert_eq!(
        message,
        "max_connections = 961 needs more open files than allowed"
    );
    assert_eq!(at, "max_connections = 961");
    assert_eq!(label, "the worker may have 1024 files open (ulimit -Hn)");
    let shared = [("max_connections", json!(1922)), ("workers", json!(2))];
    assert!(
        warning(&case(&shared, few.clone()))
            .2
            .starts_with("961 for each worker")
    );
    let unlimited = [("max_connections", json!(0))];
    assert_eq!(case(&unlimited, few.clone()).judge(&RULE), []);
    few.open_files = Some(OpenFiles {
        soft: None,
        hard: None,
    });
    assert_eq!(case(&beyond, few).judge(&RULE), []);
}

fn snapshot(free_threaded_build: bool, gil_enabled: bool) -> Snapshot {
    let position = Position {
        file: "/srv/shop.py".into(),
        line: 3,
        column: 0,
        end_line: 3,
        end_column: 9,
    };
    let hook = Named {
        name: "open_pool".to_owned(),
        position: Some(position.clone()),
    };
    let route = Route {
        path: "/live".to_owned(),
        websocket: true,
        position: Some(position),
        ..Route::default()
    };
    Snapshot {
        python: Interpreter {
            version: "3.13.0".to_owned(),
            gil_enabled,
            free_threaded_build,
            ..Interpreter::default()
        },
        app: Some(App {
            hooks: Hooks {
                worker_startup: vec![hook],
                ..Hooks::default()
            },
            routes: vec![route],
            uses_websocket: true,
            ..App::default()
        }),
        ..Snapshot::default()
    }
}

#[test]
fn hooks_and_websocket_need_an_event_loop() {
    let mut case = Case::new(&[("worker_mode", json!("sync"))]);
    case.snapshot = Some(snapshot(false, true));
    let findings = case.judge(&RULE);
    assert_eq!(
        findings
            .iter()
            .map(|each| (each.severity, each.message.as_str()))
            .collect::<Vec<_>>(),
        [
            (
                Severity::Error,
                "worker hooks do not run in sync mode: open_pool"
            ),
            (Severity::Error, "WebSocket does not work in sync mode"),
        ]
    );
    for finding in &findings {
        let labels = case.labels(finding);
        assert_eq!(
            labels[0],
            ("worker_mode = \"sync\"", "sync was asked for here")
        );
        assert_eq!(labels[1].0, "(python)");
    }
    assert_eq!(findings[1].route.as_deref(), Some("/live"));

    for mode in ["async", "auto"] {
        let mut case = Case::new(&[("worker_mode", json!(mode))]);
        case.snapshot = Some(snapshot(false, true));
        assert_eq!(case.judge(&RULE), [], "{mode}");
    }
}

#[test]
fn without_the_gil_auto_is_sync() {
    let mut case = Case::new(&[]);
    case.snapshot = Some(snapshot(true, false));
    let findings = case.judge(&RULE);
    let severities: Vec<Severity> = findings.iter().map(|each| each.severity).collect();
    assert_eq!(
        severities,
        [Severity::Warning, Severity::Error, Severity::Error]
    );
    assert!(
        findings[0]
            .message
            .starts_with("Python 3.13.0 is a free-threaded build")
    );
    // With the GIL switched on again, only the build is worth a word.
    case.snapshot = Some(snapshot(true, true));
    assert_eq!(case.judge(&RULE).len(), 1);
}

#[test]
fn subinterpreters_are_served_as_async() {
    let mut case = Case::new(&[("worker_mode", json!("subinterpreter"))]);
    case.snapshot = Some(snapshot(false, true));
    let findings = case.judge(&RULE);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].severity, Severity::Info);
}
