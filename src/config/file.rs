//! The file layer: pounce.toml, chirp.toml, or a table of pyproject.toml.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::field::{CHIRP, Field, Product};
use super::nearest::nearest;
use super::origin::{Entry, Layer, Origin};
use super::problem::{Problem, Weight};
use super::secrets;
use super::source::{Place, SourceId, Sources, display_path};
use super::value::{Mistake, Part, Raw};

/// Name of the table with settings of the preflight.
const CHECK: &str = "check";

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
            if !path.exists() {
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
                Some(source) => parse(product, fields, path, source, table, sources, problems),
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
    // A pyproject.toml that is broken or unreadable is other tools' to report, unless it may be ours.
    let shared = if pyproject.is_file() {
        let mut ignored = Vec::new();
        open(&pyproject, None, sources, &mut ignored).and_then(|source| {
            table_place(sources, source, product.name).map(|span| (source, span))
        })
    } else {
        None
    };
    if own.exists() {
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
            Some(source) => parse(product, fields, &own, source, None, sources, problems),
            None => FileLayer::default(),
        };
    }
    match shared {
        Some((source, _)) => parse(
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
            problems.push(
                Problem::error(format!("{shown} cannot be read: {}", reason(&error)))
                    .at(named.cloned(), "named here")
                    .help("check its owner and permissions"),
            );
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

fn parse(
    product: &'static Product,
    fields: &'static [Field],
    path: &Path,
    source: SourceId,
    table: Option<&str>,
    sources: &mut Sources,
    problems: &mut Vec<Problem>,
) -> FileLayer {
    let text = sources.get(source).raw().to_owned();
    let (document, errors) = DeTable::parse_recoverable(&text);
    let mut broken = Vec::new();
    if !errors.is_empty() {
        // The parser does not tell where values end once it stumbled: hide by lines.
        secrets::mask_assignments(sources, source);
    }
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        broken.push(lines_of(&text, &span));
        let place = Place {
            source,
            span: visible(&text, span),
        };
        problems.push(
            Problem::error(format!("{} is not valid TOML", display_path(path)))
                .at(place, error.message().to_owned())
                .help(syntax_help(&text, error)),
        );
    }
    let mut reader = Reader {
        product,
        fields,
        path,
        source,
        sources,
        layer: FileLayer {
            path: Some(path.to_path_buf()),
            ..FileLayer::default()
        },
        problems: Vec::new(),
    };
    let settings = match table {
        None => Some(document.get_ref()),
        Some(name) => document
            .get_ref()
            .get("tool")
            .and_then(|tool| tool.get_ref().as_table())
            .and_then(|tool| tool.get(name))
            .and_then(|table| table.get_ref().as_table()),
    };
    reader.mask(document.get_ref());
    if let Some(settings) = settings {
        reader.table(settings);
    }
    let Reader {
        layer,
        problems: found,
        ..
    } = reader;
    // A line that is broken says nothing reliable about its key.
    problems.extend(found.into_iter().filter(|problem| {
        problem.labels.first().is_none_or(|label| {
            !broken
                .iter()
                .any(|lines| lines.contains(&label.place.span.start))
        })
    }));
    layer
}

fn lines_of(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text[..span.start.min(text.len())]
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let end = text[span.end.min(text.len())..]
        .find('\n')
        .map_or(text.len(), |at| span.end + at);
    start..end.max(start + 1)
}

/// A span that can be seen: an empty one, or the end of a line, becomes the character before it.
fn visible(text: &str, span: Range<usize>) -> Range<usize> {
    let start = span.start.min(text.len());
    if span.end > start && !text[start..span.end.min(text.len())].trim().is_empty() {
        return start..span.end.min(text.len());
    }
    let before = text[..start].trim_end();
    let from = before.char_indices().next_back().map_or(0, |(at, _)| at);
    from..before.len()
}

fn syntax_help(text: &str, error: &toml::de::Error) -> String {
    let span = error.span().unwrap_or(0..0);
    let lines = lines_of(text, &span);
    let line = text[lines.start..lines.end.min(text.len())].trim();
    let value = line.split_once('=').map(|(_, value)| value.trim());
    if error.message().contains("duplicate") {
        return "keep one of the two".into();
    }
    match value {
        Some("True" | "False" | "TRUE" | "FALSE" | "yes" | "no" | "on" | "off") => {
            "TOML writes booleans as true and false".into()
        }
        Some("None" | "null" | "none" | "nil") => {
            "TOML has no null: leave the key out to unset it".into()
        }
        Some(value)
            if value.starts_with(|first: char| first.is_alphabetic() || first == '/')
                && !value.contains('"') =>
        {
            "texts stand in double quotes".into()
        }
        _ => "see https://toml.io for the syntax".into(),
    }
}

struct Reader<'a> {
    product: &'static Product,
    fields: &'static [Field],
    path: &'a Path,
    source: SourceId,
    sources: &'a mut Sources,
    layer: FileLayer,
    problems: Vec<Problem>,
}

