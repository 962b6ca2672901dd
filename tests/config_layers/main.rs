//! The layers of a configuration, as files, variables, keywords and flags really give them.

#![cfg(test)]
#![cfg(unix)]

mod environment;
mod files;
mod layers;
mod mistakes;
#[path = "../machine/privileges.rs"]
mod privileges;
mod secrets;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use pounce_core::config::environment::Variables;
use pounce_core::config::file::Wanted;
use pounce_core::config::flags::{CommandLine, Given};
use pounce_core::config::keywords::Keyword;
use pounce_core::config::{
    AppConfig, Inputs, Model, Place, Problem, Resolved, ServerConfig, Sources, Weight, env_file,
    resolve,
};
use tempfile::TempDir;

/// A working directory, an environment and a command line.
struct World {
    folder: TempDir,
    variables: Vec<(OsString, OsString)>,
    env_file: Option<PathBuf>,
    config: Option<PathBuf>,
    keywords: Vec<(&'static str, serde_json::Value)>,
    words: Vec<String>,
    flags: Vec<(&'static str, &'static str, Vec<String>)>,
}

impl World {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            variables: Vec::new(),
            env_file: None,
            config: None,
            keywords: Vec::new(),
            words: Vec::new(),
            flags: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.path(name), content).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    fn env_file(mut self, name: &str) -> Self {
        self.env_file = Some(self.path(name));
        self
    }

    /// `--config NAME`.
    fn config(mut self, name: &str) -> Self {
        self.config = Some(self.path(name));
        self.words.push("--config".into());
        self.words.push(name.into());
        self
    }

    fn keyword(mut self, name: &'static str, value: serde_json::Value) -> Self {
        self.keywords.push((name, value));
        self
    }

    /// `--flag VALUE` for a field.
    fn flag(mut self, field: &'static str, flag: &'static str, value: &str) -> Self {
        self.words.push(format!("--{flag}"));
        self.words.push(value.to_owned());
        self.flags.push((field, flag, vec![value.to_owned()]));
        self
    }

    fn server(self) -> Outcome<ServerConfig> {
        self.resolve()
    }

    fn app(self) -> Outcome<AppConfig> {
        self.resolve()
    }

    fn resolve<M: Model>(self) -> Outcome<M> {
        let mut sources = Sources::default();
        let line = CommandLine::new(&mut sources, M::PRODUCT.name, &self.words);
        let mut early = Vec::new();
        let mut variables = Variables::from_pairs(self.variables);
        if let Some(path) = &self.env_file {
            env_file::read(path, None, &mut variables, &mut sources, &mut early);
        }
        let code: Vec<_> = self
            .keywords
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let code = format!("Config({})", code.join(", "));
        let python = sources.add("shop.py", code.as_str());
        let keywords = self.keywords.into_iter().map(|(name, value)| {
            let written = format!("{name}={value}");
            let start = code.find(&written).unwrap();
            Keyword {
                name: name.into(),
                value,
                place: Some(Place {
                    source: python,
                    span: start..start + written.len(),
                }),
                from: "shop.py:1".into(),
            }
        });
        let inputs = Inputs {
            file: match self.config {
                Some(path) => Wanted::Named {
                    path,
                    place: line.flag("config", true, 0),
                },
                None => Wanted::Found {
                    directory: self.folder.path().to_path_buf(),
                },
            },
            keywords: keywords.collect(),
            variables: Some(variables),
            flags: self
                .flags
                .into_iter()
                .map(|(field, flag, texts)| Given {
                    field,
                    place: line.flag(flag, true, 0),
                    texts,
                    written: format!("--{flag}"),
                })
                .collect(),
            ..Inputs::default()
        };
        let mut resolved = resolve::<M>(&inputs, &mut sources);
        early.append(&mut resolved.problems);
        resolved.problems = early;
        Outcome {
            resolved,
            sources,
            folder: self.folder,
        }
    }
}

/// What came out.
struct Outcome<M> {
    resolved: Resolved<M>,
    sources: Sources,
    folder: TempDir,
}

impl<M: Model> Outcome<M> {
    /// Weight and message of every mistake, without the temporary folder.
    fn problems(&self) -> Vec<String> {
        let folder = format!("{}/", self.folder.path().display());
        let problems = self.resolved.problems.iter();
        problems
            .map(|problem| {
                let weight = match problem.weight {
                    Weight::Error => "error",
                    Weight::Warning => "warning",
                    Weight::Note => "note",
                };
                format!("{weight}: {}", problem.message.replace(&folder, ""))
            })
            .collect()
    }

    /// The only mistake there is.
    fn only(&self) -> &Problem {
        assert_eq!(self.resolved.problems.len(), 1, "{:#?}", self.problems());
        &self.resolved.problems[0]
    }

    /// What the labels of a mistake point at, as file name, shown text and remark.
    fn labels(&self, problem: &Problem) -> Vec<(String, String, String)> {
        let labels = problem.labels.iter();
        labels
            .map(|label| {
                let source = self.sources.get(label.place.source);
                let shown = source.shown();
                let span = shown.span(&label.place.span);
                let name = Path::new(&source.name).file_name().unwrap();
                (
                    name.to_str().unwrap().to_owned(),
                    shown.text[span].to_owned(),
                    label.text.clone(),
                )
            })
            .collect()
    }

    /// Where the setting came from, without the temporary folder.
    fn origin(&self, field: &str) -> String {
        let folder = format!("{}/", self.folder.path().display());
        self.resolved
            .setting(field)
            .origin
            .name
            .replace(&folder, "")
    }

    /// Everything that a report could show.
    fn everything(&self) -> String {
        let texts = self.sources.iter().map(|source| source.shown().text);
        let problems = self
            .resolved
            .problems
            .iter()
            .map(|problem| format!("{problem:?}"));
        texts.chain(problems).collect::<Vec<_>>().join("\n")
    }
}

/// The labels of a mistake, borrowed, to compare with literals.
fn literal(labels: &[(String, String, String)]) -> Vec<(&str, &str, &str)> {
    let labels = labels.iter();
    labels
        .map(|(file, text, remark)| (file.as_str(), text.as_str(), remark.as_str()))
        .collect()
}
