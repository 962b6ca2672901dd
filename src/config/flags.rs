//! The flag layer, and the command line as a text that diagnostics can point into.

use std::ops::Range;

use super::field::{Field, FlagForm, Secrecy};
use super::origin::{Entry, Layer, Origin};
use super::problem::Problem;
use super::secrets;
use super::source::{Place, SourceId, Sources};
use super::value::Value;

/// Name of the text that flags are shown in.
pub const SOURCE_NAME: &str = "command line";

/// The command line as it was typed, quoted where a shell needs it.
#[derive(Debug, Clone)]
pub struct CommandLine {
    source: SourceId,
    words: Vec<(String, Range<usize>)>,
}

impl CommandLine {
    /// Registers the command line; the values of secret flags are masked.
    pub fn new(sources: &mut Sources, program: &str, arguments: &[String]) -> Self {
        let mut text = program.to_owned();
        let mut words = Vec::with_capacity(arguments.len());
        let mut masks = Vec::new();
        let mut secret_next = false;
        for word in arguments {
            text.push(' ');
            let start = text.len();
            text.push_str(&quoted(word));
            let span = start..text.len();
            if secret_next {
                masks.push(span.clone());
            }
            secret_next = false;
            if let Some(flag) = word.strip_prefix("--") {
                match flag.split_once('=') {
                    Some((name, _)) if secrets::is_secret_name(name) => {
                        masks
                            .push(start + text[start..].find('=').map_or(0, |at| at + 1)..span.end);
                    }
                    None => secret_next = secrets::is_secret_name(flag),
                    Some(_) => {}
                }
            }
            words.push((word.clone(), span));
        }
        let source = sources.add(SOURCE_NAME, text);
        for mask in masks {
            sources.mask(source, mask);
        }
        Self { source, words }
    }

    /// The `nth` use of a flag (from 0) with its value, if it takes one.
    #[must_use]
    pub fn flag(&self, flag: &str, takes_value: bool, nth: usize) -> Option<Place> {
        let long = format!("--{flag}");
        let with_value = format!("--{flag}=");
        let index = self
            .words
            .iter()
            .take_while(|(word, _)| word != "--")
            .enumerate()
            .filter(|(_, (word, _))| *word == long || word.starts_with(&with_value))
            .map(|(index, _)| index)
            .nth(nth)?;
        let (word, span) = &self.words[index];
        let end = if takes_value && *word == long {
            self.words
                .get(index + 1)
                .map_or(span.end, |(_, span)| span.end)
        } else {
            span.end
        };
        Some(Place {
            source: self.source,
            span: span.start..end,
        })
    }

    /// The first word that is exactly this.
    #[must_use]
    pub fn word(&self, wanted: &str) -> Option<Place> {
        self.words
            .iter()
            .find(|(word, _)| word == wanted)
            .map(|(_, span)| Place {
                source: self.source,
                span: span.clone(),
            })
    }

    /// All of it.
    #[must_use]
    pub fn whole(&self, sources: &Sources) -> Place {
        Place {
            source: self.source,
            span: 0..sources.get(self.source).raw().len(),
        }
    }
}

fn quoted(word: &str) -> String {
    let plain = !word.is_empty()
        && word
            .chars()
            .all(|character| character.is_alphanumeric() || "-_=./:,@%+*~".contains(character));
    if plain {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// One flag as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Field it sets.
    pub field: &'static str,
    /// Its texts; more than one where it was repeated. A switch has `true` or `false`.
    pub texts: Vec<String>,
    /// As it was written: `--no-compression`.
    pub written: String,
    /// Where.
    pub place: Option<Place>,
}

/// Reads the flags that were given.
pub fn read(fields: &'static [Field], given: &[Given], problems: &mut Vec<Problem>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for flag in given {
        let Some(index) = fields.iter().position(|field| field.name == flag.field) else {
            continue;
        };
        let field = &fields[index];
        let origin = Origin {
            layer: Layer::Flag,
            name: flag.written.clone(),
            place: flag.place.clone(),
        };
        if field.secrecy == Secrecy::Secret {
            problems.push(
                Problem::warning(format!(
                    "{} shows the secret to every user of this machine",
                    flag.written
                ))
                .field(field.name)
                .at(
                    origin.place.clone(),
                    "command lines are readable by others, and kept in histories",
                )
                .help("give it in a variable or a file"),
            );
        }
        let value = match field.flag.map(|flag| flag.form) {
            Some(FlagForm::Repeated) => {
                let value = Value::List(flag.texts.clone());
                (field.check)(&value).map(|()| value)
            }
            _ => field.parse(flag.texts.last().map_or("", String::as_str)),
        };
        let value = match value {
            Ok(value) => Some(value),
            Err(mistake) => {
                problems.extend(mistake.each().map(|mistake| {
                    Problem::of_mistake(&flag.written, field, mistake, origin.place.clone())
                }));
                None
            }
        };
        if let Some(other) = entries.iter().find(|entry| entry.field == index) {
            problems.push(
                Problem::error(format!(
                    "{} and {} contradict each other",
                    other.origin.name, flag.written
                ))
                .field(field.name)
                .at(origin.place.clone(), "this one")
                .at(other.origin.place.clone(), "and this one")
                .help("keep one of the two"),
            );
        }
        entries.push(Entry {
            field: index,
            value,
            origin,
            alias: None,
        });
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_found_with_its_value_however_it_was_written() {
        let mut sources = Sources::default();
        let words = [
            "check",
            "--port",
            "9000",
            "--host=::",
            "--sentry-dsn",
            "https://k@h/1",
        ];
        let line = CommandLine::new(&mut sources, "pounce", &words.map(String::from));
        let text = |place: Place| sources.get(place.source).raw()[place.span].to_owned();
        assert_eq!(
            line.flag("port", true, 0).map(text).as_deref(),
            Some("--port 9000")
        );
        let text = |place: Place| sources.get(place.source).raw()[place.span].to_owned();
        assert_eq!(
            line.flag("host", true, 0).map(text).as_deref(),
            Some("--host=::")
        );
        assert_eq!(line.flag("workers", true, 0), None);
        let shown = sources.get(SourceId::clone(&line.source)).shown().text;
        assert!(!shown.contains("k@h"), "{shown}");
    }
}
