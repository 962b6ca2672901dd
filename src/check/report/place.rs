//! Places as reports name them: file, line, column, and the path as the reader's tools know it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use crate::check::finding::{Finding, Spot};
use crate::check::judge::Verdict;
use crate::config::source::{MASK, Shown, Source, floor_char_boundary};
use crate::config::{Place, SourceId, Sources};

/// A range as people count it: lines and columns from 1, columns in characters; the end column
/// stands behind the last character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

/// A text with the index of its lines, so that a thousand places in it cost one reading.
#[derive(Debug)]
pub(super) struct Text<'a> {
    pub(super) source: &'a Source,
    pub(super) shown: Shown,
    /// Where the lines of the shown text start.
    pub(super) shown_starts: Vec<usize>,
    starts: Vec<usize>,
}

impl<'a> Text<'a> {
    fn new(source: &'a Source) -> Self {
        let shown = source.shown();
        Self {
            source,
            shown_starts: line_starts(&shown.text),
            shown,
            starts: line_starts(source.raw()),
        }
    }

    /// Line and column of a byte of the real text.
    pub(super) fn line_column(&self, offset: usize) -> (usize, usize) {
        let raw = self.source.raw();
        let offset = floor_char_boundary(raw, offset);
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let before = &raw[self.starts[line - 1]..offset];
        let before = before.strip_prefix('\u{feff}').unwrap_or(before);
        (line, before.chars().count() + 1)
    }

    /// Whether a line number says anything: in a file, and in a rendered text of several lines.
    pub(super) fn has_lines(&self) -> bool {
        self.source.path.is_some() || self.starts.len() > 1
    }

    /// The range of a span. Where a secret stands in it, it ends before the secret: the end column
    /// would tell how long it is.
    pub(super) fn region(&self, span: &Range<usize>) -> Region {
        let (line, column) = self.line_column(span.start);
        let (end_line, end_column) = match self.before_secret(span) {
            Some(visible) => (
                line + visible.matches('\n').count(),
                match visible.rsplit_once('\n') {
                    Some((_, last)) => last.chars().count() + 1,
                    None => column + visible.chars().count(),
                },
            ),
            None => self.line_column(span.end.max(span.start)),
        };
        Region {
            line,
            column,
            end_line,
            end_column,
        }
    }

    fn before_secret(&self, span: &Range<usize>) -> Option<&str> {
        let raw = self.source.raw();
        let start = floor_char_boundary(raw, span.start);
        let real = &raw[start..floor_char_boundary(raw, span.end).max(start)];
        let shown = self.shown.span(span);
        let text = &self.shown.text;
        let from = floor_char_boundary(text, shown.start);
        let shown = &text[from..floor_char_boundary(text, shown.end).max(from)];
        let at = shown.find(MASK).filter(|_| !real.contains(MASK))?;
        Some(&shown[..at])
    }
}

/// Byte offsets at which the lines of a text start.
fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0)
        .chain(text.match_indices('\n').map(|(at, _)| at + 1))
        .collect()
}

/// The texts that the findings of a verdict point into.
#[derive(Debug)]
pub(super) struct Texts<'a> {
    all: BTreeMap<SourceId, Text<'a>>,
}

impl<'a> Texts<'a> {
    pub(super) fn of(verdict: &Verdict, sources: &'a Sources) -> Self {
        let mut all = BTreeMap::new();
        for (place, _) in verdict.findings.iter().flat_map(places) {
            all.entry(place.source)
                .or_insert_with(|| Text::new(sources.get(place.source)));
        }
        Self { all }
    }

    pub(super) fn get(&self, source: SourceId) -> Option<&Text<'a>> {
        self.all.get(&source)
    }

    /// The first place of a finding, with its text.
    pub(super) fn first(&self, finding: &Finding) -> Option<(&Text<'a>, Region)> {
        let (place, _) = places(finding).next()?;
        let text = self.get(place.source)?;
        Some((text, text.region(&place.span)))
    }
}

/// The labels of a finding that stand in a text. After the judgement that is all of them.
pub(super) fn places(finding: &Finding) -> impl Iterator<Item = (&Place, &str)> {
    finding.labels.iter().filter_map(|label| match &label.spot {
        Spot::Place(place) => Some((place, label.text.as_str())),
        Spot::Python(_) => None,
    })
}

/// A file as tools name it that know a repository: below its root relative and with slashes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ToolPath {
    /// Below the root.
    Relative(String),
    /// Elsewhere.
    Absolute(PathBuf),
}

/// Where a repository's tools count paths from: `GITHUB_WORKSPACE` where it is set, else the working
/// directory.
pub(super) fn root() -> Option<PathBuf> {
    std::env::var_os("GITHUB_WORKSPACE")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::current_dir().ok())
}

/// The path of a file as seen from a root.
pub(super) fn tool_path(path: &Path, root: Option<&Path>) -> ToolPath {
    let absolute = normal(&std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()));
    match root.and_then(|root| absolute.strip_prefix(normal(root)).ok()) {
        Some(below) => ToolPath::Relative(
            below
                .components()
                .map(|part| part.as_os_str().to_string_lossy())
                .collect::<Vec<_>>()
                .join("/"),
        ),
        None => ToolPath::Absolute(absolute),
    }
}

/// Without `.` and `..`, by the text alone.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(text: &str, span: Range<usize>, mask: Option<Range<usize>>) -> Region {
        let mut sources = Sources::default();
        let id = sources.add("x", text);
        if let Some(mask) = mask {
            sources.mask(id, mask);
        }
        Text::new(sources.get(id)).region(&span)
    }

    fn numbers(region: Region) -> [usize; 4] {
        [
            region.line,
            region.column,
            region.end_line,
            region.end_column,
        ]
    }

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        assert_eq!(numbers(region("a\nöb c\n", 4..7, None)), [2, 2, 2, 5]);
        assert_eq!(numbers(region("a\nb\n", 0..4, None)), [1, 1, 3, 1]);
        assert_eq!(numbers(region("", 0..9, None)), [1, 1, 1, 1]);
        assert_eq!(numbers(region("\u{feff}ab", 3..5, None)), [1, 1, 1, 3]);
    }

    #[test]
    fn a_region_does_not_tell_how_long_a_secret_is() {
        for secret in ["hunter2", "hunter2hunter2"] {
            let text = format!("key = \"{secret}\"\n");
            let mask = 7..7 + secret.len();
            let region = region(&text, 0..text.len() - 1, Some(mask));
            assert_eq!(numbers(region), [1, 1, 1, 8]);
        }
    }

    #[test]
    fn paths_are_relative_below_the_root_and_absolute_elsewhere() {
        let root = Some(Path::new("/work/shop"));
        let path = |path: &str| tool_path(Path::new(path), root);
        assert_eq!(
            path("/work/shop/a/../src/app.py"),
            ToolPath::Relative("src/app.py".into())
        );
        assert_eq!(
            path("/work/shopping/app.py"),
            ToolPath::Absolute("/work/shopping/app.py".into())
        );
    }
}
