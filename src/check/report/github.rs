//! `github`: workflow commands that a GitHub runner turns into annotations.
//!
//! Syntax and escaping as GitHub documents them under "Workflow commands for GitHub Actions".

use std::fmt::Write as _;
use std::path::Path;

use super::place::{self, Texts, ToolPath, tool_path};
use super::{Options, printable};
use crate::check::finding::{Finding, Severity};
use crate::check::judge::Verdict;
use crate::config::Sources;

pub(super) fn render(verdict: &Verdict, sources: &Sources, options: &Options) -> String {
    let texts = Texts::of(verdict, sources);
    let root = place::root();
    let mut out = String::new();
    for finding in options.shown(verdict) {
        out.push_str(&command(finding, &texts, root.as_deref(), options));
        out.push('\n');
    }
    out
}

fn command(finding: &Finding, texts: &Texts<'_>, root: Option<&Path>, options: &Options) -> String {
    let name = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let mut properties = Vec::new();
    let mut origin = None;
    if let Some((text, region)) = texts.first(finding) {
        if let Some(path) = &text.source.path {
            let file = match tool_path(path, root) {
                ToolPath::Relative(path) => path,
                ToolPath::Absolute(path) => path.display().to_string(),
            };
            properties.push(("file", file));
            properties.push(("line", region.line.to_string()));
            properties.push(("endLine", region.end_line.to_string()));
            // Columns stand for one line only.
            if region.line == region.end_line {
                properties.push(("col", region.column.to_string()));
                properties.push(("endColumn", region.end_column.to_string()));
            }
        } else {
            origin = Some(text.source.name.as_str());
        }
    }
    let title = printable::line(&finding.message, options.style.unicode);
    properties.push(("title", format!("{}: {title}", finding.rule)));

    let mut command = format!("::{name} ");
    for (number, (key, value)) in properties.iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(command, "{comma}{key}={}", escape_property(value));
    }
    command.push_str("::");
    command.push_str(&escape_data(&message(
        finding,
        origin,
        options.style.unicode,
    )));
    command
}

/// What stands in the annotation, a line each.
fn message(finding: &Finding, origin: Option<&str>, unicode: bool) -> String {
    let mut lines = vec![finding.message.clone()];
    if let Some((_, label)) = place::places(finding)
        .next()
        .filter(|(_, text)| !text.is_empty())
    {
        lines.push(match origin {
            Some(origin) => format!("{origin}: {label}"),
            None => label.to_owned(),
        });
    }
    lines.extend(finding.why.iter().map(|why| format!("why: {why}")));
    lines.extend(finding.help.iter().map(|help| format!("help: {help}")));
    lines
        .iter()
        .flat_map(|text| printable::lines(text, unicode))
        .collect::<Vec<_>>()
        .join("\n")
}

fn escape_data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn the_annotations() {
        let (verdict, sources) = testing::verdict();
        let texts = Texts::of(&verdict, &sources);
        let root = Some(Path::new("/srv/shop"));
        let lines: Vec<_> = verdict
            .findings
            .iter()
            .map(|finding| command(finding, &texts, root, &Options::default()))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn what_would_end_a_value_is_escaped() {
        assert_eq!(escape_data("50%\r\n::error::x"), "50%25%0D%0A::error::x");
        assert_eq!(escape_property("a:b,c\n%"), "a%3Ab%2Cc%0A%25");
    }

    #[test]
    fn a_finding_is_one_line_whatever_it_says() {
        let (verdict, sources) = testing::verdict();
        let texts = Texts::of(&verdict, &sources);
        let finding = Finding::error("x", "a\n::error::b\r\n\u{1b}[2J").help("c\nd");
        let command = command(&finding, &texts, None, &Options::default());
        assert!(!command.contains(['\n', '\r', '\u{1b}']), "{command}");
        assert!(
            command.starts_with("::error title=x%3A a %3A%3Aerror%3A%3Ab ␛[2J::a%0A::error::b%0A")
        );
    }
}
