//! The commands and their arguments, for clap.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, ValueHint, builder::PossibleValuesParser, value_parser};

use super::field_flags::with_field_flags;
use crate::check::Tool;

const PREFLIGHT: &str = "Preflight";
const APP: &str = "App";
const OUTPUT: &str = "Output";
const SERVER: &str = "Server";

/// The whole command of a tool.
#[must_use]
pub fn command(tool: Tool) -> Command {
    let about = match tool {
        Tool::Pounce => "Configuration, preflight and server for Python ASGI apps",
        Tool::Chirp => "Configuration, preflight and server for Chirp apps",
    };
    let command = Command::new(tool.name())
        .about(about)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_version_flag(true)
        .arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::SetTrue)
                .help("Print version, commit and Python"),
        )
        .arg(
            Arg::new("color")
                .long("color")
                .value_name("WHEN")
                .global(true)
                .value_parser(PossibleValuesParser::new(["auto", "always", "never"]))
                .default_value("auto")
                .hide_possible_values(true)
                .help_heading(OUTPUT)
                .help("auto (colour on a terminal, unless NO_COLOR is set), always or never"),
        )
        .subcommand(config(tool))
        .subcommand(check(tool))
        .subcommand(rule())
        .subcommand(completions());
    match tool {
        // Windows is for configuration and check.
        Tool::Pounce if cfg!(unix) => command.subcommand(serve()),
        Tool::Chirp if cfg!(unix) => command.subcommand(run()),
        Tool::Pounce | Tool::Chirp => command,
    }
}

fn serve() -> Command {
    let command = Command::new("serve")
        .about("Serve an app; the rules that would stop it are judged first")
        .args(target());
    with_launch_arguments(command, Tool::Pounce)
}

fn run() -> Command {
    let command = Command::new("run")
        .about("Serve a Chirp app on its own configuration; what would stop it is judged first")
        .arg(chirp_target());
    with_launch_arguments(command, Tool::Chirp)
}

fn with_launch_arguments(command: Command, tool: Tool) -> Command {
    with_app_arguments(with_field_flags(
        with_files(with_flags_of_a_launch(command, tool), tool),
        tool,
    ))
}

/// What is chosen at each launch and is no setting; a check takes it too, so that it can be given the very
/// words that the server is started with.
fn with_flags_of_a_launch(command: Command, tool: Tool) -> Command {
    let addresses: &[&str] = match tool {
        Tool::Pounce => &["host", "port", "uds"],
        Tool::Chirp => &["host", "port"],
    };
    command
        .arg(
            Arg::new("lifespan")
                .long("lifespan")
                .value_name("WHEN")
                .value_parser(PossibleValuesParser::new(["auto", "on", "off"]))
                .default_value("auto")
                .help_heading(APP)
                .help("Whether the app is asked for its lifespan; auto: where it has one"),
        )
        .arg(
            Arg::new("fd")
                .long("fd")
                .value_name("N")
                .action(ArgAction::Append)
                .value_parser(value_parser!(i32).range(3..))
                // What it listens on is decided already.
                .conflicts_with_all(addresses)
                .help_heading(SERVER)
                .help("Listening socket that this process inherited (repeatable)"),
        )
        .arg(
            path("pid-file", "FILE")
                .help_heading(SERVER)
                .help("File that holds the server's process id while it runs"),
        )
}

fn config(tool: Tool) -> Command {
    let show = Command::new("show")
        .about("Print the resolved values, with secrets left out")
        .arg(
            Arg::new("output-format")
                .long("output-format")
                .value_name("FORMAT")
                .value_parser(PossibleValuesParser::new(["toml", "json"]))
                .default_value("toml")
                .help_heading(OUTPUT)
                .help("Form of the output"),
        )
        .arg(
            Arg::new("origin")
                .long("origin")
                .action(ArgAction::SetTrue)
                .help_heading(OUTPUT)
                .help("Say where each value came from"),
        )
        .arg(
            Arg::new("reveal")
                .long("reveal")
                .action(ArgAction::SetTrue)
                .help_heading(OUTPUT)
                .help("Show what is hidden but no secret"),
        );
    let schema = Command::new("schema")
        .about("Print the JSON Schema, or a commented TOML file to start from")
        .arg(
            Arg::new("output-format")
                .long("output-format")
                .value_name("FORMAT")
                .value_parser(PossibleValuesParser::new([
                    "json",
                    "toml-template",
                    "markdown",
                ]))
                .default_value("json")
                .help_heading(OUTPUT)
                .help("JSON Schema (draft 2020-12), a template, or the reference page"),
        )
        .arg(
            Arg::new("document")
                .long("document")
                .value_name("FILE")
                .value_parser(PossibleValuesParser::new(["own", "pyproject"]))
                .default_value("own")
                .help_heading(OUTPUT)
                .help("Describe the file of its own, or the table in pyproject.toml"),
        );
    Command::new("config")
        .about("The configuration: its schema, and the values in force")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(schema)
        .subcommand(with_field_flags(with_files(show, tool), tool))
}

