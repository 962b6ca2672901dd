//! A TOML document becomes entries: every key to its field, every mistake to its place.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{FileLayer, syntax};
use crate::config::field::{CHIRP, Field, Product};
use crate::config::foreign::counterpart;
use crate::config::nearest::nearest;
use crate::config::origin::{Entry, Layer, Origin};
use crate::config::problem::Problem;
use crate::config::secrets;
use crate::config::source::{Place, SourceId, Sources, display_path};
use crate::config::value::{Mistake, Part, Raw};

/// Name of the table with settings of the preflight.
const CHECK: &str = "check";

/// Reads the text of a file, or of its table `table`.
pub(super) fn parse(
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
    let mut broken: Vec<Range<usize>> = Vec::new();
    if !errors.is_empty() {
        // The parser does not tell where values end once it stumbled: hide by lines.
        secrets::mask_assignments(sources, source);
    }
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let lines = syntax::lines_of(&text, &span);
        // What else the parser says about a line follows from the first mistake in it.
        if broken.iter().any(|known| known.start == lines.start) {
            continue;
        }
        broken.push(lines);
        let place = Place {
            source,
            span: syntax::visible(&text, span),
        };
        problems.push(
            Problem::error(format!("{} is not valid TOML", display_path(path)))
                .at(place, error.message().to_owned())
                .help(syntax::help(&text, error)),
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
        Some(name) => reader.table_of(name, document.get_ref()),
    };
    secrets::mask_comments(reader.sources, source);
    reader.mask(document.get_ref(), false);
    if let Some(settings) = settings {
        reader.table(settings);
    }
    let Reader {
        layer,
        problems: found,
        ..
    } = reader;
    let mut layer = layer;
    // A line that is broken says nothing reliable about its key, and what the parser made of its value, which
    // may reach over lines that follow, is not what was meant.
    let is_broken = |place: &Place| {
        let mut lines = broken.iter();
        lines.any(|lines| lines.start <= place.span.end && place.span.start < lines.end)
    };
    for entry in &mut layer.entries {
        if entry.origin.place.as_ref().is_some_and(is_broken) {
            entry.value = None;
        }
    }
    problems.extend(found.into_iter().filter(|problem| {
        let first = problem.labels.first();
        first.is_none_or(|label| !is_broken(&label.place))
    }));
    layer
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

    /// Hides every secret of the document, ours or a stranger's, however deep it stands.
    fn mask(&mut self, table: &DeTable<'_>, secret: bool) {
        for (key, item) in table {
            self.mask_item(item, secret || secrets::is_secret_name(key.get_ref()));
        }
    }

    fn mask_item(&mut self, item: &Item<'_>, secret: bool) {
        match item.get_ref() {
            DeValue::Table(table) => self.mask(table, secret),
            DeValue::Array(items) => {
                for item in items {
                    self.mask_item(item, secret);
                }
            }
            DeValue::String(_) if secret && item.span().len() >= 2 => {
                let span = item.span();
                self.sources.mask(self.source, span.start + 1..span.end - 1);
            }
            _ if secret => self.sources.mask(self.source, item.span()),
            _ => {}
        }
    }

    /// `[tool.NAME]` of pyproject.toml.
    fn table_of<'d>(&mut self, name: &str, document: &'d DeTable<'d>) -> Option<&'d DeTable<'d>> {
        let tool = document
            .get("tool")
            .and_then(|tool| tool.get_ref().as_table());
        let Some(item) = tool.and_then(|tool| tool.get(name)) else {
            self.problems.push(
                Problem::warning(format!("{} has no [tool.{name}]", display_path(self.path)))
                    .at(self.place(0..0), "nothing is read from this file")
                    .help(format!("write the settings below [tool.{name}]")),
            );
            return None;
        };
        let table = item.get_ref().as_table();
        if table.is_none() {
            self.problems.push(
                Problem::error(format!("`tool.{name}` must be a table"))
                    .at(
                        self.place(item.span()),
                        format!("found {}", raw(item.get_ref()).describe()),
                    )
                    .help(format!("write the settings below [tool.{name}]")),
            );
        }
        table
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
        let value = match field.read(&raw) {
            Ok(value) => Some(value),
            Err(mistake) => {
                self.wrong(field, mistake, item);
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

    fn wrong(&mut self, field: &Field, mistake: Mistake, item: &Item<'_>) {
        let key = format!("`{}`", field.name);
        for mistake in mistake.each() {
            let place = self.place(part_span(item, mistake.part.as_ref()));
            self.problems
                .push(Problem::of_mistake(&key, field, mistake, place));
        }
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
        let wraps_settings = table.is_some_and(|table| {
            table.iter().any(|(key, _)| {
                self.fields
                    .iter()
                    .any(|field| field.name == key.get_ref().as_ref())
            })
        });
        if let Some(foreign) = counterpart(name, self.fields).filter(|_| !wraps_settings) {
            let said = foreign.said(|field| format!("`{}`", field.name));
            let problem =
                Problem::error(format!("unknown key `{name}`")).at(self.place(key.span()), said);
            self.problems.push(problem.note(foreign.note));
            return;
        }
        let near = nearest(&name.replace('-', "_"), names).filter(|_| !wraps_settings);
        let mut problem = Problem::error(format!("unknown key `{name}`"))
            .at(self.place(key.span()), did_you_mean(near));
        if near.is_none() && name == "tool" && table.is_some() {
            problem = problem.help(format!(
                "in {} the settings stand at the top; [tool.{}] belongs into pyproject.toml",
                self.product.file, self.product.name
            ));
        } else if wraps_settings {
            problem = problem.help("the settings stand at the top, without a table around them");
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
