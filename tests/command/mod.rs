//! Runs the real commands on fixtures, in a clean environment, and shows all that a user sees.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};

/// One run of a command.
pub(crate) struct Command {
    program: &'static str,
    folder: PathBuf,
    variables: BTreeMap<String, String>,
    arguments: Vec<String>,
}

impl Command {
    pub(crate) fn pounce() -> Self {
        Self::of(env!("CARGO_BIN_EXE_pounce"))
    }

    pub(crate) fn chirp() -> Self {
        Self::of(env!("CARGO_BIN_EXE_chirp"))
    }

    fn of(program: &'static str) -> Self {
        Self {
            program,
            folder: fixtures().join("empty"),
            variables: BTreeMap::new(),
            arguments: Vec::new(),
        }
    }

    /// Works in `tests/fixtures/KIND/NAME`.
    pub(crate) fn fixture(mut self, kind: &str, name: &str) -> Self {
        self.folder = fixtures().join(kind).join(name);
        assert!(self.folder.is_dir(), "no fixture {}", self.folder.display());
        self
    }

    pub(crate) fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn args<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(str::to_owned));
        self
    }

    /// Standard output, standard error and the exit code, as one text without what changes from run
    /// to run (times, the place of this checkout).
    pub(crate) fn run(self) -> String {
        let (out, err, code) = self.output();
        let mut shown = out;
        if !err.is_empty() {
            shown.push_str("--- standard error ---\n");
            shown.push_str(&err);
        }
        shown.push_str(&format!("--- exit {code} ---\n"));
        shown
    }

    fn process(&self) -> Process {
        let mut process = Process::new(self.program);
        process
            .current_dir(&self.folder)
            .args(&self.arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", "/nonexistent")
            .envs(&self.variables)
            .stdin(Stdio::null());
        process
    }

    /// Standard error and exit code of a run whose standard output goes elsewhere.
    pub(crate) fn output_into(self, out: Stdio) -> (String, i32) {
        let output = self
            .process()
            .stdout(out)
            .stderr(Stdio::piped())
            .spawn()
            .and_then(std::process::Child::wait_with_output)
            .unwrap_or_else(|error| panic!("{}: {error}", self.program));
        let code = output
            .status
            .code()
            .unwrap_or_else(|| panic!("{} was ended by a signal", self.program));
        (String::from_utf8(output.stderr).unwrap(), code)
    }

    /// Standard output, standard error, exit code.
    pub(crate) fn output(self) -> (String, String, i32) {
        let output = self
            .process()
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program));
        let code = output
            .status
            .code()
            .unwrap_or_else(|| panic!("{} was ended by a signal", self.program));
        let text = |bytes: Vec<u8>| steady(&String::from_utf8(bytes).unwrap(), &self.folder);
        (text(output.stdout), text(output.stderr), code)
    }
}

/// Where the fixtures are.
pub(crate) fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn steady(text: &str, folder: &std::path::Path) -> String {
    let text = text
        .replace(&folder.display().to_string(), "[FOLDER]")
        .replace(env!("CARGO_MANIFEST_DIR"), "[ROOT]");
    // Times: every run takes another.
    let times = regex::Regex::new(r"\d+(\.\d+)? m?s\b").unwrap();
    times.replace_all(&text, "[TIME]").into_owned()
}
