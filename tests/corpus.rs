//! Deployments as operators write them, right and wrong: `pounce check` must say exactly what each
//! file's markers say, at those lines, and nothing else.
//!
//! In `tests/fixtures/corpus-server/`: a `NAME.toml` is given as `--config`; a folder is a working
//! directory, its `case.json` holds arguments, variables and what is expected of them. A marker is
//! `# expect: RULE [SEVERITY] [| TEXT]` on the line that must be pointed at, or `#^ expect:` below it;
//! TEXT must be somewhere in what is said. The severity is error where it is left out.

#![cfg(test)]

mod command;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use command::{Command, fixtures};
use serde::Deserialize;
use serde_json::Value as Json;

/// What must be said, or what was said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    rule: String,
    severity: String,
    /// `pounce.toml:7`, `environment`, `command line`, or nothing.
    place: String,
    text: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    about: String,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    expect: Vec<Expected>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    rule: String,
    #[serde(default = "error")]
    severity: String,
    #[serde(default)]
    place: String,
    #[serde(default)]
    text: String,
}

fn error() -> String {
    "error".into()
}

fn corpus() -> PathBuf {
    fixtures().join("corpus-server")
}

/// The markers of a file.
fn markers(path: &Path, name: &str) -> Vec<Said> {
    let bytes = std::fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for (sign, line_number) in [("# expect: ", index + 1), ("#^ expect: ", index)] {
            let Some((_, marker)) = line.split_once(sign) else {
                continue;
            };
            let (head, text) = marker.split_once(" | ").unwrap_or((marker, ""));
            let mut words = head.split_whitespace();
            found.push(Said {
                rule: words.next().unwrap().to_owned(),
                severity: words.next().unwrap_or("error").to_owned(),
                place: format!("{name}:{line_number}"),
                text: text.trim().to_owned(),
            });
        }
    }
    found
}

/// Runs the check and compares.
fn judge(name: &str, command: Command, mut expected: Vec<Said>) -> Vec<String> {
    let (out, err, code) = command.args(["--json", "--include-info"]).output();
    let Ok(report) = serde_json::from_str::<Json>(&out) else {
        return vec![format!("{name}: no report (exit {code}): {out}{err}")];
    };
    let mut wrong = Vec::new();
    let errors = expected.iter().any(|one| one.severity == "error");
    if (code == 1) != errors {
        wrong.push(format!("{name}: exit {code}"));
    }
    for issue in report["issues"].as_array().unwrap() {
        let said = said(issue);
        // What this build does not have yet is said of the build, not of the deployment.
        if (said.rule.as_str(), said.severity.as_str()) == ("unsupported_setting", "info") {
            continue;
        }
        let found = expected.iter().position(|one| {
            (&one.rule, &one.severity, &one.place) == (&said.rule, &said.severity, &said.place)
                && said.text.contains(&one.text)
        });
        match found {
            Some(index) => {
                expected.swap_remove(index);
            }
            None => wrong.push(format!("{name}: not expected: {said:#?}")),
        }
    }
    wrong.extend(
        expected
            .iter()
            .map(|one| format!("{name}: not said: {one:#?}")),
    );
    wrong
}

fn said(issue: &Json) -> Said {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let location = &issue["location"];
    let place = match (location["file"].as_str(), location["source"].as_str()) {
        (Some(file), _) => format!("{file}:{}", location["line"]),
        (None, Some(source)) => source.to_owned(),
        (None, None) => String::new(),
    };
    let mut parts = vec![text(&issue["message"]), text(&issue["why"])];
    parts.extend(
        issue["labels"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|label| text(&label["text"])),
    );
    parts.extend(issue["help"].as_array().into_iter().flatten().map(text));
    Said {
        rule: text(&issue["category"]),
        severity: text(&issue["severity"]),
        place,
        text: parts.join("\n"),
    }
}

fn case(folder: &Path) -> Case {
    let path = folder.join("case.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| "{}".into());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_deployment_gets_the_advice_that_it_needs() {
    let mut entries: Vec<_> = std::fs::read_dir(corpus())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    assert!(entries.len() > 50, "the corpus is gone");
    let mut wrong = Vec::new();
    for path in entries {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_file() {
            let expected = markers(&path, &name);
            let command = Command::pounce().folder(corpus()).args([
                "check",
                "--scope",
                "config,app",
                "--config",
                name.as_str(),
            ]);
            wrong.extend(judge(&name, command, expected));
            continue;
        }
        let case = case(&path);
        let mut expected: Vec<Said> = case
            .expect
            .into_iter()
            .map(|one| Said {
                rule: one.rule,
                severity: one.severity,
                place: one.place,
                text: one.text,
            })
            .collect();
        for file in ["pounce.toml", "pyproject.toml"] {
            if path.join(file).is_file() {
                expected.extend(markers(&path.join(file), file));
            }
        }
        assert!(
            !case.about.is_empty(),
            "{name} does not say what it is about"
        );
        let mut command = Command::pounce().folder(&path).args(["check"]);
        let scoped = case.arguments.iter().any(|argument| argument == "--scope");
        if !scoped {
            command = command.args(["--scope", "config,app"]);
        }
        command = command.args(case.arguments.iter().map(String::as_str));
        for (name, value) in &case.variables {
            command = command.env(name, value);
        }
        wrong.extend(judge(&name, command, expected));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
