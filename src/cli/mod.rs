//! The command line: arguments in, text and an exit code out. Decisions are made below.

mod arguments;
#[cfg(unix)]
mod banner;
mod check;
mod config;
mod field_flags;
mod foreign_flag;
#[cfg(unix)]
mod handover;
#[cfg(unix)]
pub mod launch;
mod output;
mod rule;
#[cfg(unix)]
mod run;
#[cfg(unix)]
mod serve;
mod unknown_command;
mod version;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ArgMatches;

use crate::check::Tool;
use crate::config::Sources;
use crate::config::flags::CommandLine;

pub use arguments::command;

/// Nothing at or above the failing level.
pub const OK: u8 = 0;
/// At least one finding at or above it.
pub const FINDINGS: u8 = 1;
/// The command could not be done.
pub const FAILED: u8 = 2;

/// The app did not come up, or its workers crash again and again.
pub const NOT_UP: u8 = 3;

/// Where the command runs: on its own, or inside a Python.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// The interpreter that runs this command, and its version.
    pub python: Option<(PathBuf, String)>,
}

impl Host {
    /// A native binary.
    #[must_use]
    pub fn native() -> Self {
        Self::default()
    }

    /// The commands that the wheel installs.
    #[must_use]
    pub fn in_python(executable: PathBuf, version: String) -> Self {
        Self {
            python: Some((executable, version)),
        }
    }
}

/// What a command works with.
struct Run<'a> {
    tool: Tool,
    host: &'a Host,
    matches: &'a ArgMatches,
    sources: Sources,
    line: CommandLine,
}

/// Runs a command; returns the exit code.
pub fn main(tool: Tool, arguments: impl IntoIterator<Item = OsString>, host: &Host) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    #[cfg(unix)]
    crate::serve::supervisor::open_standard();
    #[cfg(unix)]
    let arguments = match tool {
        Tool::Pounce => serve::written_out(arguments),
        Tool::Chirp => arguments,
    };
    let words = std::iter::once(OsString::from(tool.name())).chain(arguments.iter().cloned());
    // Asked for beside anything else, the version needs no valid command.
    if let [only] = &arguments[..]
        && (only == "--version" || only == "-V")
    {
        return output::print(&version::line(tool, host));
    }
    let matches = match command(tool).try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) => {
            let first = arguments.first().map(OsString::as_os_str);
            let error = unknown_command::explained(tool, first, error);
            return output::usage(&foreign_flag::explained(tool, error));
        }
    };
    let typed: Vec<String> = arguments
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let mut sources = Sources::default();
    let line = CommandLine::new(&mut sources, tool.name(), &typed);
    let run = |matches| Run {
        tool,
        host,
        matches,
        sources,
        line,
    };
    match matches.subcommand() {
        Some(("config", matches)) => match matches.subcommand() {
            Some(("schema", matches)) => config::schema(tool, matches),
            Some(("show", matches)) => config::show(run(matches)),
            _ => FAILED,
        },
        #[cfg(unix)]
        Some(("serve", matches)) => serve::serve(run(matches), &arguments),
        #[cfg(unix)]
        Some(("run", matches)) => run::run(run(matches), &arguments),
        Some(("check", matches)) => check::check(run(matches)),
        Some(("rule", matches)) => rule::explain(tool, matches),
        Some(("completions", matches)) => output::completions(tool, matches),
        _ => FAILED,
    }
}
