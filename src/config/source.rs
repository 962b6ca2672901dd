//! Texts that diagnostics point into: files, variables, the command line, Python sources.
//!
//! Every text is registered once in [`Sources`]; a [`Place`] is a span in one of them. Secrets are
//! masked here, when a text is shown, so no report can forget it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::secrets::{occurrences, user_information};

/// What replaces a secret. Always the same length, so that it does not tell the secret's.
pub const MASK: &str = "••••••••••••••••••••";

/// Handle of a text in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(usize);

/// A span, in bytes, of one text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// Which text.
    pub source: SourceId,
    /// Byte range in the unmasked text.
    pub span: Range<usize>,
}

/// One text.
#[derive(Debug, Clone)]
pub struct Source {
    /// As people see it: `pounce.toml`, `environment`, `command line`.
    pub name: String,
    /// The file behind it, if it is one.
    pub path: Option<PathBuf>,
    text: String,
    masks: Vec<Range<usize>>,
}

/// A text as it may be shown, with spans that fit it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The text, every secret replaced by [`MASK`].
    pub text: String,
    /// Where each masked range began and ended, and how many bytes the text moved behind it.
    shifts: Vec<(Range<usize>, isize)>,
}

impl Shown {
    /// The span of the shown text that stands for `span` of the real one.
    #[must_use]
    pub fn span(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.offset(span.start, false);
        let end = self.offset(span.end, true).max(start);
        start..end
    }

    fn offset(&self, at: usize, end: bool) -> usize {
        let mut shift = 0isize;
        for (range, behind) in &self.shifts {
            if at <= range.start {
                break;
            }
            if at < range.end {
                let start = range.start.saturating_add_signed(shift);
                return if end { start + MASK.len() } else { start };
            }
            shift = *behind;
        }
        at.saturating_add_signed(shift).min(self.text.len())
    }
}

impl Source {
    /// Line and column of a byte offset, both from 1; the column counts characters.
    #[must_use]
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let offset = floor_char_boundary(&self.text, offset);
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// The text as it may be shown.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let mut masks = self.masks.clone();
        masks.sort_by_key(|range| (range.start, range.end));
        let mut text = String::with_capacity(self.text.len());
        let mut shifts: Vec<(Range<usize>, isize)> = Vec::new();
        let mut done = 0;
        for mask in masks {
            let start = floor_char_boundary(&self.text, mask.start).max(done);
            let end = ceil_char_boundary(&self.text, mask.end);
            if end <= start {
                continue;
            }
            text.push_str(&self.text[done..start]);
            text.push_str(MASK);
            done = end;
            shifts.push((start..end, text.len().cast_signed() - end.cast_signed()));
        }
        text.push_str(&self.text[done..]);
        Shown { text, shifts }
    }

    /// The text itself, for parsing. Never print it: see [`Source::shown`].
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.text
    }
}

/// All texts of a run.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    all: Vec<Source>,
    secrets: Vec<String>,
}

