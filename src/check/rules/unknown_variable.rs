//! `unknown_variable`: a `POUNCE_*` or `CHIRP_*` variable that is no field.

use crate::check::finding::Finding;
use crate::check::rule::{Context, Rule, Scope, Tool};
use crate::config::ProblemKind;

const ID: &str = "unknown_variable";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "a POUNCE_* or CHIRP_* variable names no field",
    scope: Scope::Config,
    tools: &[Tool::Chirp, Tool::Pounce],
    severities: "warning; injected by Kubernetes: info",
    fatal: false,
    page: include_str!("../../../docs/rules/unknown_variable.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    findings.extend(
        cx.problems
            .iter()
            .filter(|problem| problem.kind == ProblemKind::UnknownVariable)
            .map(|problem| Finding::of_problem(ID, problem)),
    );
}
