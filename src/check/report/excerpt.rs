//! The lines of a text that a finding shows, made fit for a terminal, with labels under them.
//!
//! miette draws; what it draws is prepared here: secrets masked, tabs expanded, control characters
//! made visible, long lines cut to a window around their labels, line numbers those of the real text.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};

use unicode_width::UnicodeWidthStr;

use super::place::Text;
use super::{Style, printable};

/// Fewest columns that a line is cut to.
const LEAST: usize = 24;
/// Columns that a cut line keeps in front of its first label.
const LEAD: usize = 12;

/// A label on the real text.
#[derive(Debug, Clone)]
pub(super) struct Mark<'a> {
    pub(super) span: Range<usize>,
    pub(super) text: &'a str,
    /// Whether it is the place that caused the finding.
    pub(super) primary: bool,
}

/// Draws the labelled lines of a text; ends with a newline.
pub(super) fn draw(text: &Text<'_>, marks: &[Mark<'_>], style: Style) -> String {
    let excerpt = Excerpt::new(text, marks, style);
    let theme = match (style.unicode, style.color) {
        (true, true) => GraphicalTheme::unicode(),
        (true, false) => GraphicalTheme::unicode_nocolor(),
        (false, true) => GraphicalTheme::ascii(),
        (false, false) => GraphicalTheme::none(),
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .without_cause_chain()
        .without_primary_span_start()
        .without_syntax_highlighting()
        .with_wrap_lines(false)
        .with_context_lines(1);
    let mut drawn = String::new();
    if handler.render_report(&mut drawn, &excerpt).is_err() {
        // Writing to a String does not fail, and every label lies in the excerpt.
        return String::new();
    }
    // The first line is for a message, which this report writes itself.
    drawn
        .split_once('\n')
        .map_or_else(String::new, |(_, snippet)| snippet.to_owned())
}

#[derive(Debug)]
struct Line {
    number: usize,
    start: usize,
    /// Behind its newline.
    end: usize,
}

#[derive(Debug)]
struct Excerpt {
    text: String,
    lines: Vec<Line>,
    labels: Vec<LabeledSpan>,
    /// Offset of a label to what the head of its snippet says.
    heads: BTreeMap<usize, String>,
}

/// Labels of one line, by their index, with their spans in that line.
type OfLine = Vec<(usize, Range<usize>)>;

impl Excerpt {
    fn new(text: &Text<'_>, marks: &[Mark<'_>], style: Style) -> Self {
        let shown = &text.shown.text;
        let starts = text.shown_starts.as_slice();
        let mut wanted: BTreeMap<usize, (usize, OfLine)> = BTreeMap::new();
        let mut places = Vec::with_capacity(marks.len());
        for (index, mark) in marks.iter().enumerate() {
            let span = text.shown.span(&mark.span);
            let line = starts.partition_point(|start| *start <= span.start).max(1) - 1;
            let place = text.line_column(mark.span.start);
            let content = content(shown, starts, line);
            // A label of many lines is drawn under its first one.
            let start = (span.start - starts[line]).min(content.len());
            let end = (span.end - starts[line]).min(content.trim_end().len());
            wanted
                .entry(line)
                .or_insert((place.0, Vec::new()))
                .1
                .push((index, start..end.max(start)));
            places.push(place);
        }
        let mut excerpt = Self {
            text: String::new(),
            lines: Vec::new(),
            labels: Vec::new(),
            heads: BTreeMap::new(),
        };
        let gutter = wanted
            .values()
            .map(|(number, _)| number.to_string().len())
            .max()
            .unwrap_or(1)
            + 5;
        let room = style.width.saturating_sub(gutter).max(LEAST);
        for (line, (number, of_line)) in &wanted {
            let before = line.checked_sub(1).filter(|before| {
                text.source.path.is_some()
                    && !wanted.contains_key(before)
                    && !content(shown, starts, *before).trim().is_empty()
            });
            if let Some(before) = before {
                let content = content(shown, starts, before);
                excerpt.push(number.saturating_sub(1), content, &[], room, style.unicode);
            }
            let content = content(shown, starts, *line);
            let drawn = excerpt.push(*number, content, of_line, room, style.unicode);
            for ((index, _), span) in of_line.iter().zip(drawn) {
                let mark = &marks[*index];
                excerpt
                    .heads
                    .entry(span.start)
                    .or_insert_with(|| head(text, places[*index], style.unicode));
                let before = excerpt.text
                    [excerpt.lines.last().map_or(0, |line| line.start)..span.start]
                    .width();
                let room = room.saturating_sub(before + excerpt.text[span.clone()].width() / 2);
                excerpt.labels.push(label(mark, &span, room, style.unicode));
            }
        }
        excerpt
    }

    /// Adds a line and gives the spans, in the excerpt, of its labels.
    fn push(
        &mut self,
        number: usize,
        content: &str,
        labels: &[(usize, Range<usize>)],
        room: usize,
        unicode: bool,
    ) -> Vec<Range<usize>> {
        let start = self.text.len();
        let spans = labels.iter().map(|(_, span)| span.clone()).collect();
        let spans = fit(content, spans, room, unicode, &mut self.text);
        self.text.push('\n');
        self.lines.push(Line {
            number,
            start,
            end: self.text.len(),
        });
        spans
    }

    fn line_at(&self, offset: usize) -> usize {
        self.lines
            .partition_point(|line| line.end <= offset)
            .min(self.lines.len().saturating_sub(1))
    }
}

