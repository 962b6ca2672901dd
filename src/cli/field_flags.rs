//! The flags of fields: made from the fields, and read with their places on the command line.

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::check::Tool;
use crate::config::field::{Default, Field, FlagForm, Model};
use crate::config::flags::{CommandLine, Given};
use crate::config::kind::Kind;
use crate::config::{AppConfig, ServerConfig};

/// Adds a flag for each field of the tool's configuration that has one.
pub(super) fn with_field_flags(command: Command, tool: Tool) -> Command {
    let fields = match tool {
        Tool::Pounce => ServerConfig::fields(),
        Tool::Chirp => AppConfig::fields(),
    };
    fields.iter().fold(command, with_field_flag)
}

/// Id of the argument that turns a switch off.
fn off_id(field: &Field) -> String {
    format!("no-{}", field.name)
}

fn with_field_flag(command: Command, field: &'static Field) -> Command {
    let Some(flag) = field.flag else {
        return command;
    };
    let default = field.default.value().to_toml();
    let summary = field
        .summary()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let summary = summary.trim_end_matches('.').to_owned();
    let help = match &default {
        Some(default)
            if flag.form != FlagForm::Switch && !matches!(default.as_str(), "\"\"" | "[]") =>
        {
            format!("{summary} [default: {}]", default.trim_matches('"'))
        }
        _ => summary,
    };
    let arg = Arg::new(field.name)
        .long(flag.name)
        .help_heading(field.topic.0);
    match flag.form {
        FlagForm::Switch => {
            let on = field.default == Default::Bool(true);
            let off = Arg::new(off_id(field))
                .long(format!("no-{}", flag.name))
                .action(ArgAction::SetTrue)
                .help_heading(field.topic.0);
            let state = if on { "on" } else { "off" };
            command
                .arg(arg.action(ArgAction::SetTrue).help(format!(
                    "{help} [default: {state}; --no-{} turns it off]",
                    flag.name
                )))
                .arg(off.hide(true).help(format!("Turn off: {help}")))
        }
        FlagForm::Value => command.arg(
            arg.value_name(value_name(field))
                .allow_negative_numbers(true)
                .help(help),
        ),
        FlagForm::Repeated => command.arg(
            arg.value_name("VALUE")
                .action(ArgAction::Append)
                .help(format!("{help} (repeatable)")),
        ),
    }
}

fn value_name(field: &Field) -> &'static str {
    match (field.kind, field.unit) {
        (_, Some("seconds")) => "SECONDS",
        (Kind::Integer { .. }, _) => "N",
        (Kind::Choice(_), _) => "CHOICE",
        (Kind::UrlPath, _) => "PATH",
        (Kind::List, _) => "LIST",
        _ => "VALUE",
    }
}

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
