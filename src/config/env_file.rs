//! `--env-file`: variables below those of the process.

use std::path::Path;

use super::environment::Variables;
use super::file::reason;
use super::problem::Problem;
use super::secrets;
use super::source::{Place, Sources, display_path};

/// Reads an env file into `variables`; returns what it holds, for the environment of the app.
pub fn read(
    path: &Path,
    named: Option<&Place>,
    variables: &mut Variables,
    sources: &mut Sources,
    problems: &mut Vec<Problem>,
) -> Vec<(String, String)> {
    let text = match std::fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            problems.push(
                Problem::error(format!(
                    "the env file {} cannot be read: {}",
                    display_path(path),
                    reason(&error)
                ))
                .at(named.cloned(), "named here"),
            );
            return Vec::new();
        }
    };
    let source = sources.add_file(path, text.as_str());
    secrets::mask_env_file(sources, source);
    let mut pairs = Vec::new();
    for item in dotenvy::from_read_iter(text.as_bytes()) {
        match item {
            Ok(pair) => pairs.push(pair),
            Err(dotenvy::Error::LineParse(line, at)) => {
                let start = text.find(&line).unwrap_or(0);
                let end = start + line.trim_end().len();
                problems.push(
                    Problem::error(format!(
                        "{} has a line that is no assignment",
                        display_path(path)
                    ))
                    .at(
                        Place {
                            source,
                            span: start..end.min(text.len()),
                        },
                        format!("not understood from character {}", at + 1),
                    )
                    .help("write NAME=value, with quotes around values that hold blanks"),
                );
            }
            Err(error) => problems.push(Problem::error(format!(
                "the env file {} cannot be read: {error}",
                display_path(path)
            ))),
        }
    }
    // Of two lines for one name the last one counts.
    let lines = pairs
        .iter()
        .rev()
        .map(|(name, value)| (name.clone(), value.clone(), line_of(&text, name)))
        .collect::<Vec<_>>();
    variables.add_below(path, lines);
    pairs
}

/// Line of the last assignment of a name, from 1.
fn line_of(text: &str, name: &str) -> usize {
    let assigns = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        line.strip_prefix(name)
            .is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let found = text
        .lines()
        .enumerate()
        .filter(|(_, line)| assigns(line))
        .last();
    found.map_or(1, |(index, _)| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_variable_is_found() {
        let text = "# CHIRP_PORT=1\nCHIRP_PORTS=2\nexport CHIRP_PORT = 3\n";
        assert_eq!(line_of(text, "CHIRP_PORT"), 3);
    }
}
