//! The flags of fields that were given, with their places on the command line.

use clap::ArgMatches;

use super::arguments::off_id;
use crate::config::field::{FlagForm, Model};
use crate::config::flags::{CommandLine, Given};

/// Every flag of a model that was given.
pub(super) fn given<M: Model>(matches: &ArgMatches, line: &CommandLine) -> Vec<Given> {
    let mut all = Vec::new();
    for field in M::fields() {
        let Some(flag) = field.flag else { continue };
        if flag.form == FlagForm::Switch {
            let states = [
                (field.name.to_owned(), flag.name.to_owned(), "true"),
                (off_id(field), format!("no-{}", flag.name), "false"),
            ];
            for (id, name, text) in states {
                if matches.get_flag(&id) {
                    all.push(Given {
                        field: field.name,
                        texts: vec![text.to_owned()],
                        place: line.flag(&name, false, 0),
                        written: format!("--{name}"),
                    });
                }
            }
        } else if let Some(texts) = matches.get_many::<String>(field.name) {
            let texts: Vec<_> = texts.cloned().collect();
            all.push(Given {
                field: field.name,
                place: line.flag(flag.name, true, texts.len() - 1),
                texts,
                written: format!("--{}", flag.name),
            });
        }
    }
    all
}

/// `chirp --production`: debug off, env production.
pub(super) fn production(matches: &ArgMatches, line: &CommandLine) -> Vec<Given> {
    if !matches.get_flag("production") {
        return Vec::new();
    }
    [("debug", "false"), ("env", "production")]
        .into_iter()
        .map(|(field, text)| Given {
            field,
            texts: vec![text.to_owned()],
            written: "--production".to_owned(),
            place: line.flag("production", false, 0),
        })
        .collect()
}
