//! The probe against apps that fail in every way an app can: each is a finding, none breaks the probe.
#![cfg(unix)]

#[cfg(test)]
mod apps_that_fail {

    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use pounce_core::app::interpreter::Choice;
    use pounce_core::app::probe::{ProbeError, ProbeRequest, probe};
    use pounce_core::app::snapshot::{Failure, FailureKind, Frame, Snapshot};
    use pounce_core::app::target::{Kind, Target};

    fn fixtures() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/apps/probe")
    }

    fn request(spec: &str, kind: Kind) -> ProbeRequest {
        let mut request = ProbeRequest::new(Target::parse(spec, kind).unwrap(), kind, fixtures());
        request.interpreter = Choice::Given("python3".into());
        request.secret_fields = vec!["secret_key".into(), "redis_url".into()];
        request.env = vec![("PYTHONDONTWRITEBYTECODE".into(), "1".into())];
        request
    }

    fn snapshot(spec: &str) -> Snapshot {
        probe(&request(spec, Kind::Pounce)).unwrap()
    }

    fn failure(spec: &str) -> Failure {
        let snapshot = snapshot(spec);
        assert!(snapshot.app.is_none());
        snapshot.failure.unwrap()
    }

    /// `file:line function` of the user's frames.
    fn own(frames: &[Frame]) -> Vec<String> {
        let named = |frame: &Frame| {
            let file = frame
                .position
                .file
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned();
            format!("{file}:{} {}", frame.position.line, frame.function)
        };
        frames.iter().filter(|frame| frame.own).map(named).collect()
    }

    /// The source text of a frame.
    fn text(frame: &Frame) -> String {
        let source = fs::read_to_string(&frame.position.file).unwrap();
        let line = source
            .lines()
            .nth(frame.position.line as usize - 1)
            .unwrap();
        line[frame.position.column as usize..frame.position.end_column as usize].to_owned()
    }

    #[test]
    fn every_form_of_app_is_recognised() {
        for (spec, name) in [
            ("plain:app", "builtins.function"),
            ("plain:site", "plain.Site"),
            ("plain:bound", "functools.partial"),
            ("plain:nested.inner.app", "plain.Site"),
            ("plain:make()", "plain.Site"),
        ] {
            let snapshot = snapshot(spec);
            assert_eq!(snapshot.failure, None, "{spec}");
            let app = snapshot.app.unwrap();
            assert_eq!(app.framework.name, "generic", "{spec}");
            if name != "builtins.function" {
                assert_eq!(app.type_name, name);
            }
            assert_eq!(snapshot.target.factory, spec.ends_with("()"));
            assert_eq!(snapshot.target.file, Some(fixtures().join("plain.py")));
            assert!(
                snapshot.python.version.starts_with("3."),
                "{:?}",
                snapshot.python
            );
        }
    }

    #[test]
    fn a_factory_needs_its_parentheses_for_pounce_only() {
        let failed = failure("plain:make");
        assert_eq!(failed.kind, FailureKind::NotAsgi);
        assert_eq!(failed.nearest, ["plain:make()"]);
        assert_eq!(own(&failed.frames), ["plain.py:28 make"]);

        let made = probe(&request("plain:make", Kind::Chirp)).unwrap();
        assert_eq!(made.failure, None);
        assert!(made.target.factory);
    }

    #[test]
    fn a_bare_module_means_its_app_for_chirp() {
        let found = probe(&request("plain", Kind::Chirp)).unwrap();
        assert_eq!(found.failure, None);
        assert_eq!(found.target.attribute, "app");
    }

    #[test]
    fn factories_that_give_no_app() {
        let arguments = failure("plain:make_with()");
        assert_eq!(arguments.kind, FailureKind::FactoryArguments);
        assert_eq!(arguments.required_parameters, ["settings", "debug"]);
        assert_eq!(
            text(&arguments.frames[0]),
            "def make_with(settings, *, debug, region=\"eu\"):"
        );

        let nothing = failure("plain:make_nothing()");
        assert_eq!(nothing.kind, FailureKind::FactoryNotApp);
        assert_eq!(nothing.message, "make_nothing() returned None");

        let later = failure("plain:make_later()");
        assert_eq!(later.kind, FailureKind::FactoryNotApp);
        assert!(later.message.contains("async factory"), "{}", later.message);

        let raised = failure("plain:make_badly()");
        assert_eq!(raised.kind, FailureKind::FactoryFailed);
        assert_eq!(raised.exception.as_deref(), Some("RuntimeError"));
        assert!(!raised.message.contains("hunter2"), "{}", raised.message);
        assert!(raised.message.contains("@db/shop"), "{}", raised.message);
        assert_eq!(
            own(&raised.frames).last().unwrap(),
            "plain.py:45 make_badly"
        );
    }

    #[test]
    fn what_is_no_asgi_app_is_said() {
        for (spec, reason) in [
            ("plain:number", "plain:number is an int"),
            (
                "plain:Old",
                "plain:Old is an ASGI 2 application class (callable twice); ASGI 3 is needed",
            ),
            (
                "plain:wsgi",
                "plain:wsgi is a WSGI application, not an ASGI one",
            ),
            (
                "plain:Site",
                "plain:Site is the class Site, not an instance of it",
            ),
        ] {
            let failed = failure(spec);
            assert_eq!(
                (failed.kind, failed.message.as_str()),
                (FailureKind::NotAsgi, reason)
            );
        }
        assert_eq!(failure("plain:number").nearest[0], "app");
    }

    #[test]
    fn a_wrong_attribute_gets_the_nearest_name() {
        let failed = failure("plain:ap");
        assert_eq!(failed.kind, FailureKind::AttributeMissing);
        assert_eq!(failed.nearest[0], "app");
        assert_eq!(failure("plain:nested.innner").nearest, ["inner"]);
    }

    #[test]
    fn a_missing_module_is_told_apart_from_a_missing_import() {
        let own_module = failure("plian:app");
        assert_eq!(own_module.kind, FailureKind::ModuleNotFound);
        assert!(own_module.own_module);
        assert_eq!(own_module.missing_module.as_deref(), Some("plian"));
        assert_eq!(own_module.nearest, ["plain"]);
        assert_eq!(own_module.frames, []);

        let elsewhere = failure("inner:app");
        let folder = elsewhere.folder.unwrap();
        assert!(folder.ends_with("probe/src"), "{folder}");

        let as_package = failure("src.outer:app");
        assert!(!as_package.own_module);
        assert_eq!(as_package.missing_module.as_deref(), Some("inner"));
        let folder = as_package.folder.unwrap();
        assert!(folder.ends_with("probe/src"), "{folder}");
        assert_eq!(as_package.nearest, ["outer"]);

        let mut within = request("src.outer:app", Kind::Pounce);
        within.app_dir = fixtures().join("src");
        let twice = probe(&within).unwrap().failure.unwrap();
        assert_eq!(twice.missing_module.as_deref(), Some("src.outer"));
        assert_eq!(twice.nearest, ["outer"]);

        let import = failure("misspells:app");
        assert!(!import.own_module);
        assert_eq!(import.missing_module.as_deref(), Some("pakage"));
        assert_eq!(import.nearest, ["package"]);
        assert_eq!(
            own(&import.frames),
            ["misspells.py:1 <module>", "nested_import.py:1 <module>"]
        );
        assert_eq!(text(&import.frames[1]), "from pakage import web");
    }

    #[test]
    fn an_app_is_not_called_as_a_factory() {
        let failed = failure("plain:app()");
        assert_eq!(failed.kind, FailureKind::NotAsgi);
        assert_eq!(
            failed.message,
            "app is the app itself, and plain:app() would call it to make one"
        );
        assert_eq!(failed.nearest, ["plain:app"]);
    }

    #[test]
    fn a_missing_name_gets_the_nearest_one() {
        let failed = failure("package.web:app");
        assert_eq!(failed.kind, FailureKind::ImportError);
        assert_eq!(failed.nearest, ["home"]);
        assert_eq!(own(&failed.frames), ["web.py:1 <module>"]);
    }

    #[test]
    fn an_exception_carries_the_users_frames() {
        let failed = failure("raises:app");
        assert_eq!(failed.kind, FailureKind::Exception);
        assert_eq!(failed.exception.as_deref(), Some("KeyError"));
        assert_eq!(
            own(&failed.frames),
            [
                "raises.py:9 <module>",
                "raises.py:6 settings",
                "raises.py:2 connect"
            ]
        );
        assert_eq!(failure("recursive:app").frames.len(), 64);
    }

    #[test]
    fn a_file_that_does_not_compile_is_shown_without_its_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let source =
            "SECRET_KEY = \"not-a-real-key\"\n\n\ndef app(scope, receive, send:\n    pass\n";
        fs::write(folder.path().join("broken.py"), source).unwrap();
        let mut request = request("broken:app", Kind::Pounce);
        request.app_dir = folder.path().to_path_buf();
        let snapshot = probe(&request).unwrap();
        let failed = snapshot.failure.unwrap();
        assert_eq!(failed.kind, FailureKind::SyntaxError);
        let place = &failed.frames.last().unwrap().position;
        assert!(place.file.ends_with("broken.py"));
        assert_eq!(place.line, 4);
        let mask = &snapshot.masks[0];
        assert_eq!((mask.line, mask.column, mask.end_column), (1, 13, 29));
    }

    #[test]
    fn what_the_app_prints_never_reaches_the_answer() {
        let noisy = snapshot("noisy:app");
        assert_eq!(noisy.failure, None);
        assert!(noisy.app.is_some());
    }

    #[test]
    fn an_app_that_closes_its_streams_is_answered() {
        assert_eq!(snapshot("closes:app").failure, None);
    }

    #[test]
    fn sys_exit_is_told_with_its_code_and_last_words() {
        let failed = failure("exits:app");
        assert_eq!(failed.kind, FailureKind::SystemExit);
        assert_eq!(failed.exit_code.as_deref(), Some("3"));
        assert_eq!(failed.output, ["cannot go on: no licence for ••••••••"]);
        assert_eq!(
            own(&failed.frames),
            ["exits.py:11 <module>", "exits.py:8 stop"]
        );
    }

    #[test]
    fn an_end_without_an_answer_is_told() {
        let failed = failure("vanishes:app");
        assert_eq!(failed.kind, FailureKind::Vanished);
        assert_eq!(failed.exit_code.as_deref(), Some("7"));
    }

    #[test]
    fn a_segfault_is_told_with_the_users_frame() {
        let snapshot = snapshot("crashes:app");
        let failed = snapshot.failure.unwrap();
        assert_eq!(failed.kind, FailureKind::Crash);
        assert_eq!(failed.signal.as_deref(), Some("SIGSEGV"));
        assert_eq!(
            own(&failed.frames),
            ["crashes.py:8 <module>", "crashes.py:5 read_nothing"]
        );
        assert_eq!(text(&failed.frames[0]), "read_nothing()");
        assert!(!snapshot.python.version.is_empty());
    }

    #[test]
    fn a_hang_is_told_with_its_stack_and_leaves_nothing_behind() {
        let mut request = request("hangs:app", Kind::Pounce);
        request.time_limit = Duration::from_millis(1500);
        let failed = probe(&request).unwrap().failure.unwrap();
        assert_eq!(failed.kind, FailureKind::Hang);
        assert_eq!(
            own(&failed.frames),
            ["hangs.py:14 <module>", "hangs.py:11 wait_for_database"]
        );
        assert_eq!(failed.output[0], "waiting for the database");
        let child = failed.output[1].strip_prefix("child ").unwrap();
        assert!(gone(child), "process {child} is still there");
    }

    /// Whether a process that was told to end has ended; it may wait to be reaped by the init process.
    fn gone(pid: &str) -> bool {
        for _ in 0..500 {
            let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let state = state
                .rsplit(") ")
                .next()
                .and_then(|rest| rest.chars().next());
            if matches!(state, None | Some('Z' | 'X')) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    #[test]
    fn processes_that_an_app_forks_are_ended_and_do_not_answer() {
        let found = snapshot("forks:app");
        assert_eq!(found.failure, None);
        assert!(found.app.is_some());
        let pid = found.environ.get("CHIRP_FORKED").unwrap();
        assert!(gone(pid), "process {pid} is still there");
    }

    #[test]
    fn variables_that_the_app_sets_are_reported_and_its_secrets_masked() {
        let found = snapshot("dotenv_like:app");
        let names: Vec<_> = found.environ.keys().map(String::as_str).collect();
        assert_eq!(names, ["CHIRP_ENV", "CHIRP_SECRET_KEY"]);
        let masked: Vec<_> = found.masks.iter().map(|mask| mask.line).collect();
        assert_eq!(masked, [6, 8]);
    }

    #[test]
    fn without_an_interpreter_it_says_what_was_tried() {
        let mut request = request("plain:app", Kind::Pounce);
        request.interpreter = Choice::Given("/nowhere/python".into());
        let failed = probe(&request).unwrap().failure.unwrap();
        assert_eq!(failed.kind, FailureKind::NoInterpreter);
        assert!(
            failed.message.contains("--python /nowhere/python"),
            "{}",
            failed.message
        );
    }

    #[test]
    fn a_program_that_is_no_python_is_told() {
        let mut request = request("plain:app", Kind::Pounce);
        request.interpreter = Choice::Given("true".into());
        let failed = probe(&request).unwrap().failure.unwrap();
        assert_eq!(failed.kind, FailureKind::WrongInterpreter);
        assert!(
            failed.message.contains("is no working Python"),
            "{}",
            failed.message
        );
    }

    #[test]
    fn a_python_that_is_too_old_is_told() {
        // What the bootstrap of an old Python writes: its greeting, and nothing else.
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("python");
        fs::write(
            &old,
            "#!/bin/sh\nprintf 'pounce probe\\n3.8.1\\n/usr/bin/python3.8\\n' >&5\n",
        )
        .unwrap();
        fs::set_permissions(&old, PermissionsExt::from_mode(0o755)).unwrap();
        let mut request = request("plain:app", Kind::Pounce);
        request.interpreter = Choice::Given(old);
        let failed = probe(&request).unwrap().failure.unwrap();
        assert_eq!(failed.kind, FailureKind::WrongInterpreter);
        assert!(
            failed
                .message
                .contains("is Python 3.8.1; 3.10 or newer is needed"),
            "{}",
            failed.message
        );
    }

    #[test]
    fn compiled_code_is_kept_and_nothing_foreign_is_run() {
        let home = tempfile::tempdir().unwrap();
        let mut request = request("plain:app", Kind::Pounce);
        request.env = vec![
            ("XDG_CACHE_HOME".into(), home.path().into()),
            ("PYTHONDONTWRITEBYTECODE".into(), "".into()),
        ];
        assert_eq!(probe(&request).unwrap().failure, None);
        let folder = home.path().join("pounce");
        let files: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(files.len(), 1, "{files:?}");
        assert_eq!(probe(&request).unwrap().failure, None);

        fs::write(&files[0], "no code").unwrap();
        assert_eq!(probe(&request).unwrap().failure, None);
        // A file that others can write to is not read, so a harmful one would not run.
        fs::set_permissions(&files[0], PermissionsExt::from_mode(0o666)).unwrap();
        fs::write(&files[0], "no code").unwrap();
        assert_eq!(probe(&request).unwrap().failure, None);
        assert_eq!(
            fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn an_app_dir_that_is_none_is_an_error() {
        let mut request = request("plain:app", Kind::Pounce);
        request.app_dir = "/nowhere".into();
        assert!(matches!(probe(&request), Err(ProbeError::AppDir(..))));
    }
}
