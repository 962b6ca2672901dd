//! The native binary serves by becoming the app's interpreter, where that one can.

#![cfg(test)]
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A stand-in for an interpreter: it answers the question with `answer`, and otherwise tells its process
/// id and its arguments.
fn interpreter(folder: &Path, answer: &str) -> PathBuf {
    let path = folder.join("python");
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = -c ]; then echo noise; echo '{answer}'; else echo \"$$ $*\"; exit 7; fi\n"
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Runs the native `pounce` with that interpreter; also gives its process id.
fn pounce(python: &Path, words: &[&str]) -> (Output, u32) {
    let child = Command::new(env!("CARGO_BIN_EXE_pounce"))
        .args(words)
        .arg("--python")
        .arg(python)
        .current_dir(python.parent().unwrap())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id();
    (child.wait_with_output().unwrap(), pid)
}

#[test]
fn the_interpreter_takes_the_process_over() {
    let folder = tempfile::tempdir().unwrap();
    let answer = r#"{"protocol": 1, "version": "0.1.0", "missing": null, "others": {}}"#;
    let python = interpreter(folder.path(), answer);
    let (output, pid) = pounce(&python, &["shop:app", "--port", "1"]);
    let told = String::from_utf8(output.stdout).unwrap();
    let expected = format!(
        "{pid} -m pounce_rs serve shop:app --port 1 --python {}\n",
        python.display()
    );
    assert_eq!(told, expected);
    assert_eq!(output.status.code(), Some(7));
}

#[test]
fn an_interpreter_that_cannot_serve_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for (answer, told) in [
        (
            r#"{"protocol": null, "version": null, "missing": "nothing", "others": {}}"#,
            "pounce-rs is installed in",
        ),
        (
            r#"{"protocol": 0, "version": "0.0.1", "missing": null, "others": {}}"#,
            "pip install pounce-rs==",
        ),
        (
            r#"{"protocol": 1, "version": "0.1.0", "missing": null, "others": {"bengal-pounce": "1.0"}}"#,
            "bengal-pounce 1.0 owns the import name `pounce`",
        ),
        ("no answer", "did not say whether it has pounce-rs"),
    ] {
        let (output, _) = pounce(&interpreter(folder.path(), answer), &["serve", "shop:app"]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(told), "{error}");
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
    }
}
