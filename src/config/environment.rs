//! The environment layer: `POUNCE_*` and `CHIRP_*` variables, an env file below them.

mod kubernetes;
mod railway;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::field::{CHIRP, Field, Product, Secrecy};
use super::foreign::counterpart;
use super::kind::Kind;
use super::nearest::nearest;
use super::origin::{Entry, Layer, Origin};
use super::problem::{Problem, ProblemKind, Weight};
use super::secrets;
use super::source::{Place, Sources};
use super::value::{Mistake, Value};

/// Name of the text that variables are shown in.
pub const SOURCE_NAME: &str = "environment";

/// Variables that name no field but mean something: the app and its folder.
const BESIDE: [&str; 2] = ["APP", "APP_DIR"];

/// A variable that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its value.
    pub value: String,
    /// Env file and line, where it comes from one.
    pub file: Option<(PathBuf, usize)>,
}

/// The variables of a process, and those of an env file below them.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    known: BTreeMap<String, Variable>,
    unreadable: Vec<String>,
}

impl Variables {
    /// The variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::from_pairs(std::env::vars_os())
    }

    /// Variables given as pairs; those that are not UTF-8 are remembered by name only.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut variables = Self::default();
        for (name, value) in pairs {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => {
                    variables.known.insert(name, Variable { value, file: None });
                }
                Err(_) => variables.unreadable.push(name),
            }
        }
        variables
    }

    /// Adds variables below those that are there: the process wins over an env file.
    pub fn add_below(
        &mut self,
        path: &Path,
        entries: impl IntoIterator<Item = (String, String, usize)>,
    ) {
        for (name, value, line) in entries {
            let file = Some((path.to_path_buf(), line));
            self.known.entry(name).or_insert(Variable { value, file });
        }
    }

    /// Adds variables above those that are there.
    pub fn add_above(&mut self, entries: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in entries {
            self.known.insert(name, Variable { value, file: None });
        }
    }

    /// A variable by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.known.get(name)
    }

    /// Every value that is a secret by the name of its variable, whoever it is for: apps put them
    /// into messages. Numbers and short words are left alone, they stand in too many innocent places.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        const LEAST: usize = 8;
        // A shell's working directory is a `pwd`, and no password.
        const FOLDERS: [&str; 2] = ["PWD", "OLDPWD"];
        self.known
            .iter()
            .filter(|(name, _)| secrets::is_secret_name(name) && !FOLDERS.contains(&name.as_str()))
            .map(|(_, variable)| variable.value.as_str())
            .filter(|value| value.len() >= LEAST && value.parse::<f64>().is_err())
    }
}

/// What the environment says.
#[derive(Debug, Default)]
pub struct EnvironmentLayer {
    /// Fields.
    pub entries: Vec<Entry>,
    /// `POUNCE_APP` and `POUNCE_APP_DIR`, by the name of the key.
    pub beside: BTreeMap<&'static str, (String, Origin)>,
}

/// Reads the variables with the product's prefix (or `prefix`, for `AppConfig.from_env`).
pub fn read(
    product: &'static Product,
    fields: &'static [Field],
    prefix: &str,
    variables: &Variables,
    sources: &mut Sources,
    problems: &mut Vec<Problem>,
) -> EnvironmentLayer {
    let mut reader = Reader {
        product,
        fields,
        prefix,
        sources,
        problems,
        layer: EnvironmentLayer::default(),
        features: BTreeMap::new(),
    };
    for name in variables
        .unreadable
        .iter()
        .filter(|name| name.starts_with(prefix))
    {
        let place = reader.show(name, "�", false, None);
        reader.problems.push(
            Problem::error(format!("{name} is not valid UTF-8"))
                .at(place, "its value cannot be read")
                .help("set it to text in UTF-8, or unset it"),
        );
    }
    for (name, variable) in &variables.known {
        if let Some(suffix) = name.strip_prefix(prefix) {
            reader.variable(name, suffix, variable);
        }
    }
    reader.finish_features();
    if *product == CHIRP {
        reader.railway(variables);
    }
    reader.layer
}

struct Reader<'a> {
    product: &'static Product,
    fields: &'static [Field],
    prefix: &'a str,
    sources: &'a mut Sources,
    problems: &'a mut Vec<Problem>,
    layer: EnvironmentLayer,
    features: BTreeMap<String, (bool, Origin)>,
}