type Key<'a> = Spanned<toml::de::DeString<'a>>;
type Item<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        Place {
            source: self.source,
            span,
        }
    }

    /// Hides every secret of the document, ours or a stranger's.
    fn mask(&mut self, table: &DeTable<'_>) {
        for (key, item) in table {
            if secrets::is_secret_name(key.get_ref()) {
                let span = item.span();
                let inner = if item.get_ref().is_str() && span.len() >= 2 {
                    span.start + 1..span.end - 1
                } else {
                    span
                };
                self.sources.mask(self.source, inner);
            } else if let Some(table) = item.get_ref().as_table() {
                self.mask(table);
            } else {
                let span = item.span();
                let text = self.sources.get(self.source).raw()[span.clone()].to_owned();
                for part in secrets::user_information(&text) {
                    self.sources
                        .mask(self.source, span.start + part.start..span.start + part.end);
                }
            }
        }
    }

    fn table(&mut self, table: &DeTable<'_>) {
        let mut items: Vec<_> = table.iter().collect();
        items.sort_by_key(|(key, _)| key.span().start);
        for (key, item) in items {
            let name = key.get_ref().as_ref();
            let known = self
                .fields
                .iter()
                .position(|field| field.name == name || field.alias == Some(name));
            match (known, name) {
                (Some(index), _) => self.field(index, key, item),
                (None, CHECK) => self.check(item),
                (None, "app" | "app_dir") if *self.product != CHIRP => self.beside(key, item),
                (None, _) => self.unknown(key, item),
            }
        }
    }

    fn origin(&self, key: &Key<'_>, item: &Item<'_>) -> Origin {
        let source = self.sources.get(self.source);
        let start = key.span().start;
        let (line, _) = source.line_column(start);
        let end = item.span().end;
        Origin {
            layer: Layer::File,
            name: format!("{}:{line}", display_path(self.path)),
            // A table that is filled by headers or dotted keys ends anywhere: point at the key.
            place: Some(
                self.place(if end > start && !source.raw()[start..end].contains('\n') {
                    start..end
                } else {
                    key.span()
                }),
            ),
        }
    }

    fn field(&mut self, index: usize, key: &Key<'_>, item: &Item<'_>) {
        let field = &self.fields[index];
        let origin = self.origin(key, item);
        let alias = (field.name != key.get_ref().as_ref())
            .then_some(field.alias)
            .flatten();
        if field.derived {
            self.problems.push(
                Problem::error(format!("`{}` cannot be set", field.name))
                    .field(field.name)
                    .at(self.place(key.span()), "this field is derived from others")
                    .help("remove the line"),
            );
            return;
        }
        let mut raw = raw(item.get_ref());
        if alias.is_some() && matches!(raw, Raw::Text(_)) {
            // The old name took one folder.
            raw = Raw::List(vec![raw]);
        }
        let value = field
            .kind
            .read(&raw)
            .and_then(|value| (field.check)(&value).map(|()| value));
        let value = match value {
            Ok(value) => Some(value),
            Err(mistake) => {
                let span = part_span(item, mistake.part.as_ref());
                self.wrong(field, mistake, span);
                None
            }
        };
        self.layer.entries.push(Entry {
            field: index,
            value,
            origin,
            alias,
        });
    }

    fn wrong(&mut self, field: &Field, mistake: Mistake, span: Range<usize>) {
        let mistake = secrets::hide_in(field, mistake);
        self.problems.push(
            Problem {
                help: mistake.help,
                ..Problem::error(format!("`{}` must be {}", field.name, mistake.expected))
            }
            .field(field.name)
            .at(self.place(span), mistake.found),
        );
    }

    fn beside(&mut self, key: &Key<'_>, item: &Item<'_>) {
        let name = if key.get_ref().as_ref() == "app" {
            "app"
        } else {
            "app_dir"
        };
        match item.get_ref().as_str() {
            Some(text) if !text.is_empty() => {
                let origin = self.origin(key, item);
                self.layer.beside.insert(name, (text.to_owned(), origin));
            }
            _ => self.problems.push(
                Problem::error(format!("`{name}` must be a text that is not empty"))
                    .field(name)
                    .at(
                        self.place(item.span()),
                        format!("found {}", raw(item.get_ref()).describe()),
                    ),
            ),
        }
    }

    fn check(&mut self, item: &Item<'_>) {
        let Some(table) = item.get_ref().as_table() else {
            self.problems.push(
                Problem::error("`check` must be a table")
                    .field(CHECK)
                    .at(self.place(item.span()), "settings of the preflight")
                    .help("write check = { ignore = [\"RULE\"] }"),
            );
            return;
        };
        for (name, item) in table {
            match (name.get_ref().as_ref(), item.get_ref()) {
                ("ignore", DeValue::Array(rules)) => {
                    for rule in rules {
                        let place = self.place(rule.span());
                        match rule.get_ref().as_str() {
                            Some(text) => self.layer.check.ignore.push((text.to_owned(), place)),
                            None => self.problems.push(
                                Problem::error("`check.ignore` must be a list of rule names")
                                    .field(CHECK)
                                    .at(place, "this is none"),
                            ),
                        }
                    }
                }
                ("warnings_as_errors", DeValue::Boolean(on)) => {
                    self.layer.check.warnings_as_errors = *on;
                }
                ("include_info", DeValue::Boolean(on)) => self.layer.check.include_info = *on,
                (known @ ("ignore" | "warnings_as_errors" | "include_info"), _) => {
                    let expected = if known == "ignore" {
                        "a list of rule names"
                    } else {
                        "true or false"
                    };
                    self.problems.push(
                        Problem::error(format!("`check.{known}` must be {expected}"))
                            .field(CHECK)
                            .at(
                                self.place(item.span()),
                                format!("found {}", raw(item.get_ref()).describe()),
                            ),
                    );
                }
                (other, _) => {
                    let near = nearest(other, ["ignore", "warnings_as_errors", "include_info"]);
                    self.problems.push(
                        Problem::error(format!("unknown key `check.{other}`"))
                            .field(CHECK)
                            .at(self.place(name.span()), did_you_mean(near)),
                    );
                }
            }
        }
    }

    fn unknown(&mut self, key: &Key<'_>, item: &Item<'_>) {
        let name = key.get_ref().as_ref();
        let names = self
            .fields
            .iter()
            .filter(|field| !field.derived)
            .map(|field| field.name)
            .chain(std::iter::once(CHECK))
            .chain(
                (*self.product != CHIRP)
                    .then_some(["app", "app_dir"])
                    .into_iter()
                    .flatten(),
            );
        let table = item.get_ref().as_table();
        let around = table.is_some_and(|table| {
            table.iter().any(|(key, _)| {
                self.fields
                    .iter()
                    .any(|field| field.name == key.get_ref().as_ref())
            })
        });
        let near = nearest(&name.replace('-', "_"), names).filter(|_| !around);
        let mut problem = Problem::error(format!("unknown key `{name}`"))
            .at(self.place(key.span()), did_you_mean(near));
        if around {
            problem = problem.help("the settings stand at the top, without a table around them");
        } else if near.is_none() && name == "tool" && table.is_some() {
            problem = problem.help(format!(
                "in {} the settings stand at the top; [tool.{}] belongs into pyproject.toml",
                self.product.file, self.product.name
            ));
        } else if near.is_none() {
            problem = problem.help(format!(
                "{} config schema --output-format toml-template lists every key",
                self.product.name
            ));
        }
        self.problems.push(problem);
    }
}

