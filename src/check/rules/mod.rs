//! Every rule, one file each.

mod allowed_hosts;
mod bind;
#[cfg(test)]
mod chirp_case;
mod config;
mod cookie_secure;
mod csp_nonce;
mod csrf_session;
mod deploy_debug;
mod deploy_health;
mod deploy_metrics;
mod deploy_sentry;
mod exposure;
mod hsts;
mod import;
#[cfg(test)]
mod machine_cases;
mod middleware_signature;
mod path_collision;
mod secret_key;
mod security_stack;
mod tls_files;
mod tls_validity;
mod trusted_proxies;
mod unknown_variable;
mod unsupported_setting;
mod worker_hooks;
mod workers;

use super::rule::Rule;

/// All rules, in the order in which people read about them.
pub const ALL: &[&Rule] = &[
    &config::RULE,
    &unsupported_setting::RULE,
    &unknown_variable::RULE,
    &import::RULE,
    &secret_key::RULE,
    &allowed_hosts::RULE,
    &trusted_proxies::RULE,
    &deploy_debug::RULE,
    &deploy_metrics::RULE,
    &deploy_health::RULE,
    &deploy_sentry::RULE,
    &security_stack::RULE,
    &csrf_session::RULE,
    &cookie_secure::RULE,
    &hsts::RULE,
    &csp_nonce::RULE,
    &middleware_signature::RULE,
    &worker_hooks::RULE,
    &bind::RULE,
    &tls_files::RULE,
    &tls_validity::RULE,
    &path_collision::RULE,
    &workers::RULE,
    &exposure::RULE,
];

/// Name of the rule whose notes stop a launch.
pub(super) const UNSUPPORTED_SETTING: &str = unsupported_setting::RULE.id;

/// A rule by its name.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.id == id)
}