/// The app of `pounce`: as a word, as a flag, or neither.
fn target() -> [Arg; 2] {
    [
        Arg::new("target")
            .value_name("TARGET")
            .help("The app: module:attribute or module:factory()"),
        Arg::new("app")
            .long("app")
            .value_name("TARGET")
            .conflicts_with("target")
            .help_heading(APP)
            .help("The app, as a flag; without it the configuration may name one"),
    ]
}

/// The app of `chirp`.
fn chirp_target() -> Arg {
    Arg::new("target")
        .value_name("TARGET")
        .required(true)
        .help("The app: module:attribute, module:factory(), or a module with an app")
}

fn check(tool: Tool) -> Command {
    let command = match tool {
        Tool::Pounce => Command::new("check")
            .about("Judge configuration, app and machine before a deploy")
            .args(target()),
        Tool::Chirp => Command::new("check")
            .about("Judge a Chirp app and its configuration before a deploy")
            .arg(chirp_target())
            .arg(
                Arg::new("deploy")
                    .long("deploy")
                    .action(ArgAction::SetTrue)
                    .help_heading(PREFLIGHT)
                    .help("Judge as production, and fail on warnings too"),
            ),
    };
    let command = with_flags_of_a_launch(command, tool);
    let command = with_field_flags(with_files(command, tool), tool);
    with_app_arguments(with_report_arguments(command))
}

fn with_files(command: Command, tool: Tool) -> Command {
    let command = command.arg(path("config", "FILE").help_heading(OUTPUT).help(format!(
        "Configuration file; else {}.toml, else [tool.{0}] in pyproject.toml",
        tool.name()
    )));
    match tool {
        Tool::Pounce => command,
        Tool::Chirp => command
            .arg(
                path("env-file", "FILE")
                    .help_heading(APP)
                    .help("File of variables, below those of the environment"),
            )
            .arg(
                Arg::new("production")
                    .long("production")
                    .action(ArgAction::SetTrue)
                    .help_heading(APP)
                    .help("As in production: debug off, env production"),
            ),
    }
}

fn with_app_arguments(command: Command) -> Command {
    command
        .arg(
            path("app-dir", "FOLDER")
                .help_heading(APP)
                .help("Folder that the app is imported from [default: .]"),
        )
        .arg(
            path("python", "PYTHON")
                .help_heading(APP)
                .help("The app's interpreter; else the active virtual environment, .venv, python3"),
        )
        .arg(
            Arg::new("import-timeout")
                .long("import-timeout")
                .value_name("SECONDS")
                .default_value("30")
                .value_parser(value_parser!(f64))
                .help_heading(APP)
                .help("Limit for importing the app"),
        )
}

fn with_report_arguments(command: Command) -> Command {
    command
        .arg(
            Arg::new("output-format")
                .long("output-format")
                .value_name("FORMAT")
                .value_parser(PossibleValuesParser::new([
                    "full", "concise", "json", "github", "sarif",
                ]))
                .default_value("full")
                .help_heading(OUTPUT)
                .help("Form of the report"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help_heading(OUTPUT)
                .help("The same as --output-format json"),
        )
        .arg(
            path("baseline", "FILE")
                .help_heading(PREFLIGHT)
                .help("Earlier JSON report: fail only on what is new"),
        )
        .arg(
            Arg::new("warnings-as-errors")
                .long("warnings-as-errors")
                .action(ArgAction::SetTrue)
                .help_heading(PREFLIGHT)
                .help("Fail on warnings too"),
        )
        .arg(
            Arg::new("include-info")
                .long("include-info")
                .action(ArgAction::SetTrue)
                .help_heading(PREFLIGHT)
                .help("Report notes too"),
        )
        .arg(
            Arg::new("ignore")
                .long("ignore")
                .value_name("RULE")
                .action(ArgAction::Append)
                .value_delimiter(',')
                .help_heading(PREFLIGHT)
                .help("Rule that stays silent (repeatable)"),
        )
        .arg(
            Arg::new("scope")
                .long("scope")
                .value_name("SCOPE")
                .action(ArgAction::Append)
                .value_delimiter(',')
                .value_parser(PossibleValuesParser::new(["config", "app", "machine"]))
                .help_heading(PREFLIGHT)
                .help("What to judge (repeatable) [default: all]"),
        )
}

fn rule() -> Command {
    Command::new("rule")
        .about("Explain a rule of the preflight, or list them all")
        .arg(Arg::new("name").value_name("NAME").help("The rule"))
}

fn completions() -> Command {
    Command::new("completions")
        .about("Print the completions of a shell")
        .arg(
            Arg::new("shell")
                .required(true)
                .value_parser(value_parser!(clap_complete::Shell)),
        )
}

fn path(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::AnyPath)
}
