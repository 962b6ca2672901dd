//! What to do about a module that cannot be found.

use super::{ID, executable, sentence, stack};
use crate::app::snapshot::{Failure, Snapshot};
use crate::check::finding::Finding;

/// Distributions whose name is not the module's.
const DISTRIBUTIONS: [(&str, &str); 17] = [
    ("PIL", "Pillow"),
    ("attr", "attrs"),
    ("bs4", "beautifulsoup4"),
    ("chirp", "pounce-rs"),
    ("cv2", "opencv-python-headless"),
    ("dateutil", "python-dateutil"),
    ("dotenv", "python-dotenv"),
    ("jose", "python-jose"),
    ("jwt", "PyJWT"),
    ("magic", "python-magic"),
    ("multipart", "python-multipart"),
    ("MySQLdb", "mysqlclient"),
    ("pounce", "pounce-rs"),
    ("psycopg2", "psycopg2-binary"),
    ("rest_framework", "djangorestframework"),
    ("sklearn", "scikit-learn"),
    ("yaml", "PyYAML"),
];

/// Modules that left the standard library, and with which Python (PEP 594, PEP 632, "What's New").
const REMOVED: [(&str, &[&str]); 2] = [
    (
        "3.12",
        &["asynchat", "asyncore", "distutils", "imp", "smtpd"],
    ),
    (
        "3.13",
        &[
            "aifc",
            "audioop",
            "cgi",
            "cgitb",
            "chunk",
            "crypt",
            "imghdr",
            "lib2to3",
            "mailcap",
            "nntplib",
            "pipes",
            "sndhdr",
            "spwd",
            "sunau",
            "telnetlib",
            "uu",
            "xdrlib",
        ],
    ),
];

/// The finding about it.
pub(super) fn finding(snapshot: &Snapshot, failure: &Failure) -> Finding {
    let Some(module) = failure.missing_module.as_deref() else {
        let finding = Finding::error(ID, sentence(&failure.message));
        return stack::labels(finding, failure, "imported here").help(which_python(snapshot));
    };
    if failure.own_module {
        return target(snapshot, failure, module);
    }
    let finding = Finding::error(ID, format!("there is no module {module}"));
    let finding = stack::labels(finding, failure, "imported here");
    if let (Some(folder), Some(near)) = (&failure.folder, failure.nearest.first()) {
        // The target names a folder as if it were a package; modules in there import each other without.
        let target = &snapshot.target;
        let rest = target
            .spec
            .strip_prefix(&*target.module)
            .unwrap_or_default();
        return finding.help(format!(
            "it is in {folder}: name the app {near}{rest}, and add --app-dir {folder}"
        ));
    }
    let (top, below) = module
        .split_once('.')
        .map_or((module, None), |(top, below)| (top, Some(below)));
    let pip = format!("{} -m pip install", executable(snapshot));
    let finding = if let Some((python, _)) = REMOVED.iter().find(|(_, names)| names.contains(&top))
    {
        finding.help(format!(
            "{top} left the standard library with Python {python}: replace it, or choose an older Python"
        ))
    } else if top == "tomllib" {
        finding
            .help("tomllib came with Python 3.11: choose a newer Python, or use the package tomli")
    } else if let Some(near) = failure.nearest.first() {
        let finding = finding.help(format!("did you mean {near}?"));
        // What is missing in a package that is there is not installed by its name.
        if below.is_some() {
            finding
        } else {
            finding.help(format!(
                "if it is a package of others, install it: {pip} {}",
                distribution(top)
            ))
        }
    } else if let Some(below) = below {
        finding.help(format!(
            "{top} is there and has no {below}: is it the version that the app needs? {pip} --upgrade {}",
            distribution(top)
        ))
    } else {
        finding.help(format!("install it: {pip} {}", distribution(top)))
    };
    finding.help(which_python(snapshot))
}

/// The module that the target names, or a package around it.
fn target(snapshot: &Snapshot, failure: &Failure, module: &str) -> Finding {
    let finding = Finding::error(ID, sentence(&failure.message));
    let finding = match failure.nearest.first() {
        Some(near) => {
            let rest = snapshot
                .target
                .spec
                .strip_prefix(module)
                .unwrap_or_default();
            finding.help(format!("did you mean {near}{rest}?"))
        }
        None => finding,
    };
    match &failure.folder {
        Some(folder) => finding.help(format!("it is in {folder}: add --app-dir {folder}")),
        None => finding.help(
            "modules are looked for in the working directory first; another folder: --app-dir DIR",
        ),
    }
}

fn distribution(module: &str) -> &str {
    DISTRIBUTIONS
        .iter()
        .find(|(name, _)| *name == module)
        .map_or(module, |(_, distribution)| distribution)
}

fn which_python(snapshot: &Snapshot) -> String {
    let version = &snapshot.python.version;
    let version = if version.is_empty() {
        String::new()
    } else {
        format!(" (Python {version})")
    };
    format!(
        "the app was imported by {}{version}; choose another interpreter with --python",
        executable(snapshot)
    )
}
