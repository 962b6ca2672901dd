//! `config`: file, variables, keywords and flags resolve to a valid configuration.

use crate::check::finding::Finding;
use crate::check::rule::{Context, Rule, Scope, Tool};
use crate::config::{Problem, ProblemKind};

const ID: &str = "config";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "file, variables and flags resolve to a valid configuration",
    scope: Scope::Config,
    tools: &[Tool::Chirp, Tool::Pounce],
    severities: "error; suspicious but valid settings: warning",
    fatal: true,
    page: include_str!("../../../docs/rules/config.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    findings.extend(
        problems(cx)
            .filter(|problem| problem.kind == ProblemKind::Invalid)
            .map(|problem| Finding::of_problem(ID, problem)),
    );
}

/// Every mistake of the configurations that are judged.
pub(super) fn problems<'a>(cx: &Context<'a>) -> impl Iterator<Item = &'a Problem> + use<'a> {
    let server = cx.server.map(|resolved| resolved.problems.as_slice());
    let app = cx.app_config.map(|resolved| resolved.problems.as_slice());
    server.into_iter().chain(app).flatten()
}
