//! A native binary serves nothing itself: it becomes the app's interpreter, which has the package.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::output;
use super::version::VERSION;
use crate::app::interpreter::{Choice, Surroundings, find};
use crate::check::Tool;
use crate::serve::supervisor::PROTOCOL;

/// Asks an interpreter for the package, in one line at the end of what it prints.
const QUESTION: &str = "\
import json, importlib.metadata as metadata
answer = {'protocol': None, 'version': None, 'missing': None, 'others': {}}
try:
    import pounce_rs
    answer['protocol'] = getattr(pounce_rs, 'PROTOCOL', 0)
    answer['version'] = pounce_rs.__version__
except ImportError as error:
    answer['missing'] = str(error)
for name in ('bengal-pounce', 'bengal-chirp'):
    try:
        answer['others'][name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print()
print(json.dumps(answer))
";

/// What an interpreter has.
#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Answer {
    protocol: Option<u32>,
    version: Option<String>,
    missing: Option<String>,
    others: std::collections::BTreeMap<String, String>,
}

/// Becomes `python -m pounce_rs ...`; returns only where that is not possible.
pub(super) fn to_python(
    tool: Tool,
    given: Option<PathBuf>,
    app_dir: Option<PathBuf>,
    words: &[OsString],
) -> u8 {
    let folder = app_dir.unwrap_or_else(|| PathBuf::from("."));
    let choice = given.map_or(Choice::Automatic, Choice::Given);
    let found = match find(&choice, &Surroundings::of_process(&folder)) {
        Ok(found) => found,
        Err(none) => return output::fail(tool, &none.to_string()),
    };
    if let Err(why) = ask(&found.program).and_then(|answer| judge(&answer, tool, &found.program)) {
        return output::fail(tool, &why);
    }
    let module = match tool {
        Tool::Pounce => "pounce_rs",
        Tool::Chirp => "chirp",
    };
    let error = Command::new(&found.program)
        .args(["-m", module])
        .args(words)
        .exec();
    let program = found.program.display();
    output::fail(tool, &format!("{program} cannot be started: {error}"))
}

fn ask(python: &Path) -> Result<Answer, String> {
    let shown = python.display();
    let output = Command::new(python)
        .args(["-c", QUESTION])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|error| format!("{shown} cannot be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().next_back().unwrap_or_default();
    serde_json::from_str(last).map_err(|_| {
        format!(
            "{shown} did not say whether it has pounce-rs ({})",
            output.status
        )
    })
}

/// Whether the interpreter can serve, else what to do.
fn judge(answer: &Answer, tool: Tool, python: &Path) -> Result<(), String> {
    let python = python.display();
    let names: &[&str] = match tool {
        Tool::Pounce => &["bengal-pounce"],
        Tool::Chirp => &["bengal-chirp", "bengal-pounce"],
    };
    for name in names {
        if let Some(version) = answer.others.get(*name) {
            let import = name.trim_start_matches("bengal-");
            return Err(format!(
                "{name} {version} owns the import name `{import}` in {python}; pounce-rs cannot \
                 serve beside it: use an environment with one of the two"
            ));
        }
    }
    match (answer.protocol, &answer.missing) {
        (Some(PROTOCOL), _) => Ok(()),
        (Some(_), _) => Err(format!(
            "{python} has pounce-rs {}, which does not fit this command, {VERSION}; install the \
             same: {python} -m pip install pounce-rs=={VERSION}",
            answer.version.as_deref().unwrap_or("of unknown version")
        )),
        (None, Some(missing)) if !missing.contains("pounce_rs'") => Err(format!(
            "pounce-rs is installed in {python} and cannot be imported: {missing}"
        )),
        (None, _) => Err(format!(
            "serving needs pounce-rs in the app's Python: {python} -m pip install pounce-rs"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Result<(), String> {
        judge(
            &serde_json::from_str(text).unwrap(),
            Tool::Pounce,
            Path::new("python"),
        )
    }

    #[test]
    fn only_the_same_protocol_serves() {
        let good = r#"{"protocol": 1, "version": "0.1.0", "missing": null, "others": {}}"#;
        assert_eq!(answer(good), Ok(()));
        let old = answer(r#"{"protocol": 0, "version": "0.0.1", "missing": null, "others": {}}"#);
        assert!(old.unwrap_err().contains("has pounce-rs 0.0.1"));
        let none = answer(
            r#"{"protocol": null, "version": null, "missing": "No module named 'pounce_rs'", "others": {}}"#,
        );
        assert!(none.unwrap_err().contains("pip install pounce-rs"));
    }

    #[test]
    fn the_owner_of_the_name_is_told() {
        let taken = answer(
            r#"{"protocol": 1, "version": "0.1.0", "missing": null, "others": {"bengal-pounce": "0.9"}}"#,
        );
        assert!(taken.unwrap_err().contains("bengal-pounce 0.9 owns"));
        let chirp = r#"{"protocol": 1, "version": "0.1.0", "missing": null, "others": {"bengal-chirp": "0.9"}}"#;
        assert_eq!(answer(chirp), Ok(()));
    }
}