impl Reader<'_> {
    /// Registers `NAME=value` as a text of its own and returns its place.
    fn show(
        &mut self,
        name: &str,
        value: &str,
        secret: bool,
        file: Option<&(PathBuf, usize)>,
    ) -> Place {
        if let Some((path, line)) = file
            && let Some(source) = self.sources.open(path)
        {
            secrets::mask_env_file(self.sources, source);
            return line_place(self.sources, source, *line);
        }
        let text = format!("{name}={value}");
        let whole = 0..text.len();
        let source = self.sources.add(SOURCE_NAME, text);
        let at = name.len() + 1;
        if secret {
            self.sources.mask(source, at..whole.end);
        }
        Place {
            source,
            span: whole,
        }
    }

    fn origin(&mut self, name: &str, value: &str, secret: bool, variable: &Variable) -> Origin {
        Origin {
            layer: Layer::Environment,
            name: match &variable.file {
                Some((path, line)) => {
                    format!("{name} in {}:{line}", super::source::display_path(path))
                }
                None => name.to_owned(),
            },
            place: Some(self.show(name, value, secret, variable.file.as_ref())),
        }
    }

    fn variable(&mut self, name: &str, suffix: &str, variable: &Variable) {
        let value = variable.value.as_str();
        if let Some(why) = kubernetes::injected(suffix, value) {
            let place = self.show(name, value, false, None);
            let mut problem = Problem::warning(format!("{name} comes from Kubernetes and is ignored"))
                .kind(ProblemKind::UnknownVariable)
                .at(place, why)
                .help(format!(
                    "nothing to do; to be rid of it, rename the Service or set enableServiceLinks: false \
                     (to set this field for real, use a flag or {})",
                    self.product.file
                ));
            problem.weight = Weight::Note;
            self.problems.push(problem);
            return;
        }
        if let Some(feature) = suffix.strip_prefix("FEATURE_")
            && *self.product == CHIRP
            && !feature.is_empty()
        {
            return self.feature(name, feature, variable);
        }
        if let Some(key) = BESIDE.iter().find(|key| **key == suffix)
            && *self.product != CHIRP
        {
            let origin = self.origin(name, value, false, variable);
            let key = if *key == "APP" { "app" } else { "app_dir" };
            self.layer.beside.insert(key, (value.to_owned(), origin));
            return;
        }
        let known = self.fields.iter().position(|field| {
            suffix == field.name.to_ascii_uppercase() && field.kind != Kind::Flags
        });
        match known {
            Some(index) => self.known(index, name, variable),
            None => self.unknown(name, suffix, variable),
        }
    }

    fn known(&mut self, index: usize, name: &str, variable: &Variable) {
        let field = &self.fields[index];
        let secret = field.secrecy == Secrecy::Secret;
        let origin = self.origin(name, &variable.value, secret, variable);
        if field.derived {
            self.problems.push(
                Problem::error(format!("{name} cannot be set"))
                    .field(field.name)
                    .at(origin.place, "this field is derived from others"),
            );
            return;
        }
        let value = field.parse(&variable.value);
        self.entry(index, name, value, origin);
    }

    /// A value for a field, or the mistake that it is.
    fn entry(&mut self, index: usize, name: &str, value: Result<Value, Mistake>, origin: Origin) {
        let field = &self.fields[index];
        let value = match value {
            Ok(value) => Some(value),
            Err(mistake) => {
                self.problems.extend(mistake.each().map(|mistake| {
                    Problem::of_mistake(name, field, mistake, origin.place.clone())
                }));
                None
            }
        };
        self.layer.entries.push(Entry {
            field: index,
            value,
            origin,
            alias: None,
        });
    }

    fn unknown(&mut self, name: &str, suffix: &str, variable: &Variable) {
        if self.prefix.is_empty() {
            // Without a prefix every variable of the process comes by.
            return;
        }
        let names: Vec<String> = self
            .fields
            .iter()
            .map(|field| field.name.to_ascii_uppercase())
            .collect();
        let near = nearest(suffix, names.iter().map(String::as_str));
        let foreign = counterpart(suffix, self.fields);
        // What a stranger's variable holds is nobody's business: only slips are shown.
        let secret = (near.is_none() && foreign.is_none()) || secrets::is_secret_name(suffix);
        let place = self.show(name, &variable.value, secret, variable.file.as_ref());
        let label = match (&foreign, near) {
            (Some(foreign), _) => foreign.said(|field| field.variable(self.prefix)),
            (None, Some(near)) => format!("did you mean {}{near}?", self.prefix),
            (None, None) => format!("no field of {} has this name", self.product.class),
        };
        self.problems.push(
            Problem::warning(format!("unknown variable {name}"))
                .kind(ProblemKind::UnknownVariable)
                .at(place, label)
                .note(foreign.map_or("", |foreign| foreign.note)),
        );
    }

    fn feature(&mut self, name: &str, feature: &str, variable: &Variable) {
        let secret = secrets::is_secret_name(feature);
        let origin = self.origin(name, &variable.value, secret, variable);
        match Kind::Bool.parse(&variable.value) {
            Ok(Value::Bool(on)) => {
                let feature = feature.to_ascii_lowercase().replace('_', "-");
                self.features.insert(feature, (on, origin));
            }
            Ok(_) => {}
            Err(mistake) => {
                let mistake = if secret {
                    secrets::hide_value(mistake)
                } else {
                    secrets::hide_user_information(mistake)
                };
                self.problems.push(
                    Problem {
                        help: mistake.help,
                        ..Problem::error(format!("{name} must be {}", mistake.expected))
                    }
                    .field("feature_flags")
                    .at(origin.place, mistake.found),
                );
            }
        }
    }

    fn finish_features(&mut self) {
        let Some(index) = self
            .fields
            .iter()
            .position(|field| field.kind == Kind::Flags)
        else {
            return;
        };
        let features = std::mem::take(&mut self.features);
        let Some((_, (_, first))) = features.first_key_value() else {
            return;
        };
        let origin = Origin {
            name: format!("{}FEATURE_*", self.prefix),
            ..first.clone()
        };
        let flags = features
            .into_iter()
            .map(|(name, (on, _))| (name, on))
            .collect();
        self.layer.entries.push(Entry {
            field: index,
            value: Some(Value::Flags(flags)),
            origin,
            alias: None,
        });
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }
}

fn line_place(sources: &Sources, source: super::source::SourceId, line: usize) -> Place {
    let text = sources.get(source).raw();
    let start = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    let length = text[start..].lines().next().map_or(0, str::len);
    Place {
        source,
        span: start..start + length,
    }
}
