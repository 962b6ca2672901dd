//! Python positions (line and UTF-8 column) as places in a registered text.

use super::snapshot::Position;
use crate::config::{Place, Sources};

/// The place of a position; `None` where the file cannot be read or has no such line.
pub fn place(position: &Position, sources: &mut Sources) -> Option<Place> {
    let source = sources.open(&position.file)?;
    let text = sources.get(source).raw();
    let start = offset(text, position.line, position.column)?;
    let end = offset(text, position.end_line, position.end_column)?.max(start);
    Some(Place {
        source,
        span: start..end,
    })
}

fn offset(text: &str, line: u32, column: u32) -> Option<usize> {
    let mut start = 0;
    let mut lines = text.split_inclusive('\n');
    for _ in 1..line {
        start += lines.next()?.len();
    }
    let length = lines.next().map_or(0, str::len);
    let mut at = start + (column as usize).min(length);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::offset;

    #[test]
    fn columns_count_bytes_and_stay_within_their_line() {
        assert_eq!(offset("ab\ncd\n", 2, 1), Some(4));
        assert_eq!(offset("ab\ncd", 1, 99), Some(3));
        assert_eq!(offset("ö\n", 1, 1), Some(0));
        assert_eq!(offset("a\n", 9, 0), None);
    }
}
