//! `config schema` and `config show`.

use clap::ArgMatches;

use super::output::{self, Stream};
use super::{FINDINGS, Run, field_flags};
use crate::check::preflight::judge_problems;
use crate::check::report::{self, Format};
use crate::check::{Severity, Tool};
use crate::config::environment::Variables;
use crate::config::field::Model;
use crate::config::file::Wanted;
use crate::config::schema::Document;
use crate::config::{
    AppConfig, Inputs, Resolved, ServerConfig, Sources, env_file, reference, resolve, schema, show,
    template,
};

pub(super) fn schema(tool: Tool, matches: &ArgMatches) -> u8 {
    output::print(&match tool {
        Tool::Pounce => schema_text::<ServerConfig>(matches),
        Tool::Chirp => schema_text::<AppConfig>(matches),
    })
}

fn schema_text<M: Model>(matches: &ArgMatches) -> String {
    match matches
        .get_one::<String>("output-format")
        .map(String::as_str)
    {
        Some("toml-template") => return template::template::<M>(),
        Some("markdown") => return reference::reference::<M>(),
        _ => {}
    }
    let pyproject = matches
        .get_one::<String>("document")
        .is_some_and(|name| name == "pyproject");
    let document = if pyproject {
        Document::Pyproject
    } else {
        Document::OwnFile
    };
    schema::text::<M>(document)
}

pub(super) fn show(mut run: Run<'_>) -> u8 {
    match run.tool {
        Tool::Pounce => {
            let resolved = server(&mut run);
            print(&run, &resolved)
        }
        Tool::Chirp => {
            let (inputs, _, problems) = app_inputs(&mut run);
            let inputs = Inputs { problems, ..inputs };
            let resolved: Resolved<AppConfig> = resolve(&inputs, &mut run.sources);
            print(&run, &resolved)
        }
    }
}

fn print<M: Model>(run: &Run<'_>, resolved: &Resolved<M>) -> u8 {
    let mut sources = run.sources.clone();
    complain(run, resolved, &mut sources);
    if !resolved.is_valid() {
        return FINDINGS;
    }
    let options = show::Options {
        origin: run.matches.get_flag("origin"),
        reveal: run.matches.get_flag("reveal"),
    };
    let json = run
        .matches
        .get_one::<String>("output-format")
        .is_some_and(|format| format == "json");
    output::print(&if json {
        format!("{:#}\n", show::json(resolved, options, &sources))
    } else {
        show::toml(resolved, options)
    })
}

/// Says on standard error what is wrong with a configuration; the values go to standard output.
fn complain<M: Model>(run: &Run<'_>, resolved: &Resolved<M>, sources: &mut Sources) {
    let verdict = judge_problems(run.tool, &resolved.problems, sources);
    if verdict
        .findings
        .iter()
        .any(|finding| finding.severity != Severity::Info)
    {
        let options = report::Options {
            style: output::style(Stream::Err, run.matches),
            include_info: false,
            warnings_as_errors: false,
            baseline: None,
        };
        // Without a standard error there is nowhere to say it; the exit code does.
        let _ = output::write(
            Stream::Err,
            &report::render(Format::Full, &verdict, sources, &options),
        );
    }
}

/// Which configuration file the command line wants.
pub(super) fn wanted(run: &Run<'_>) -> Wanted {
    match run.matches.get_one::<std::path::PathBuf>("config") {
        Some(path) => Wanted::Named {
            path: path.clone(),
            place: run.line.flag("config", true, 0),
        },
        None => Wanted::Found {
            directory: std::path::PathBuf::from("."),
        },
    }
}

/// The server's configuration as the command line, the environment and the file say it.
pub(super) fn server(run: &mut Run<'_>) -> Resolved<ServerConfig> {
    let inputs = Inputs {
        file: wanted(run),
        variables: Some(Variables::of_process()),
        flags: field_flags::given::<ServerConfig>(run.matches, &run.line),
        ..Inputs::default()
    };
    resolve(&inputs, &mut run.sources)
}

/// What is said about an app's configuration outside its code; the variables of the env file, for
/// the app's own environment; and what is wrong with that file.
pub(super) fn app_inputs(
    run: &mut Run<'_>,
) -> (Inputs, Vec<(String, String)>, Vec<crate::config::Problem>) {
    let mut variables = Variables::of_process();
    let mut problems = Vec::new();
    let extra = match run.matches.get_one::<std::path::PathBuf>("env-file") {
        Some(path) => env_file::read(
            path,
            run.line.flag("env-file", true, 0).as_ref(),
            &mut variables,
            &mut run.sources,
            &mut problems,
        ),
        None => Vec::new(),
    };
    let mut flags = field_flags::given::<AppConfig>(run.matches, &run.line);
    flags.extend(field_flags::production(run.matches, &run.line));
    let inputs = Inputs {
        file: wanted(run),
        variables: Some(variables),
        flags,
        python_only: &crate::config::app::PYTHON_ONLY,
        ..Inputs::default()
    };
    (inputs, extra, problems)
}
