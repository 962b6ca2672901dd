//! `concise`: one line a finding, for grep and for editors.
//!
//! `shop.py:6:11: error[secret_key] secret_key is empty`

use super::place::Texts;
use super::{Options, printable};
use crate::check::judge::Verdict;
use crate::config::Sources;

pub(super) fn render(verdict: &Verdict, sources: &Sources, options: &Options) -> String {
    let unicode = options.style.unicode;
    let texts = Texts::of(verdict, sources);
    let mut out = String::new();
    for finding in options.shown(verdict) {
        if let Some((text, region)) = texts.first(finding) {
            out.push_str(&printable::line(&text.source.name, unicode));
            let position = if text.has_lines() {
                format!(":{}:{}: ", region.line, region.column)
            } else {
                format!(":{}: ", region.column)
            };
            out.push_str(&position);
        }
        out.push_str(finding.severity.as_str());
        out.push('[');
        out.push_str(finding.rule);
        out.push_str("] ");
        out.push_str(&printable::line(&finding.message, unicode));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::super::{Format, Options, render};

    #[test]
    fn one_line_a_finding() {
        let (verdict, sources) = testing::verdict();
        let out = render(Format::Concise, &verdict, &sources, &Options::default());
        insta::assert_snapshot!(out);
    }

    #[test]
    fn a_message_cannot_forge_a_second_line() {
        let (mut verdict, sources) = testing::verdict();
        verdict.findings.truncate(1);
        verdict.findings[0].message = "a\nshop.py:1:1: error[x] \u{1b}[2J".into();
        let out = render(Format::Concise, &verdict, &sources, &Options::default());
        assert_eq!(out.lines().count(), 1);
        assert!(!out.contains('\u{1b}'));
    }
}
