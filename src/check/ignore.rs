//! Ignore lists: what they silence, what they cannot, and entries that do nothing.

use super::finding::{Finding, Severity};
use super::rule::{Context, Rule, Scope};
use super::rules;
use crate::config::Place;
use crate::config::nearest::nearest;
use crate::config::types::Env;

const RULE: &str = "config";

/// One entry of an ignore list: `[check] ignore`, or `--ignore`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    /// Id of the rule that stays silent.
    pub rule: String,
    /// Where that was said.
    pub place: Option<Place>,
}

/// Whether a list silences a finding. Nothing silences that there is no app, or no configuration.
pub(super) fn silences(list: &[Ignore], finding: &Finding) -> bool {
    !is_unsilenceable(finding) && list.iter().any(|entry| entry.rule == finding.rule)
}

fn is_unsilenceable(finding: &Finding) -> bool {
    matches!(finding.rule, "import" | "config") && finding.severity == Severity::Error
}

/// Adds what is wrong with the list itself: unknown rules, rules that cannot be ignored, entries
/// that silenced nothing. `findings` are those of the rules that ran.
pub(super) fn judge(
    cx: &Context<'_>,
    ran: &[&'static Rule],
    list: &[Ignore],
    findings: &mut Vec<Finding>,
) {
    let of_list: Vec<Finding> = list
        .iter()
        .filter_map(|entry| mistake(cx, ran, entry, findings))
        .collect();
    findings.extend(of_list);
}

fn mistake(
    cx: &Context<'_>,
    ran: &[&'static Rule],
    entry: &Ignore,
    findings: &[Finding],
) -> Option<Finding> {
    let name = entry.rule.as_str();
    let Some(rule) = rules::find(name) else {
        return Some(unknown(cx, entry));
    };
    let mut of_rule = findings.iter().filter(|finding| finding.rule == name);
    if of_rule.clone().any(is_unsilenceable) {
        return Some(
            Finding::warning(
                RULE,
                format!("errors of the rule `{name}` cannot be ignored"),
            )
            .at(entry.place.clone(), "has no effect on them")
            .help("mend what it found, and take the entry out"),
        );
    }
    if of_rule.next().is_some() {
        return None;
    }
    if !rule.tools.contains(&cx.tool) {
        let tool = cx.tool.name();
        return Some(
            Finding::warning(RULE, format!("{tool} check has no rule `{name}` to ignore"))
                .at(entry.place.clone(), "a rule of another command")
                .help("take the entry out"),
        );
    }
    // A rule that did not get to judge has not shown that its entry is stale.
    let judged =
        ran.iter().any(|one| one.id == name) && (rule.scope != Scope::App || cx.app().is_some());
    judged.then(|| unused(cx, rule, entry))
}

fn unknown(cx: &Context<'_>, entry: &Ignore) -> Finding {
    let ids = rules::ALL
        .iter()
        .filter(|rule| rule.tools.contains(&cx.tool))
        .map(|rule| rule.id);
    let finding = Finding::warning(RULE, format!("no rule is called `{}`", entry.rule));
    match nearest(&entry.rule, ids) {
        Some(id) => finding
            .at(entry.place.clone(), format!("did you mean `{id}`?"))
            .help(format!("ignore `{id}`, or take the entry out")),
        None => finding
            .at(entry.place.clone(), "ignores nothing")
            .help(format!("list the rules: {} rule", cx.tool.name())),
    }
}

fn unused(cx: &Context<'_>, rule: &Rule, entry: &Ignore) -> Finding {
    // Many rules about an app speak only for production: one list serves all postures.
    let severity = if rule.scope == Scope::App && cx.posture != Env::Production {
        Severity::Info
    } else {
        Severity::Warning
    };
    Finding::new(
        RULE,
        severity,
        format!("the ignored rule `{}` finds nothing", rule.id),
    )
    .at(entry.place.clone(), "silences nothing")
    .why("an entry that is left behind hides the next mistake of that kind")
    .help("take the entry out")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::snapshot::{App, Snapshot};
    use crate::check::rule::Tool;

    fn context(snapshot: &Snapshot, posture: Env) -> Context<'_> {
        Context {
            tool: Tool::Chirp,
            posture,
            problems: &[],
            server: None,
            app_config: None,
            target: None,
            snapshot: Some(snapshot),
            machine: None,
        }
    }

    fn entry(rule: &str) -> Ignore {
        Ignore {
            rule: rule.into(),
            place: None,
        }
    }

    fn told(posture: Env, snapshot: &Snapshot, rule: &str, found: &[Finding]) -> Vec<Finding> {
        let mut findings = found.to_vec();
        judge(
            &context(snapshot, posture),
            rules::ALL,
            &[entry(rule)],
            &mut findings,
        );
        findings.split_off(found.len())
    }

    fn with_app() -> Snapshot {
        Snapshot {
            app: Some(App::default()),
            ..Snapshot::default()
        }
    }

    #[test]
    fn an_unknown_rule_is_told_with_the_nearest_name() {
        let told = told(Env::Production, &with_app(), "secret_keys", &[]);
        assert_eq!(told[0].message, "no rule is called `secret_keys`");
        assert_eq!(told[0].severity, Severity::Warning);
        assert!(told[0].help[0].contains("`secret_key`"));
    }

    #[test]
    fn a_rule_that_fires_is_not_told_and_one_that_does_not_is() {
        let fired = [Finding::error("secret_key", "secret_key is empty")];
        assert_eq!(told(Env::Production, &with_app(), "secret_key", &fired), []);
        let unused = told(Env::Production, &with_app(), "secret_key", &[]);
        assert_eq!(unused[0].severity, Severity::Warning);
        let unused = told(Env::Development, &with_app(), "secret_key", &[]);
        assert_eq!(unused[0].severity, Severity::Info);
    }

    #[test]
    fn a_rule_about_an_app_that_is_not_there_is_not_called_stale() {
        let none = Snapshot::default();
        assert_eq!(told(Env::Production, &none, "secret_key", &[]), []);
    }

    #[test]
    fn that_there_is_no_app_or_no_configuration_cannot_be_silenced() {
        let list = [entry("import"), entry("config")];
        assert!(!silences(&list, &Finding::error("import", "x")));
        assert!(!silences(&list, &Finding::error("config", "x")));
        assert!(silences(&list, &Finding::warning("config", "x")));
        let found = [Finding::error("config", "x")];
        let told = told(Env::Production, &with_app(), "config", &found);
        assert!(told[0].message.contains("cannot be ignored"));
    }
}
