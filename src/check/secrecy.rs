//! What keeps secrets out of a report: known values, ranges of Python sources, and every text of a finding.

use std::collections::HashSet;
use std::path::Path;

use super::finding::Finding;
use super::rule::Context;
use crate::app::position;
use crate::app::snapshot::Snapshot;
use crate::config::{Resolved, Sources, secrets};

/// Secret values that this run knows; masks the ranges that the probe saw on the way.
pub(super) fn known_secrets(cx: &Context<'_>, sources: &mut Sources) -> Vec<String> {
    let server = cx.server.into_iter().flat_map(Resolved::secrets);
    let app = cx.app_config.into_iter().flat_map(Resolved::secrets);
    let mut secrets: Vec<String> = server.chain(app).map(str::to_owned).collect();
    secrets.extend_from_slice(sources.secrets());
    if let Some(snapshot) = cx.snapshot {
        mask_ranges(snapshot, sources, &mut secrets);
    }
    secrets.sort_unstable();
    secrets.dedup();
    secrets
}

fn mask_ranges(snapshot: &Snapshot, sources: &mut Sources, secrets: &mut Vec<String>) {
    let mut unreadable: HashSet<&Path> = HashSet::new();
    for mask in &snapshot.masks {
        if unreadable.contains(mask.file.as_path()) {
            continue;
        }
        let Some(source) = sources.open(&mask.file) else {
            unreadable.insert(&mask.file);
            continue;
        };
        let text = sources.get(source).raw();
        // A range of a line that is gone has nothing left to hide.
        let Some(span) = position::span(text, mask) else {
            continue;
        };
        if let Some(secret) = literal(&text[span.clone()])
            && !secrets::is_expansion(secret)
        {
            secrets.push(secret.to_owned());
        }
        sources.mask(source, span);
    }
}

/// What stands between the quotes of a plain string literal; an expression is no value.
fn literal(source: &str) -> Option<&str> {
    let unprefixed = source
        .trim()
        .trim_start_matches(['b', 'r', 'u', 'B', 'R', 'U']);
    ["\"\"\"", "'''", "\"", "'"].iter().find_map(|quotes| {
        unprefixed
            .strip_prefix(quotes)
            .and_then(|rest| rest.strip_suffix(quotes))
            .filter(|inner| !inner.is_empty() && !inner.contains(quotes))
    })
}

/// The last safety net: no text of a finding holds a secret or the password of a URL, whatever a
/// rule wrote.
pub(super) fn hide(finding: &mut Finding, secrets: &[String]) {
    let labels = finding.labels.iter_mut().map(|label| &mut label.text);
    let texts = std::iter::once(&mut finding.message)
        .chain(labels)
        .chain(&mut finding.why)
        .chain(&mut finding.help)
        .chain(&mut finding.route)
        .chain(&mut finding.details);
    for text in texts {
        *text = secrets::without_user_information(secrets::hide(text, secrets));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::snapshot::Position;

    #[test]
    fn what_a_shell_makes_a_secret_of_is_not_hidden_in_the_advice_to_do_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("app.py");
        let line = "HINT = 'SECRET_KEY=\"$(openssl rand -hex 32)\"'; KEY = \"hunter22hunter22\"";
        std::fs::write(&file, line).unwrap();
        let range = |text: &str| {
            let start = line.find(text).unwrap();
            let column = |at: usize| u32::try_from(at).unwrap();
            Position {
                file: file.clone(),
                line: 1,
                column: column(start),
                end_line: 1,
                end_column: column(start + text.len()),
            }
        };
        let snapshot = Snapshot {
            masks: vec![
                range("\"$(openssl rand -hex 32)\""),
                range("\"hunter22hunter22\""),
            ],
            ..Snapshot::default()
        };
        let (mut sources, mut secrets) = (Sources::default(), Vec::new());
        mask_ranges(&snapshot, &mut sources, &mut secrets);
        assert_eq!(secrets, ["hunter22hunter22"]);
    }

    #[test]
    fn only_a_plain_literal_is_a_secret_value() {
        assert_eq!(literal("\"abc\""), Some("abc"));
        assert_eq!(literal("rb'''abc'''"), Some("abc"));
        assert_eq!(literal("os.environ[\"X\"]"), None);
        assert_eq!(literal("\"a\" + \"b\""), None);
        assert_eq!(literal("''"), None);
    }
}
