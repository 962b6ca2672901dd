//! Every rule, one file each.

mod bind;
mod config;
mod exposure;
mod import;
#[cfg(test)]
mod machine_cases;
mod path_collision;
mod secret_key;
mod unknown_variable;
mod unsupported_setting;

use super::rule::Rule;

/// All rules, in the order in which people read about them.
pub const ALL: &[&Rule] = &[
    &config::RULE,
    &unsupported_setting::RULE,
    &unknown_variable::RULE,
    &import::RULE,
    &secret_key::RULE,
    &bind::RULE,
    &path_collision::RULE,
    &exposure::RULE,
];

/// A rule by its name.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.id == id)
}
