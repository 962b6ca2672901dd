//! The file layer: pounce.toml, chirp.toml, or a table of pyproject.toml.

mod document;
mod syntax;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::field::{Field, Product};
use super::origin::{Entry, Origin};
use super::problem::{Problem, Weight};
use super::secrets;
use super::source::{Place, SourceId, Sources, display_path};

/// Settings of the preflight: the table `[check]`.
#[derive(Debug, Clone, Default)]
pub struct CheckTable {
    /// Rules that stay silent, each with its place.
    pub ignore: Vec<(String, Place)>,
    /// Fail on warnings too.
    pub warnings_as_errors: bool,
    /// Report notes too.
    pub include_info: bool,
}

/// What a file says.
#[derive(Debug, Default)]
pub struct FileLayer {
    /// The file that was read.
    pub path: Option<PathBuf>,
    /// Fields.
    pub entries: Vec<Entry>,
    /// `app` and `app_dir`.
    pub beside: BTreeMap<&'static str, (String, Origin)>,
    /// `[check]`.
    pub check: CheckTable,
}

/// Which file to read.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// The one in the working directory, if there is one.
    Found {
        /// The working directory.
        directory: PathBuf,
    },
    /// This one, named at that place.
    Named {
        /// The file.
        path: PathBuf,
        /// Where it was named.
        place: Option<Place>,
    },
    /// None.
    Nothing,
}

/// Reads the file of a product.
pub fn read(
    product: &'static Product,
    fields: &'static [Field],
    wanted: &Wanted,
    sources: &mut Sources,
    problems: &mut Vec<Problem>,
) -> FileLayer {
    match wanted {
        Wanted::Nothing => FileLayer::default(),
        Wanted::Named { path, place } => {
            if !is_there(path) {
                problems.push(
                    Problem::error(format!("there is no file {}", display_path(path)))
                        .at(place.clone(), "named here")
                        .help(format!(
                            "check the path, or write one: {} config schema --output-format toml-template > {}",
                            product.name, product.file
                        )),
                );
                return FileLayer::default();
            }
            let pyproject = path
                .file_name()
                .is_some_and(|name| name == "pyproject.toml");
            let table = pyproject.then_some(product.name);
            match open(path, place.as_ref(), sources, problems) {
                Some(source) => {
                    document::parse(product, fields, path, source, table, sources, problems)
                }
                None => FileLayer::default(),
            }
        }
        Wanted::Found { directory } => found(product, fields, directory, sources, problems),
    }
}

fn found(
    product: &'static Product,
    fields: &'static [Field],
    directory: &Path,
    sources: &mut Sources,
    problems: &mut Vec<Problem>,
) -> FileLayer {
    let own = directory.join(product.file);
    let pyproject = directory.join("pyproject.toml");
    let has_own = is_there(&own);
    let shared = if is_there(&pyproject) {
        let mut unreadable = Vec::new();
        let source = open(&pyproject, None, sources, &mut unreadable);
        // Beside a file of ours it is other tools' to report; else our table may stand in it.
        if !has_own {
            problems.append(&mut unreadable);
        }
        source.and_then(|source| {
            table_place(sources, source, product.name).map(|span| (source, span))
        })
    } else {
        None
    };
    if has_own {
        if let Some((source, span)) = shared {
            problems.push(
                Problem::warning(format!(
                    "[tool.{}] in pyproject.toml is not read: there is a {}",
                    product.name, product.file
                ))
                .at(Place { source, span }, "ignored")
                .help("keep one of the two"),
            );
        }
        return match open(&own, None, sources, problems) {
            Some(source) => document::parse(product, fields, &own, source, None, sources, problems),
            None => FileLayer::default(),
        };
    }
    match shared {
        Some((source, _)) => document::parse(
            product,
            fields,
            &pyproject,
            source,
            Some(product.name),
            sources,
            problems,
        ),
        None => FileLayer::default(),
    }
}

/// Whether a path names something; what cannot be looked at is there, and so is a broken link.
fn is_there(path: &Path) -> bool {
    !matches!(path.symlink_metadata(), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
}

/// Where `[tool.NAME]` stands, if it does.
fn table_place(sources: &Sources, source: SourceId, name: &str) -> Option<Range<usize>> {
    let text = sources.get(source).raw();
    let (document, _) = DeTable::parse_recoverable(text);
    let tool = document.get_ref().get("tool")?.get_ref().as_table()?;
    tool.iter()
        .find(|(key, _)| key.get_ref().as_ref() == name)
        .map(|(key, _)| key.span())
}

fn open(
    path: &Path,
    named: Option<&Place>,
    sources: &mut Sources,
    problems: &mut Vec<Problem>,
) -> Option<SourceId> {
    let shown = display_path(path);
    if path.is_dir() {
        problems.push(
            Problem::error(format!("{shown} is a folder, not a file"))
                .at(named.cloned(), "named here"),
        );
        return None;
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let problem = match std::fs::read_link(path) {
                Ok(goal) if error.kind() == std::io::ErrorKind::NotFound => {
                    Problem::error(format!(
                        "{shown} is a link to {}, which does not exist",
                        display_path(&goal)
                    ))
                    .help("put the file there, or remove the link")
                }
                _ => Problem::error(format!("{shown} cannot be read: {}", reason(&error)))
                    .help("check its owner and permissions"),
            };
            problems.push(problem.at(named.cloned(), "named here"));
            return None;
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => Some(sources.add_file(path, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let source = sources.add_file(path, text);
            secrets::mask_assignments(sources, source);
            let place = Place {
                source,
                // U+FFFD stands for the first bad byte; everything before it is unchanged.
                span: at..at + '\u{fffd}'.len_utf8(),
            };
            problems.push(
                Problem::error(format!("{shown} is not valid UTF-8"))
                    .at(place, format!("byte {at} of the file"))
                    .help("save the file as UTF-8"),
            );
            None
        }
    }
}

/// What went wrong, without the number of the error.
#[must_use]
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}

/// Whether any of these mistakes leaves no valid configuration.
#[must_use]
pub fn has_errors(problems: &[Problem]) -> bool {
    problems
        .iter()
        .any(|problem| problem.weight == Weight::Error)
}
