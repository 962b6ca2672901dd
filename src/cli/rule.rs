//! `rule`: the page of a rule, or the list of all.

use std::fmt::Write as _;

use clap::ArgMatches;

use super::output;
use crate::check::{Tool, rules};
use crate::config::nearest::nearest;

pub(super) fn explain(tool: Tool, matches: &ArgMatches) -> u8 {
    let Some(name) = matches.get_one::<String>("name") else {
        return output::print(&list(tool));
    };
    match rules::find(name) {
        Some(rule) => output::print(rule.page),
        None => {
            let near = nearest(name, rules::ALL.iter().map(|rule| rule.id));
            let near = near.map_or_else(String::new, |near| format!(", did you mean {near}?"));
            output::fail(
                tool,
                &format!(
                    "no rule is named {name}{near} ({} rule lists them)",
                    tool.name()
                ),
            )
        }
    }
}

fn list(tool: Tool) -> String {
    let mine = || rules::ALL.iter().filter(|rule| rule.tools.contains(&tool));
    let width = mine().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut out = String::new();
    for rule in mine() {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{:width$}  {}", rule.id, rule.summary);
    }
    out
}
