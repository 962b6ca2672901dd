//! What the child says beside its answer: who it is, and the stack when it hangs or crashes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::app::snapshot::{Frame, Position};

/// First line of the greeting, by which a Python is told from any other program.
const GREETING: &str = "pounce probe";

/// Header of a stack as faulthandler writes it.
const STACK: &str = "(most recent call first):";

/// Header of the interpreter's own stack, which CPython 3.14 writes behind that of Python at a crash.
const STACK_IN_C: &str = "C stack trace (most recent call first):";

/// The text of the trace descriptor, taken apart.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// Version and executable of the interpreter, if it greeted.
    pub(super) interpreter: Option<(String, String)>,
    /// Last stack, outermost call first.
    pub(super) frames: Vec<Frame>,
}

impl Trace {
    pub(super) fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        let mut interpreter = None;
        if lines.next() == Some(GREETING)
            && let (Some(version), Some(executable)) = (lines.next(), lines.next())
        {
            interpreter = Some((version.to_owned(), executable.to_owned()));
        }
        let mut frames: Vec<_> = last_stack(text)
            .unwrap_or_default()
            .lines()
            .skip(1)
            .map_while(frame)
            .collect();
        frames.reverse();
        frames.retain(|frame| {
            let file = frame.position.file.to_string_lossy();
            !file.starts_with('<') && !file.starts_with("<pounce probe>")
        });
        Self {
            interpreter,
            frames,
        }
    }

    /// Whether the text holds a whole stack: one that has reached the child's first frame.
    pub(super) fn complete(text: &[u8]) -> bool {
        let text = String::from_utf8_lossy(text);
        last_stack(&text).is_some_and(|stack| {
            stack.ends_with('\n')
                && (stack.contains("File \"<string>\"") || stack.contains("\n  ..."))
        })
    }
}

/// What stands behind the header of the last stack of Python.
fn last_stack(text: &str) -> Option<&str> {
    text.rmatch_indices(STACK)
        .map(|(at, _)| at + STACK.len())
        .find(|end| !text[..*end].ends_with(STACK_IN_C))
        .map(|end| &text[end..])
}

/// One line of a stack: `  File "/srv/shop.py", line 3 in connect`.
fn frame(line: &str) -> Option<Frame> {
    let rest = line.strip_prefix("  File \"")?;
    let (file, rest) = rest.split_once("\", line ")?;
    let (number, function) = rest.split_once(" in ")?;
    let file = PathBuf::from(file);
    let position = line_of(&file, number.parse().ok()?);
    Some(Frame {
        own: own(&file),
        position,
        function: function.to_owned(),
    })
}

/// The whole line without the space around it and without a comment, as far as the file can be read.
fn line_of(file: &Path, line: u32) -> Position {
    let text = fs::read_to_string(file).unwrap_or_default();
    let row = text
        .lines()
        .nth(line.saturating_sub(1) as usize)
        .unwrap_or_default();
    let column = row.len() - row.trim_start().len();
    let end = row[..comment(row)].trim_end().len().max(column);
    Position {
        file: file.to_path_buf(),
        line,
        column: u32::try_from(column).unwrap_or(u32::MAX),
        end_line: line,
        end_column: u32::try_from(end).unwrap_or(u32::MAX),
    }
}

/// Where the comment of a line begins: at the first `#` outside of quotes, else at its end.
fn comment(row: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (at, character) in row.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '#') => return at,
            _ => {}
        }
    }
    row.len()
}

/// Whether a file is the user's: no installed package, not the standard library (`lib/python3.N/`).
fn own(file: &Path) -> bool {
    let parts: Vec<_> = file.iter().map(|part| part.to_string_lossy()).collect();
    let installed = parts
        .iter()
        .any(|part| part == "site-packages" || part == "dist-packages");
    let library = parts.windows(2).any(|pair| {
        let version = pair[1]
            .strip_prefix("python3.")
            .or_else(|| pair[1].strip_prefix("pypy3."));
        matches!(&*pair[0], "lib" | "lib64") && version.is_some()
    });
    file.is_absolute() && !installed && !library
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_begins_outside_of_quotes() {
        for (row, code) in [
            ("time.sleep(60)  # a while", "time.sleep(60)  "),
            (
                r##"say("#1", '\'#2')  # three"##,
                r##"say("#1", '\'#2')  "##,
            ),
            ("x = 1", "x = 1"),
        ] {
            assert_eq!(&row[..comment(row)], code);
        }
    }

    const STACK_TEXT: &str = "pounce probe\n3.12.1\n/usr/bin/python3\n\
        Current thread 0x00007f1c (most recent call first):\n  \
        File \"/usr/lib/python3.12/socket.py\", line 720 in accept\n  \
        File \"/srv/shop/db.py\", line 3 in connect\n  \
        File \"<frozen importlib._bootstrap>\", line 488 in _call_with_frames_removed\n  \
        File \"/srv/.venv/lib/python3.12/site-packages/x.py\", line 9 in <module>\n  \
        File \"<pounce probe>/launch.py\", line 20 in run\n  \
        File \"<string>\", line 70 in <module>\n";

    #[test]
    fn the_stack_is_turned_round_and_ownership_seen() {
        let trace = Trace::parse(STACK_TEXT);
        assert_eq!(
            trace.interpreter,
            Some(("3.12.1".into(), "/usr/bin/python3".into()))
        );
        let seen: Vec<_> = trace
            .frames
            .iter()
            .map(|f| (f.function.as_str(), f.own))
            .collect();
        assert_eq!(
            seen,
            [("<module>", false), ("connect", true), ("accept", false)]
        );
        assert!(Trace::complete(STACK_TEXT.as_bytes()));
        assert!(!Trace::complete(
            &STACK_TEXT.as_bytes()[..STACK_TEXT.len() - 40]
        ));
    }

    #[test]
    fn the_stack_of_the_interpreter_behind_it_is_passed_over() {
        let text = "pounce probe\n3.14.8\n/usr/bin/python3\n\
            Fatal Python error: Aborted\n\n\
            Stack (most recent call first):\n  \
            File \"/srv/shop/app.py\", line 8 in <module>\n  \
            File \"<string>\", line 70 in <module>\n\n\
            Current thread's C stack trace (most recent call first):\n  \
            Binary file \"/usr/bin/python3\", at _Py_DumpStack+0x4a [0x499c1d]\n  \
            Binary file \"/lib/libc.so.6\", at abort+0x24 [0x7fb7498cd507]\n";
        let trace = Trace::parse(text);
        let seen: Vec<_> = trace.frames.iter().map(|f| f.position.line).collect();
        assert_eq!(seen, [8]);
        assert!(Trace::complete(text.as_bytes()));
    }

    #[test]
    fn another_program_does_not_greet() {
        assert!(Trace::parse("").interpreter.is_none());
        assert!(Trace::parse("hello\n").interpreter.is_none());
    }
}
