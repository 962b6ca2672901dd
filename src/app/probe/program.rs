//! The probe's Python program, carried inside the binary.

use std::collections::BTreeMap;

use serde::Serialize;

/// Text given to `python -c`.
pub(super) const BOOTSTRAP: &str = include_str!("bootstrap.py");

/// Name under which the program's package is imported in the child.
const PACKAGE: &str = "_pounce_probe";

macro_rules! embedded {
    ($($path:literal),* $(,)?) => {
        /// The files of `python/pounce_rs/probe/`: path below it and text.
        const FILES: &[(&str, &str)] =
            &[$(($path, include_str!(concat!("../../../python/pounce_rs/probe/", $path)))),*];
    };
}

embedded![
    "__init__.py",
    "asgi.py",
    "callables.py",
    "configuration.py",
    "document.py",
    "failures.py",
    "frameworks/__init__.py",
    "frameworks/bengal_chirp.py",
    "frameworks/chirp.py",
    "frameworks/django.py",
    "frameworks/generic.py",
    "frameworks/litestar.py",
    "frameworks/middleware.py",
    "frameworks/quart.py",
    "frameworks/starlette.py",
    "frameworks/view.py",
    "import_watch.py",
    "keywords.py",
    "launch.py",
    "masks.py",
    "ownership.py",
    "positions.py",
    "recording.py",
    "redaction.py",
    "resolve.py",
    "session.py",
    "sources.py",
    "values.py",
];

/// The modules by name, each with its path and text.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Modules(BTreeMap<String, (&'static str, &'static str)>);

/// The whole program.
pub(super) fn modules() -> Modules {
    let named = FILES
        .iter()
        .map(|(path, text)| (module_name(path), (*path, *text)));
    Modules(named.collect())
}

/// A number that changes with any file of the program: compiled code is kept under it.
pub(super) fn digest() -> String {
    let bytes = FILES
        .iter()
        .flat_map(|(path, text)| path.bytes().chain(text.bytes()));
    // FNV-1a, 64 bits
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

fn module_name(path: &str) -> String {
    let stem = path.strip_suffix(".py").unwrap_or(path);
    let stem = stem
        .strip_suffix("__init__")
        .unwrap_or(stem)
        .trim_end_matches('/');
    if stem.is_empty() {
        PACKAGE.to_owned()
    } else {
        format!("{PACKAGE}.{}", stem.replace('/', "."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    fn python_files(folder: &Path, below: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                python_files(&path, below, found);
            } else if path.extension().is_some_and(|extension| extension == "py") {
                found.push(
                    path.strip_prefix(below)
                        .unwrap()
                        .to_string_lossy()
                        .replace('\\', "/"),
                );
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/pounce_rs/probe");
        let mut found = Vec::new();
        python_files(&folder, &folder, &mut found);
        found.sort();
        let embedded: Vec<_> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(embedded, found);
    }

    #[test]
    fn packages_are_named_by_their_folder() {
        assert_eq!(module_name("__init__.py"), "_pounce_probe");
        assert_eq!(
            module_name("frameworks/__init__.py"),
            "_pounce_probe.frameworks"
        );
        assert_eq!(
            module_name("frameworks/django.py"),
            "_pounce_probe.frameworks.django"
        );
    }
}