impl Sources {
    /// Registers a text; user name and password of every URL in it are hidden from the start, and so
    /// is every secret that is known.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let text = text.into();
        let mut masks = user_information(&text);
        let secrets = self.secrets.iter();
        masks.extend(secrets.flat_map(|secret| occurrences(&text, secret)));
        self.all.push(Source {
            name: name.into(),
            path: None,
            masks,
            text,
        });
        SourceId(self.all.len() - 1)
    }

    /// Registers the text of a file under the name it was given by; the same file only once.
    pub fn add_file(&mut self, path: &Path, text: impl Into<String>) -> SourceId {
        if let Some(known) = self.file(path) {
            return known;
        }
        let id = self.add(display_path(path), text);
        self.all[id.0].path = Some(path.to_path_buf());
        id
    }

    /// The text of a file, read now if it is not known yet; `None` where it cannot be read.
    pub fn open(&mut self, path: &Path) -> Option<SourceId> {
        if let Some(known) = self.file(path) {
            return Some(known);
        }
        let bytes = std::fs::read(path).ok()?;
        Some(self.add_file(path, String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn file(&self, path: &Path) -> Option<SourceId> {
        self.all
            .iter()
            .position(|source| source.path.as_deref() == Some(path))
            .map(SourceId)
    }

    /// A text by its handle.
    #[must_use]
    pub fn get(&self, id: SourceId) -> &Source {
        &self.all[id.0]
    }

    /// Every text, in the order of registration.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.all.iter()
    }

    /// Hides a range of a text from everything that is shown.
    pub fn mask(&mut self, id: SourceId, span: Range<usize>) {
        self.all[id.0].masks.push(span);
    }

    /// Hides every occurrence of a secret in every text, those that come later included.
    ///
    /// Secrets shorter than four bytes are left alone: they would hide half of the text and are
    /// reported as too short anyway.
    pub fn mask_everywhere(&mut self, secret: &str) {
        if self.secrets.iter().any(|known| known == secret) {
            return;
        }
        for source in &mut self.all {
            source.masks.extend(occurrences(&source.text, secret));
        }
        self.secrets.push(secret.to_owned());
    }

    /// The secrets that are hidden everywhere.
    #[must_use]
    pub fn secrets(&self) -> &[String] {
        &self.secrets
    }
}

/// A path as people see it: relative to the working directory where it lies below it.
#[must_use]
pub fn display_path(path: &Path) -> String {
    let below = std::env::current_dir()
        .ok()
        .and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf));
    let shown = below.as_deref().unwrap_or(path);
    let shown = shown.strip_prefix("./").unwrap_or(shown);
    if shown.as_os_str().is_empty() {
        return ".".into();
    }
    shown.display().to_string()
}

/// The last boundary of a character at or before `at`.
pub(crate) fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The first boundary of a character at or behind `at`.
pub(crate) fn ceil_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str, masks: impl IntoIterator<Item = Range<usize>>) -> Source {
        Source {
            name: "x".into(),
            path: None,
            text: text.into(),
            masks: masks.into_iter().collect(),
        }
    }

    #[test]
    fn a_mask_hides_the_text_and_moves_the_spans_behind_it() {
        let shown = source("key = \"abc\"\nport = 1\n", std::iter::once(7..10)).shown();
        assert_eq!(shown.text, format!("key = \"{MASK}\"\nport = 1\n"));
        let port = shown.span(&(12..16));
        assert_eq!(&shown.text[port], "port");
        let value = shown.span(&(6..11));
        assert_eq!(&shown.text[value], format!("\"{MASK}\""));
        let inside = shown.span(&(8..9));
        assert_eq!(&shown.text[inside], MASK);
    }

    #[test]
    fn overlapping_masks_are_one() {
        let shown = source("abcdef", [1..4, 2..5, 0..2]).shown();
        assert_eq!(shown.text, format!("{MASK}{MASK}{MASK}f"));
        assert_eq!(&shown.text[shown.span(&(5..6))], "f");
    }

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let source = source("a\nöb\n", []);
        assert_eq!(source.line_column(0), (1, 1));
        assert_eq!(source.line_column(4), (2, 2));
        assert_eq!(source.line_column(99), (3, 1));
    }

    #[test]
    fn user_information_of_urls_is_hidden_in_every_text() {
        let mut sources = Sources::default();
        let id = sources.add("a.py", "DB = 'postgres://shop:hunter22@db/shop'");
        let shown = sources.get(id).shown().text;
        assert_eq!(shown, format!("DB = 'postgres://{MASK}@db/shop'"));
    }

    #[test]
    fn a_secret_is_hidden_wherever_it_stands() {
        let mut sources = Sources::default();
        let id = sources.add("a.py", "K = 'hunter22'\nx('hunter22')");
        sources.mask_everywhere("hunter22");
        assert!(!sources.get(id).shown().text.contains("hunter22"));
        let later = sources.add("b.py", "'hunter22'");
        assert!(!sources.get(later).shown().text.contains("hunter22"));
    }
}
