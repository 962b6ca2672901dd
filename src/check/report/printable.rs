//! Text from outside, made safe to print: no escape sequence, no character that reorders a line or
//! hides in it reaches a terminal or a log.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// Columns between two tab stops.
const TAB: usize = 4;

/// One character as it is printed at a column, and how wide it is there.
pub(super) fn character(
    character: char,
    column: usize,
    unicode: bool,
) -> (Cow<'static, str>, usize) {
    if character == '\t' {
        let width = TAB - column % TAB;
        return (Cow::Borrowed(&"    "[..width]), width);
    }
    let shown = visible(character, unicode);
    let width = shown.chars().map(|shown| shown.width().unwrap_or(0)).sum();
    (shown, width)
}

fn visible(character: char, unicode: bool) -> Cow<'static, str> {
    let code = u32::from(character);
    if character.is_control() || is_invisible(character) {
        return match char::from_u32(0x2400 + code) {
            Some(picture) if unicode && code < 0x20 => Cow::Owned(picture.to_string()),
            _ if code == 0x7f && unicode => Cow::Borrowed("\u{2421}"),
            _ if code < 0x100 => Cow::Owned(format!("\\x{code:02x}")),
            _ => Cow::Owned(format!("\\u{{{code:x}}}")),
        };
    }
    if unicode || character.is_ascii() {
        return Cow::Owned(character.to_string());
    }
    Cow::Borrowed(match character {
        '•' => "*",
        '…' => "...",
        '×' => "x",
        '–' | '—' => "-",
        '‘' | '’' => "'",
        '“' | '”' => "\"",
        _ => "?",
    })
}

/// Characters that are there and not seen, or that turn the order of a line around
/// (CVE-2021-42574).
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// A text as one printable line.
pub(super) fn line(text: &str, unicode: bool) -> String {
    let mut printed = String::with_capacity(text.len());
    for one in text.trim_end_matches(['\n', '\r']).chars() {
        match one {
            '\n' | '\t' => printed.push(' '),
            '\r' => {}
            other => printed.push_str(&character(other, 0, unicode).0),
        }
    }
    printed
}

/// A text as printable lines: its own line ends stay.
pub(super) fn lines(text: &str, unicode: bool) -> Vec<String> {
    text.lines().map(|one| line(one, unicode)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_reordering_are_made_visible() {
        assert_eq!(line("a\u{1b}[31mb\u{7}", true), "a␛[31mb␇");
        assert_eq!(line("a\u{1b}[31mb\u{7f}", false), "a\\x1b[31mb\\x7f");
        assert_eq!(line("a\u{202e}b\u{200b}", true), "a\\u{202e}b\\u{200b}");
        assert_eq!(line("a\u{9b}31m", true), "a\\x9b31m");
        assert_eq!(line("one\r\ntwo\n", true), "one two");
    }

    #[test]
    fn ascii_keeps_the_mask_and_replaces_the_rest() {
        assert_eq!(line("••• “é”…", false), "*** \"?\"...");
    }

    #[test]
    fn a_tab_reaches_to_the_next_stop() {
        assert_eq!(character('\t', 1, true), (Cow::Borrowed("   "), 3));
        assert_eq!(character('\t', 4, true), (Cow::Borrowed("    "), 4));
        assert_eq!(character('界', 0, true).1, 2);
    }
}
