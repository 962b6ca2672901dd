//! `full`: for people. What is wrong, the line that caused it, why it matters, what to do.

use textwrap::{WordSeparator, WordSplitter};
use unicode_width::UnicodeWidthStr;

use super::excerpt::{self, Mark};
use super::paint::Role;
use super::place::{Text, Texts, places};
use super::{Options, Style, printable, summary};
use crate::check::finding::{Finding, Severity};
use crate::check::judge::Verdict;
use crate::check::rule::Tool;
use crate::check::rules;
use crate::config::{SourceId, Sources};

/// Prose is not written wider than this.
const WIDEST: usize = 100;
/// Nor narrower.
const NARROWEST: usize = 40;
/// Where the text behind `why` and `help` starts.
const INDENT: usize = 8;

pub(super) fn render(verdict: &Verdict, sources: &Sources, options: &Options) -> String {
    let texts = Texts::of(verdict, sources);
    let mut out = String::new();
    for finding in options.shown(verdict) {
        write_finding(&mut out, finding, verdict, &texts, options.style);
        out.push('\n');
    }
    for line in summary::lines(verdict, options) {
        out.push_str(&line);
        out.push('\n');
    }
    out
}

fn write_finding(
    out: &mut String,
    finding: &Finding,
    verdict: &Verdict,
    texts: &Texts<'_>,
    style: Style,
) {
    let icon = match (finding.severity, style.unicode) {
        (Severity::Error, true) => "×",
        (Severity::Error, false) => "x",
        (Severity::Warning, true) => "⚠",
        (Severity::Warning, false) => "!",
        (Severity::Info, true) => "☞",
        (Severity::Info, false) => ">",
    };
    let icon = style.paint(Role::Severity(finding.severity), icon);
    for (number, line) in wrap(&finding.message, 4, style).into_iter().enumerate() {
        let lead = if number == 0 { icon.as_str() } else { " " };
        out.push_str(&format!("  {lead} {}\n", style.paint(Role::Strong, &line)));
    }
    for (source, marks) in by_source(finding) {
        if let Some(text) = texts.get(source) {
            let (first, further) = around_first(text, marks);
            out.push_str(&excerpt::draw(text, &first, style));
            if !further.is_empty() {
                out.push_str(&excerpt::draw(text, &further, style));
            }
        }
    }
    let help: Vec<&str> = finding.help.iter().map(String::as_str).collect();
    write_footer(out, "why", finding.why.as_slice(), style);
    write_footer(out, "note", &unsaid_details(finding), style);
    write_footer(out, "help", &help, style);
    write_rule(out, finding, verdict, style);
}

