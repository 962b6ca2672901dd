//! The env file: `NAME=value` lines, as `--env-file` and `AppConfig.from_env(env_file=...)` read it.
//!
//! `export` in front is allowed, `#` starts a comment. A value in single quotes is taken as it is; in
//! double quotes `\n`, `\r`, `\t`, `\"`, `\\` and `\$` are escapes; both may go over several lines.
//! Values are never expanded: `$NAME` is text.

use std::path::Path;

use super::environment::Variables;
use super::file::reason;
use super::problem::Problem;
use super::secrets;
use super::source::{Place, SourceId, Sources, display_path};

/// One line of an env file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Name of the variable.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Line of the name, from 1.
    pub line: usize,
}

/// Puts the variables of an env file below those that are there. Of two lines for one name the last
/// one counts; what is wrong with the file is added to the problems.
pub fn add_below(
    variables: &mut Variables,
    path: &Path,
    sources: &mut Sources,
    problems: &mut Vec<Problem>,
) {
    let found = read(path, sources, problems);
    let entries = found.into_iter().rev();
    variables.add_below(path, entries.map(|one| (one.name, one.value, one.line)));
}

/// Reads an env file; what is wrong with it is added to the problems.
pub fn read(path: &Path, sources: &mut Sources, problems: &mut Vec<Problem>) -> Vec<Assignment> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            problems.push(
                Problem::error(format!(
                    "the env file {} cannot be read: {}",
                    display_path(path),
                    reason(&error)
                ))
                .help("name another file, or leave it out"),
            );
            return Vec::new();
        }
    };
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            problems.push(
                Problem::error(format!(
                    "the env file {} is not UTF-8: byte {at} begins no character",
                    display_path(path)
                ))
                .help("save it as UTF-8"),
            );
            return Vec::new();
        }
    };
    let source = sources.add_file(path, text.clone());
    secrets::mask_env_file(sources, source);
    Reader {
        text: text.strip_prefix('\u{feff}').unwrap_or(&text),
        skipped: if text.starts_with('\u{feff}') { 3 } else { 0 },
        at: 0,
        source,
        problems,
    }
    .assignments()
}