/// A line of a text without its end.
fn content<'t>(text: &'t str, starts: &[usize], line: usize) -> &'t str {
    let end = starts.get(line + 1).map_or(text.len(), |next| next - 1);
    let line = &text[starts[line]..end];
    line.strip_suffix('\r').unwrap_or(line)
}

fn head(text: &Text<'_>, (line, column): (usize, usize), unicode: bool) -> String {
    let name = printable::line(&text.source.name, unicode);
    if text.source.path.is_some() {
        format!("{name}:{line}:{column}")
    } else {
        name
    }
}

fn label(mark: &Mark<'_>, span: &Range<usize>, room: usize, unicode: bool) -> LabeledSpan {
    let text = printable::line(mark.text, unicode);
    // The hook in front of a label takes four columns.
    let lines = textwrap::wrap(&text, room.saturating_sub(4).max(LEAST));
    let text = (!text.is_empty()).then(|| lines.join("\n"));
    let length = span.len();
    if mark.primary {
        LabeledSpan::new_primary_with_span(text, (span.start, length))
    } else {
        LabeledSpan::new_with_span(text, (span.start, length))
    }
}

/// A character of a line as it will be printed.
struct Cell {
    /// Offset in the line.
    at: usize,
    printed: std::borrow::Cow<'static, str>,
    column: usize,
    width: usize,
}

/// Prints a line into `out`, cut to `room` columns around its first label, and gives the spans of
/// the labels in `out`.
fn fit(
    line: &str,
    spans: Vec<Range<usize>>,
    room: usize,
    unicode: bool,
    out: &mut String,
) -> Vec<Range<usize>> {
    let mut cells = Vec::with_capacity(line.len());
    let mut column = 0;
    for (at, character) in line.char_indices() {
        // A byte order mark, which no editor shows.
        if (at, character) == (0, '\u{feff}') {
            continue;
        }
        let (printed, width) = printable::character(character, column, unicode);
        cells.push(Cell {
            at,
            printed,
            column,
            width,
        });
        column += width;
    }
    let (from, to) = window(&cells, column, &spans, room);
    let ellipsis = if unicode { "…" } else { "..." };
    if from > 0 {
        out.push_str(ellipsis);
    }
    let mut offsets = Vec::with_capacity(to - from + 1);
    for cell in &cells[from..to] {
        offsets.push((cell.at, out.len()));
        out.push_str(&cell.printed);
    }
    let end = out.len();
    if to < cells.len() {
        out.push_str(ellipsis);
    }
    let printed_at = |at: usize| {
        let index = offsets.partition_point(|(offset, _)| *offset < at);
        offsets.get(index).map_or(end, |(_, printed)| *printed)
    };
    spans
        .into_iter()
        .map(|span| {
            let start = printed_at(span.start);
            start..printed_at(span.end).max(start)
        })
        .collect()
}

/// Which cells of a line are printed.
fn window(cells: &[Cell], width: usize, spans: &[Range<usize>], room: usize) -> (usize, usize) {
    if width <= room {
        return (0, cells.len());
    }
    let column_of = |at: usize| {
        let index = cells.partition_point(|cell| cell.at < at);
        cells.get(index).map_or(width, |cell| cell.column)
    };
    // Room for an ellipsis on either side.
    let room = room.saturating_sub(6).max(1);
    let first = spans.iter().min_by_key(|span| span.start);
    let from = match first {
        Some(span) if column_of(span.end) > room => {
            let latest = width.saturating_sub(room);
            column_of(span.start).saturating_sub(LEAD).min(latest)
        }
        _ => 0,
    };
    let start = cells.partition_point(|cell| cell.column < from);
    let end = cells.partition_point(|cell| cell.column + cell.width <= from + room);
    (start, end.max(start))
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        context_before: usize,
        _context_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let mut first = self.line_at(span.offset());
        let last = self.line_at(span.offset() + span.len()).max(first);
        // Only the head asks without context, for its name.
        let adjoins =
            |line: usize| line > 0 && self.lines[line - 1].number + 1 == self.lines[line].number;
        if context_before > 0 && adjoins(first) {
            first -= 1;
        }
        let (Some(from), Some(to)) = (self.lines.get(first), self.lines.get(last)) else {
            return Err(MietteError::OutOfBounds);
        };
        let data = &self.text.as_bytes()[from.start..to.end];
        let head = self.heads.get(&span.offset()).cloned().unwrap_or_default();
        Ok(Box::new(MietteSpanContents::new_named(
            head,
            data,
            (from.start, data.len()).into(),
            from.number.saturating_sub(1),
            0,
            last - first + 1,
        )))
    }
}

impl Diagnostic for Excerpt {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Excerpt {}