fn did_you_mean(near: Option<&str>) -> String {
    match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "no setting has this name".into(),
    }
}

fn part_span(item: &Item<'_>, part: Option<&Part>) -> Range<usize> {
    match (part, item.get_ref()) {
        (Some(Part::Item(index)), DeValue::Array(items)) => {
            items.get(*index).map_or_else(|| item.span(), Spanned::span)
        }
        (Some(Part::Key(key)), DeValue::Table(table)) => table
            .iter()
            .find(|(name, _)| name.get_ref().as_ref() == key)
            .map_or_else(
                || item.span(),
                |(name, value)| name.span().start..value.span().end,
            ),
        _ => item.span(),
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => {
            let digits = number.as_str();
            i64::from_str_radix(digits, number.radix()).map_or(
                Raw::Other("a number beyond 64 bits"),
                |value| Raw::Integer {
                    value,
                    decimal: number.radix() == 10,
                },
            )
        }
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map_or(Raw::Other("an unreadable number"), Raw::Float),
        DeValue::Boolean(value) => Raw::Bool(*value),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Array(items) => Raw::List(items.iter().map(|item| raw(item.get_ref())).collect()),
        DeValue::Table(table) => Raw::Table(
            table
                .iter()
                .map(|(key, item)| (key.get_ref().to_string(), raw(item.get_ref())))
                .collect(),
        ),
    }
}

/// Whether any of these mistakes leaves no valid configuration.
#[must_use]
pub fn has_errors(problems: &[Problem]) -> bool {
    problems
        .iter()
        .any(|problem| problem.weight == Weight::Error)
}
