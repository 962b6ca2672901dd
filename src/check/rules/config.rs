//! `config`: file, variables, keywords and flags resolve to a valid configuration.

use crate::check::finding::Finding;
use crate::check::rule::{Context, Rule, Scope, Tool};
use crate::config::ProblemKind;

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
        cx.problems
            .iter()
            .filter(|problem| problem.kind == ProblemKind::Invalid)
            .map(|problem| Finding::of_problem(ID, problem)),
    );
}
