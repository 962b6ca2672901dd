//! Positions as Python's `ast` counts them, as byte spans of a text.

use std::ops::Range;

use super::snapshot::Position;
use crate::config::source::{ceil_char_boundary, floor_char_boundary};
use crate::config::{Place, Sources};

/// The place of a position; `None` where the file cannot be read or has no such line.
pub fn place(position: &Position, sources: &mut Sources) -> Option<Place> {
    let source = sources.open(&position.file)?;
    let span = span(sources.get(source).raw(), position)?;
    Some(Place { source, span })
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The bytes of `text` that a position covers; `None` where the text has no such line (it was
/// changed since the app was imported).
#[must_use]
pub fn span(text: &str, position: &Position) -> Option<Range<usize>> {
    Lines::of(text).span(text, position)
}

/// The lines of a text, found once for many positions in it.
#[derive(Debug, Clone)]
pub struct Lines(Vec<Range<usize>>);

impl Lines {
    /// Finds the lines of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(lines(text).collect())
    }

    /// What [`span`] says, for the text that these are the lines of.
    #[must_use]
    pub fn span(&self, text: &str, position: &Position) -> Option<Range<usize>> {
        let index = |line: u32| usize::try_from(line).ok()?.checked_sub(1);
        let first = index(position.line)?;
        let last = index(position.end_line)?
            .max(first)
            .min(self.0.len().checked_sub(1)?);
        let (start_line, end_line) = (self.0.get(first)?, self.0.get(last)?);
        let start = floor_char_boundary(text, column(start_line, position.column));
        let end = ceil_char_boundary(text, column(end_line, position.end_column));
        Some(start..end.max(start))
    }
}

fn column(line: &Range<usize>, column: u32) -> usize {
    let column = usize::try_from(column).unwrap_or(usize::MAX);
    line.start.saturating_add(column).min(line.end)
}

/// The lines of a text as Python ends them (`\n`, `\r\n`, `\r`), without their ends, and without a
/// byte order mark, which Python's columns do not count.
fn lines(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut next = if text.starts_with(BYTE_ORDER_MARK) {
        Some(BYTE_ORDER_MARK.len_utf8())
    } else {
        Some(0)
    };
    std::iter::from_fn(move || {
        let start = next?;
        let rest = &text.as_bytes()[start..];
        let Some(length) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            next = None;
            return Some(start..text.len());
        };
        let ending = if rest[length..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
        next = Some(start + length + ending);
        Some(start..start + length)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32, end_line: u32, end_column: u32) -> Position {
        Position {
            file: "shop.py".into(),
            line,
            column,
            end_line,
            end_column,
        }
    }

    #[test]
    fn columns_are_bytes_and_lines_end_as_in_python() {
        let text = "\u{feff}import os\r\nname = \"ö\"; app = 1\rlast\n";
        let cut = |position| span(text, &position).map(|span| &text[span]);
        assert_eq!(cut(at(1, 0, 1, 6)), Some("import"));
        assert_eq!(cut(at(2, 13, 2, 16)), Some("app"));
        assert_eq!(cut(at(2, 13, 3, 4)), Some("app = 1\rlast"));
        assert_eq!(cut(at(4, 0, 4, 0)), Some(""));
        assert_eq!(cut(at(5, 0, 5, 1)), None);
    }

    #[test]
    fn a_position_beyond_the_text_is_cut_off() {
        let text = "é = 1";
        let cut = |position| span(text, &position).map(|span| &text[span]);
        assert_eq!(cut(at(1, 1, 1, u32::MAX)), Some("é = 1"));
        assert_eq!(cut(at(1, 4, 9, 9)), Some(" 1"));
        assert_eq!(cut(at(1, 5, 1, 2)), Some(""));
    }
}
