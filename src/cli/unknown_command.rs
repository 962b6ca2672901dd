//! A word where a command is expected: how an app is served, for who has left out its attribute.

use std::ffi::OsStr;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::check::Tool;

/// The error with a tip of ours, where the first word of the command line is no command. A command that is
/// spelled almost like it is the better tip, unless other servers have this one.
pub(super) fn explained(tool: Tool, first: Option<&OsStr>, mut error: clap::Error) -> clap::Error {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return error;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    let similar = error.get(ContextKind::SuggestedSubcommand).is_some();
    if first != Some(OsStr::new(word)) || (similar && !matches!(word.as_str(), "run" | "serve")) {
        return error;
    }
    let module = match word.strip_suffix(".py").unwrap_or(word) {
        "run" | "serve" => "shop".to_owned(),
        word => word.trim_start_matches("./").replace('/', "."),
    };
    let command = match tool {
        Tool::Pounce => "pounce serve",
        Tool::Chirp => "chirp run",
    };
    let tip = format!("an app is served by its module and attribute: {command} {module}:app");
    error.remove(ContextKind::SuggestedSubcommand);
    error.insert(
        ContextKind::Suggested,
        ContextValue::StyledStrs(vec![StyledStr::from(tip)]),
    );
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::command;

    fn told(tool: Tool, words: &[&str]) -> String {
        let words: Vec<_> = [tool.name()].iter().chain(words).copied().collect();
        let error = command(tool).try_get_matches_from(&words).unwrap_err();
        explained(tool, words.get(1).map(OsStr::new), error).to_string()
    }

    #[test]
    fn a_module_alone_is_completed_to_a_target() {
        for (tool, word, tip) in [
            (Tool::Pounce, "main", "pounce serve main:app"),
            (Tool::Pounce, "./web/main.py", "pounce serve web.main:app"),
            (Tool::Pounce, "run", "pounce serve shop:app"),
            (Tool::Chirp, "serve", "chirp run shop:app"),
        ] {
            let told = told(tool, &[word]);
            assert!(told.contains(tip), "{told}");
            assert!(!told.contains("similar"), "{told}");
        }
    }

    #[test]
    fn other_errors_stay_as_they_are() {
        for words in [&["chek"][..], &["config", "main"], &["serve", "--nix"]] {
            let told = told(Tool::Pounce, words);
            assert!(!told.contains("module and attribute"), "{told}");
        }
    }
}