/// The labels, text by text, in the order of the first label in each.
fn by_source(finding: &Finding) -> Vec<(SourceId, Vec<Mark<'_>>)> {
    let mut all: Vec<(SourceId, Vec<Mark<'_>>)> = Vec::new();
    for (index, (place, text)) in places(finding).enumerate() {
        let mark = Mark {
            span: place.span.clone(),
            text,
            primary: index == 0,
        };
        match all.iter_mut().find(|(source, _)| *source == place.source) {
            Some((_, marks)) => marks.push(mark),
            None => all.push((place.source, vec![mark])),
        }
    }
    all
}

/// The labels of one text as two snippets: the one with the first label, and the rest. A snippet is
/// drawn from top to bottom, and the place that caused the finding has to come first.
fn around_first<'m>(text: &Text<'_>, marks: Vec<Mark<'m>>) -> (Vec<Mark<'m>>, Vec<Mark<'m>>) {
    /// Labels that are at most so many lines apart share a snippet.
    const NEAR: usize = 2;
    let mut numbered: Vec<(usize, Mark<'m>)> = marks
        .into_iter()
        .map(|mark| (text.line_column(mark.span.start).0, mark))
        .collect();
    let Some(mut reach) = numbered.first().map(|(line, _)| *line..=*line) else {
        return (Vec::new(), Vec::new());
    };
    let mut first = Vec::new();
    while let Some(index) = numbered.iter().position(|(line, _)| {
        (reach.start().saturating_sub(NEAR)..=reach.end() + NEAR).contains(line)
    }) {
        let (line, mark) = numbered.remove(index);
        reach = line.min(*reach.start())..=line.max(*reach.end());
        first.push(mark);
    }
    let further = numbered.into_iter().map(|(_, mark)| mark).collect();
    (first, further)
}

/// The lines of the details that no label says.
fn unsaid_details(finding: &Finding) -> Vec<&str> {
    let said = |line: &str| finding.labels.iter().any(|label| label.text == line);
    let details = finding.details.as_deref().unwrap_or_default();
    details.lines().filter(|line| !said(line)).collect()
}

fn prose_width(style: Style) -> usize {
    style.width.clamp(NARROWEST, WIDEST)
}

fn wrap(text: &str, indent: usize, style: Style) -> Vec<String> {
    // Commands are copied from here: they break at spaces, never inside a word.
    let options = textwrap::Options::new(prose_width(style) - indent)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    printable::lines(text, style.unicode)
        .iter()
        .flat_map(|line| textwrap::wrap(line, &options))
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// `  help  text`, further lines under the text.
fn write_footer<S: AsRef<str>>(out: &mut String, key: &str, texts: &[S], style: Style) {
    let lines = texts
        .iter()
        .flat_map(|text| wrap(text.as_ref(), INDENT, style));
    for (number, line) in lines.enumerate() {
        if number == 0 {
            out.push_str("  ");
            out.push_str(&style.paint(Role::Key, key));
            out.push_str(&" ".repeat(INDENT - 2 - key.len()));
        } else if !line.is_empty() {
            out.push_str(&" ".repeat(INDENT));
        }
        out.push_str(&line);
        out.push('\n');
    }
}

/// `        secret_key, error in production                 chirp rule secret_key`
fn write_rule(out: &mut String, finding: &Finding, verdict: &Verdict, style: Style) {
    let severity = finding.severity.as_str();
    let by_posture = verdict.tool == Tool::Chirp
        && rules::find(finding.rule).is_some_and(|rule| rule.severities.contains(" / "));
    let left = if by_posture {
        let posture = verdict.posture.as_str();
        format!("{}, {severity} in {posture}", finding.rule)
    } else {
        format!("{}, {severity}", finding.rule)
    };
    let right = format!("{} rule {}", verdict.tool.name(), finding.rule);
    let taken = INDENT + left.width() + right.width();
    let gap = prose_width(style).saturating_sub(taken).max(2);
    let line = format!("{left}{}{right}", " ".repeat(gap));
    out.push_str(&" ".repeat(INDENT));
    out.push_str(&style.paint(Role::Faint, &line));
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{self, SECRET};
    use super::super::{BaselineResult, Format, Options, render};
    use super::*;
    use crate::check::finding::Finding;
    use crate::config::Place;

    fn styled(color: bool, unicode: bool, width: usize) -> Options {
        Options {
            style: Style {
                color,
                unicode,
                width,
            },
            ..Options::default()
        }
    }

    fn full(options: &Options) -> String {
        let (verdict, sources) = testing::verdict();
        render(Format::Full, &verdict, &sources, options)
    }

    fn of(finding: Finding, sources: &Sources, style: Style) -> String {
        let verdict = Verdict {
            findings: vec![finding],
            ..testing::empty()
        };
        let mut out = String::new();
        let texts = Texts::of(&verdict, sources);
        write_finding(&mut out, &verdict.findings[0], &verdict, &texts, style);
        out
    }

    #[test]
    fn everything_for_a_wide_terminal() {
        insta::assert_snapshot!(full(&styled(false, true, 100)));
    }

    #[test]
    fn everything_in_ascii_and_narrow() {
        let out = full(&styled(false, false, 60));
        assert!(out.is_ascii(), "{out}");
        insta::assert_snapshot!(out);
    }

    #[test]
    fn colours_only_where_they_are_wanted() {
        assert!(!full(&styled(false, true, 100)).contains('\u{1b}'));
        let coloured = full(&styled(true, true, 100));
        assert!(coloured.contains("\u{1b}[31m×\u{1b}[0m"));
        assert!(coloured.contains("\u{1b}[31mnot ready\u{1b}[0m"));
    }

    #[test]
    fn a_ready_app_is_one_line() {
        let verdict = testing::empty();
        let sources = Sources::default();
        let out = render(Format::Full, &verdict, &sources, &Options::default());
        let line = "ready: 12 routes, 3 middleware, 14 rules, as production in 84 ms\n";
        assert_eq!(out, line);
    }

    #[test]
    fn without_an_app_settings_are_counted() {
        let verdict = Verdict {
            tool: Tool::Pounce,
            deploy: false,
            import_ms: None,
            findings: vec![Finding::warning("bind", "x")],
            ..testing::empty()
        };
        let sources = Sources::default();
        let out = render(Format::Full, &verdict, &sources, &Options::default());
        let end = "checked 80 settings in 84 ms\nready: 0 errors, 1 warning\n";
        assert!(out.ends_with(end), "{out}");
    }

    #[test]
    fn an_app_that_does_not_import_was_not_judged() {
        let verdict = Verdict {
            findings: vec![Finding::error("import", "no module is called shop")],
            routes: 0,
            ..testing::empty()
        };
        let sources = Sources::default();
        let out = render(Format::Full, &verdict, &sources, &Options::default());
        assert!(!out.contains("0 routes"), "{out}");
        assert!(out.contains("the app did not import, so nothing of it was judged\n"));
    }

    #[test]
    fn a_baseline_hides_what_was_known() {
        let out = full(&Options {
            baseline: Some(BaselineResult {
                added: vec![1],
                removed: vec![serde_json::json!({})],
            }),
            ..styled(false, true, 100)
        });
        assert!(out.contains("secret_key is empty"));
        assert!(!out.contains("unknown key"));
        assert!(out.contains("not ready: 1 error, 0 warnings\n"));
        assert!(out.ends_with("baseline: 6 known findings not shown, 1 gone\n"));
    }

    #[test]
    fn a_source_line_cannot_drive_the_terminal() {
        let mut sources = Sources::default();
        let text = "\tkey = \"\u{1b}]0;title\u{7}\u{202e}\"\t# 界\r\nnext = 1\r\n";
        let id = sources.add_file(Path::new("/srv/x.toml"), text);
        let finding = Finding::error("config", "bad \u{1b}[2J")
            .at(testing::find(&sources, id, "# 界"), "\u{1b}[1mhere");
        let out = of(finding, &sources, Style::default());
        assert!(!out.contains(['\u{1b}', '\u{7}', '\u{202e}', '\t', '\r']));
        insta::assert_snapshot!(out);
    }

    #[test]
    fn a_long_line_is_cut_around_its_label() {
        let mut sources = Sources::default();
        let text = format!("a = [{}wanted, {}]\n", "1, ".repeat(500), "2, ".repeat(500));
        let id = sources.add_file(Path::new("/srv/x.toml"), text);
        let finding = Finding::error("config", "too much")
            .at(testing::find(&sources, id, "wanted"), "this one");
        let out = of(finding, &sources, Style::default());
        assert!(out.lines().all(|line| line.width() <= 80), "{out}");
        insta::assert_snapshot!(out);
    }

    #[test]
    fn a_call_over_many_lines_is_labelled_at_its_first() {
        let mut sources = Sources::default();
        let call = "App(\n    AppConfig(\n        env=\"staging\",\n    ),\n)";
        let id = sources.add_file(Path::new("/srv/x.py"), format!("app = {call}\n"));
        let finding = Finding::error("secret_key", "secret_key is empty")
            .at(testing::find(&sources, id, call), "not here")
            .at(testing::find(&sources, id, "env=\"staging\""), "nor there");
        insta::assert_snapshot!(of(finding, &sources, Style::default()));
    }

    use std::path::Path;

    fn any_finding() -> impl Strategy<Value = Finding> {
        let severity = prop_oneof![
            Just(Severity::Error),
            Just(Severity::Warning),
            Just(Severity::Info)
        ];
        let label = (0..3usize, 0..90usize, 0..90usize, ".{0,12}");
        (
            severity,
            "\\PC{0,20}|.{0,20}",
            proptest::collection::vec(label, 0..5),
            proptest::option::of(".{0,120}"),
            proptest::collection::vec("[ -~\n]{0,60}", 0..3),
            proptest::option::of("(?s).{0,40}"),
        )
            .prop_map(|(severity, message, labels, why, help, details)| {
                let mut finding = Finding::new("config", severity, message);
                for (source, start, length, text) in labels {
                    let mut sources = Sources::default();
                    let ids = [(); 3].map(|()| sources.add("", ""));
                    let place = Place {
                        source: ids[source],
                        span: start..start + length,
                    };
                    finding = finding.at(Some(place), text);
                }
                finding.why = why;
                finding.help = help;
                finding.details = details;
                finding
            })
    }

    proptest! {
        #[test]
        fn no_finding_breaks_a_report(
            texts in proptest::collection::vec(("(?s).{0,80}|[a-z\\t\n =\"]{0,80}", 0..80usize, 0..20usize), 3),
            findings in proptest::collection::vec(any_finding(), 0..4),
            (color, unicode, width) in (any::<bool>(), any::<bool>(), 0..130usize),
            include_info in any::<bool>(),
        ) {
            let mut sources = Sources::default();
            for (number, (text, mask, length)) in texts.into_iter().enumerate() {
                let id = if number == 2 {
                    sources.add("command line", text)
                } else {
                    sources.add_file(Path::new(&format!("/srv/{number}.py")), text)
                };
                sources.mask(id, mask..mask + length);
            }
            let verdict = Verdict { findings, ..testing::empty() };
            let options = Options { include_info, ..styled(color, unicode, width) };
            for format in Format::ALL {
                let out = render(format, &verdict, &sources, &options);
                if !color && matches!(format, Format::Full | Format::Concise | Format::Github) {
                    prop_assert!(!out.chars().any(|one| one.is_control() && one != '\n'));
                    prop_assert!(unicode || format == Format::Github || out.is_ascii(), "{out}");
                }
                if matches!(format, Format::Json | Format::Sarif) {
                    prop_assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok());
                }
            }
        }
    }

    #[test]
    fn no_format_shows_a_secret() {
        let (verdict, sources) = testing::verdict();
        for format in Format::ALL {
            let out = render(format, &verdict, &sources, &Options::default());
            assert!(!out.contains(SECRET), "{format:?}");
        }
    }
}
