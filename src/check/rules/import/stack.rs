//! The user's own frames of a failure as labels, and everything else of it as details.

use std::fmt::Write as _;

use crate::app::snapshot::{Failure, Frame};
use crate::check::finding::Finding;
use crate::config::secrets;
use crate::config::source::display_path;

/// Callers that are shown in the source; deeper ones are listed in the details.
const CALLERS: usize = 3;

/// Labels the innermost own frame with `text`, then those that called it.
pub(super) fn labels(finding: Finding, failure: &Failure, text: &str) -> Finding {
    labels_from(finding, failure, innermost, text)
}

/// The same, with another choice of the frame that caused it.
pub(super) fn labels_from(
    mut finding: Finding,
    failure: &Failure,
    cause: impl Fn(&[&Frame]) -> Option<usize>,
    text: &str,
) -> Finding {
    let own: Vec<_> = failure.frames.iter().filter(|frame| frame.own).collect();
    let Some(at) = cause(&own) else {
        return finding;
    };
    finding = finding.at(Some(own[at].position.clone()), text);
    let mut shown = vec![line_of(own[at])];
    for frame in own[..at].iter().rev() {
        if shown.len() > CALLERS {
            break;
        }
        // A recursion comes past the same line again and again.
        if !shown.contains(&line_of(frame)) {
            shown.push(line_of(frame));
            finding = finding.at(Some(frame.position.clone()), "called from here");
        }
    }
    finding
}

fn line_of(frame: &Frame) -> (&std::path::Path, u32) {
    (frame.position.file.as_path(), frame.position.line)
}

fn innermost(own: &[&Frame]) -> Option<usize> {
    own.len().checked_sub(1)
}

/// The frame of the `AppConfig(...)` call, else the innermost.
pub(super) fn configuration_call(own: &[&Frame]) -> Option<usize> {
    own.iter()
        .position(|frame| frame.function == "AppConfig")
        .or_else(|| innermost(own))
}

/// The whole stack, and what the app printed.
pub(super) fn details(failure: &Failure) -> Option<String> {
    let mut text = String::new();
    if failure.frames.len() > 1 {
        text.push_str("stack, outermost call first:\n");
        for frame in &failure.frames {
            let file = display_path(&frame.position.file);
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "  {file}:{} in {}",
                frame.position.line, frame.function
            );
        }
    }
    if !failure.output.is_empty() {
        text.push_str("the app printed:\n");
        for line in &failure.output {
            let _ = writeln!(text, "  {}", secrets::without_assigned(line));
        }
    }
    (!text.is_empty()).then(|| text.trim_end().to_owned())
}
