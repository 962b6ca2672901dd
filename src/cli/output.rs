//! Writing to the terminal: colours, widths, closed pipes, full disks.

use std::io::{self, IsTerminal, Write};

use clap::ArgMatches;

use super::{FAILED, OK, arguments};
use crate::check::Tool;
use crate::check::report::Style;
use crate::config::file::reason;
use crate::config::secrets::without_user_information;

/// Where a text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

/// Writes what was asked for to standard output. A reader that went away is no failure; what cannot
/// be written for another reason is said on standard error.
pub(super) fn print(text: &str) -> u8 {
    match write(Stream::Out, text) {
        Ok(()) => OK,
        Err(error) => {
            let _ = write(
                Stream::Err,
                &format!("the output could not be written: {}\n", reason(&error)),
            );
            FAILED
        }
    }
}

/// Writes to a stream; a reader that went away is no error.
pub(super) fn write(stream: Stream, text: &str) -> io::Result<()> {
    let result = match stream {
        Stream::Out => {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        }
        Stream::Err => io::stderr().lock().write_all(text.as_bytes()),
    };
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Says why the command could not be done.
pub(super) fn fail(tool: Tool, why: &str) -> u8 {
    // Without a standard error there is nowhere left to say it; the exit code does.
    let why = without_user_information(why.to_owned());
    let _ = write(Stream::Err, &format!("{}: {why}\n", tool.name()));
    FAILED
}

/// Wrong usage, or help that was asked for.
pub(super) fn usage(error: &clap::Error) -> u8 {
    let text = error.render();
    let stream = if error.use_stderr() {
        Stream::Err
    } else {
        Stream::Out
    };
    let color = match stream {
        Stream::Out => io::stdout().is_terminal(),
        Stream::Err => io::stderr().is_terminal(),
    } && wants_color();
    let text = if color {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    // A wrong argument is repeated in the message.
    let text = without_user_information(text);
    match stream {
        Stream::Out => print(&text),
        Stream::Err => {
            let _ = write(Stream::Err, &text);
            FAILED
        }
    }
}

/// How a report may look on a stream.
pub(super) fn style(stream: Stream, matches: &ArgMatches) -> Style {
    style_of(
        stream,
        matches.get_one::<String>("color").map(String::as_str),
    )
}

/// The same, for a choice of colours (`auto` where absent).
pub(super) fn style_of(stream: Stream, choice: Option<&str>) -> Style {
    let terminal = match stream {
        Stream::Out => io::stdout().is_terminal(),
        Stream::Err => io::stderr().is_terminal(),
    };
    let color = match choice {
        Some("always") => true,
        Some("never") => false,
        _ => terminal && wants_color(),
    };
    Style {
        color,
        unicode: !terminal || locale_is_utf8(),
        width: width(terminal),
    }
}

/// Whether the environment leaves colours to the program.
fn wants_color() -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !no_color && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn width(terminal: bool) -> usize {
    let columns = || std::env::var("COLUMNS").ok()?.parse::<usize>().ok();
    let width = if terminal {
        columns().or_else(|| terminal_size::terminal_size().map(|(width, _)| width.0.into()))
    } else {
        None
    };
    width.unwrap_or(100).clamp(40, 120)
}

/// A file or a pipe gets UTF-8; a terminal what its locale can show.
fn locale_is_utf8() -> bool {
    let value = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    value.is_none_or(|value| {
        let value = value.to_ascii_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}

/// Prints the completions of a shell.
pub(super) fn completions(tool: Tool, matches: &ArgMatches) -> u8 {
    let Some(shell) = matches.get_one::<clap_complete::Shell>("shell") else {
        return FAILED;
    };
    let mut text = Vec::new();
    clap_complete::generate(
        *shell,
        &mut arguments::command(tool),
        tool.name(),
        &mut text,
    );
    print(&String::from_utf8_lossy(&text))
}