struct Reader<'a> {
    text: &'a str,
    /// Bytes of a byte order mark in front of `text`.
    skipped: usize,
    at: usize,
    source: SourceId,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn assignments(mut self) -> Vec<Assignment> {
        let mut found = Vec::new();
        while self.at < self.text.len() {
            let start = self.at;
            let line = self.rest_of_line();
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                self.next_line();
                continue;
            }
            let number = self.text[..start].matches('\n').count() + 1;
            if let Some((name, value)) = self.assignment(line) {
                found.push(Assignment {
                    name,
                    value,
                    line: number,
                });
            }
        }
        found
    }

    fn assignment(&mut self, line: &'a str) -> Option<(String, String)> {
        let start = self.at;
        let Some((left, _)) = line.split_once('=') else {
            self.wrong(
                start,
                line,
                "a line of an env file is NAME=value",
                "it has no `=`",
            );
            self.next_line();
            return None;
        };
        let name = left.trim();
        let name = name.strip_prefix("export ").unwrap_or(name).trim_start();
        self.at = start + left.len() + 1;
        let value = self.value(start);
        let first = name.bytes().next();
        let good = first.is_some_and(|byte| !byte.is_ascii_digit())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !good {
            self.wrong(
                start,
                left,
                "this is no name of a variable",
                "letters, digits and _ only",
            );
            return None;
        }
        Some((name.to_owned(), value?))
    }

    /// Reads the value behind the `=` and goes to the next line.
    fn value(&mut self, start: usize) -> Option<String> {
        let rest = self.rest_of_line();
        let blank = rest.len() - rest.trim_start().len();
        let quote = rest
            .trim_start()
            .chars()
            .next()
            .filter(|first| matches!(first, '"' | '\''));
        let Some(quote) = quote else {
            let mut value = rest.trim();
            if value.starts_with('#') {
                value = "";
            }
            let comment = value.find(" #").or_else(|| value.find("\t#"));
            value = comment.map_or(value, |at| value[..at].trim_end());
            self.next_line();
            return Some(value.to_owned());
        };
        self.at += blank + 1;
        let Some(value) = self.quoted(quote) else {
            let line = self.text[start..].lines().next().unwrap_or_default();
            let what = format!("the {quote} that opens this value is never closed");
            self.wrong(
                start,
                line,
                &what,
                "no closing quote up to the end of the file",
            );
            self.at = self.text.len();
            return None;
        };
        let behind = self.rest_of_line().trim();
        if !behind.is_empty() && !behind.starts_with('#') {
            let at = self.at;
            self.wrong(
                at,
                behind,
                "text behind the closing quote",
                "only a comment may stand here",
            );
            self.next_line();
            return None;
        }
        self.next_line();
        Some(value)
    }

    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut value = String::new();
        let mut characters = self.text[self.at..].char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                close if close == quote => {
                    self.at += at + 1;
                    return Some(value);
                }
                '\\' if quote == '"' => match characters.next()?.1 {
                    'n' => value.push('\n'),
                    'r' => value.push('\r'),
                    't' => value.push('\t'),
                    plain @ ('"' | '\\' | '$') => value.push(plain),
                    other => value.extend(['\\', other]),
                },
                other => value.push(other),
            }
        }
        None
    }

    fn rest_of_line(&self) -> &'a str {
        self.text[self.at..].lines().next().unwrap_or_default()
    }

    fn next_line(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.find('\n').map_or(rest.len(), |at| at + 1);
    }

    fn wrong(&mut self, start: usize, shown: &str, message: &str, label: &str) {
        let start = start + self.skipped;
        self.problems.push(Problem::error(message).at(
            Place {
                source: self.source,
                span: start..start + shown.trim_end().len(),
            },
            label,
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(name: &str, text: &[u8]) -> (Vec<Assignment>, Vec<Problem>) {
        let path = std::env::temp_dir().join(format!("pounce-{}-{name}.env", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let mut problems = Vec::new();
        let found = read(&path, &mut Sources::default(), &mut problems);
        std::fs::remove_file(&path).unwrap();
        (found, problems)
    }

    #[test]
    fn every_form_of_a_value_is_read() {
        let text = "\u{feff}# settings\n\nA=1\nexport B = two words # note\r\nC='a $B \\n'\nD=\"x\\ny\\\"z\" # note\n\
                    E=\"first\nsecond\"\nF=\nG=#no value\nH=a#b\n";
        let (found, problems) = read_text("forms", text.as_bytes());
        assert_eq!(problems, []);
        let pairs: Vec<_> = found
            .iter()
            .map(|one| (one.name.as_str(), one.value.as_str(), one.line))
            .collect();
        assert_eq!(
            pairs,
            [
                ("A", "1", 3),
                ("B", "two words", 4),
                ("C", "a $B \\n", 5),
                ("D", "x\ny\"z", 6),
                ("E", "first\nsecond", 7),
                ("F", "", 9),
                ("G", "", 10),
                ("H", "a#b", 11),
            ]
        );
    }

    #[test]
    fn the_last_line_counts_and_the_process_wins() {
        let path = std::env::temp_dir().join(format!("pounce-{}-below.env", std::process::id()));
        std::fs::write(&path, "A=1\nA=2\nB=3\n").unwrap();
        let mut variables = Variables::from_pairs([("B".into(), "process".into())]);
        add_below(
            &mut variables,
            &path,
            &mut Sources::default(),
            &mut Vec::new(),
        );
        std::fs::remove_file(&path).unwrap();
        let value = |name| variables.get(name).map(|variable| variable.value.as_str());
        assert_eq!((value("A"), value("B")), (Some("2"), Some("process")));
    }

    #[test]
    fn every_mistake_is_told_and_the_rest_is_read() {
        let text = b"PORT 80\n1A=x\nB=\"x\" y\nC=ok\nD='open\n";
        let (found, problems) = read_text("mistakes", text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "C");
        let messages: Vec<_> = problems
            .iter()
            .map(|problem| problem.message.as_str())
            .collect();
        assert_eq!(
            messages,
            [
                "a line of an env file is NAME=value",
                "this is no name of a variable",
                "text behind the closing quote",
                "the ' that opens this value is never closed",
            ]
        );
        assert!(problems.iter().all(|problem| problem.labels.len() == 1));
    }

    #[test]
    fn a_file_that_is_missing_or_not_text_is_told() {
        let mut problems = Vec::new();
        read(
            Path::new("/nowhere/.env"),
            &mut Sources::default(),
            &mut problems,
        );
        let (_, not_text) = read_text("binary", b"A=\xff\n");
        assert!(problems[0].message.contains("/nowhere/.env cannot be read"));
        assert!(not_text[0].message.contains("is not UTF-8: byte 2"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[A-C= '\"\\\\#\n\r\u{feff}ü]{0,60}") {
            let mut problems = Vec::new();
            let mut sources = Sources::default();
            let source = sources.add("x", text.clone());
            let reader = Reader { text: &text, skipped: 0, at: 0, source, problems: &mut problems };
            let found = reader.assignments();
            proptest::prop_assert!(found.len() <= text.len());
        }
    }
}
