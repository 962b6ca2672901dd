//! What is a secret, and hiding it in texts that are shown.

use std::ops::Range;

use super::field::{Field, Secrecy};
use super::source::{MASK, SourceId, Sources};
use super::value::Mistake;

/// Parts of a name that make its value a secret, whether or not it is a field: a mistyped
/// `sentry_dns` or a stranger's `DB_PASSWORD` must not be shown as a neighbour either.
const SECRET_WORDS: [&str; 12] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "token",
    "dsn",
    "redis_url",
    "database_url",
    "api_key",
    "apikey",
    "private_key",
    "credential",
];

/// Whether a key, variable or keyword of that name holds a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SECRET_WORDS.iter().any(|word| name.contains(word))
        || super::nearest::nearest(&name, ["secret_key", "sentry_dsn", "redis_url"]).is_some()
}

/// User name and password of the URLs in a text: `scheme://HERE@host`.
#[must_use]
pub fn user_information(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("://") {
        let start = from + at + 3;
        let rest = &text[start..];
        let end = rest
            .find(|character: char| {
                matches!(character, '/' | '?' | '#' | '"' | '\'' | ',') || character.is_whitespace()
            })
            .unwrap_or(rest.len());
        if let Some(at) = rest[..end].rfind('@').filter(|at| *at > 0) {
            found.push(start..start + at);
        }
        from = start;
    }
    found
}

/// Shorter secrets are left alone: they would hide half of a text, and are reported as too short.
const LEAST: usize = 4;
/// Longer secrets are hidden also inside a word; a shorter one may be a part of an innocent word
/// (a key that is `secret` in `secret_key`).
const UNMISTAKABLE: usize = 12;

/// Where a secret stands in a text.
#[must_use]
pub fn occurrences(text: &str, secret: &str) -> Vec<Range<usize>> {
    if secret.len() < LEAST {
        return Vec::new();
    }
    let inside = |character: Option<char>| {
        character.is_some_and(|character| character.is_alphanumeric() || character == '_')
    };
    text.match_indices(secret)
        .map(|(at, hit)| at..at + hit.len())
        .filter(|span| {
            secret.len() >= UNMISTAKABLE
                || !(inside(text[..span.start].chars().next_back())
                    || inside(text[span.end..].chars().next()))
        })
        .collect()
}

/// The text with every one of the secrets replaced by [`MASK`].
#[must_use]
pub fn hide(text: &str, secrets: &[String]) -> String {
    let mut spans: Vec<_> = secrets
        .iter()
        .flat_map(|secret| occurrences(text, secret))
        .collect();
    if spans.is_empty() {
        return text.to_owned();
    }
    spans.sort_by_key(|span| (span.start, span.end));
    let mut hidden = String::with_capacity(text.len());
    let mut done = 0;
    for span in spans {
        if span.end <= done {
            continue;
        }
        hidden.push_str(&text[done..span.start.max(done)]);
        hidden.push_str(MASK);
        done = span.end;
    }
    hidden.push_str(&text[done..]);
    hidden
}

/// Takes the value out of a message about a field that is secret.
#[must_use]
pub fn hide_in(field: &Field, mistake: Mistake) -> Mistake {
    if field.secrecy == Secrecy::Public {
        return mistake;
    }
    Mistake {
        found: "this value (not shown) is something else".into(),
        help: None,
        ..mistake
    }
}

/// Masks the values of secret variables in an env file.
pub fn mask_env_file(sources: &mut Sources, source: SourceId) {
    mask_assignments(sources, source);
}

/// Masks by lines: whatever stands behind `=` or `:` of a secret name, and the user information of
/// every URL. For texts that no parser understands (an env file, TOML with a syntax error).
pub fn mask_assignments(sources: &mut Sources, source: SourceId) {
    let text = sources.get(source).raw().to_owned();
    let mut masks = user_information(&text);
    let mut start = 0;
    let mut open: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        if let Some(quotes) = open {
            masks.push(start..start + content.len());
            if content.contains(quotes) {
                open = None;
            }
        } else if let Some(at) = content.find(['=', ':']) {
            let name = content[..at].trim().trim_start_matches("export ");
            let name = name
                .trim_start_matches(['#', ' '])
                .trim_matches(['"', '\'', ' ']);
            if !name.contains(' ') && is_secret_name(name) {
                let value = content[at + 1..].trim_start();
                let from = start + content.len() - value.len();
                masks.push(from..start + content.len());
                open = ["\"\"\"", "'''"]
                    .into_iter()
                    .find(|quotes| value.matches(quotes).count() == 1);
            }
        }
        start += line.len();
    }
    for mask in masks {
        sources.mask(source, mask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_also_when_mistyped() {
        for name in [
            "secret_key",
            "SENTRY_DSN",
            "sentry_dns",
            "REDIS_URL",
            "secrt_key",
            "db-password",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "port",
            "ssl_keyfile",
            "static_url",
            "otel_endpoint",
            "workers",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn a_short_secret_is_hidden_as_a_word_and_a_long_one_anywhere() {
        let hidden = hide("secret_key is secret", &["secret".into()]);
        assert_eq!(hidden, format!("secret_key is {MASK}"));
        let hidden = hide(
            "x-hunter22hunter22-y and zhunter22hunter22z",
            &["hunter22hunter22".into(), "22hunter22-y".into()],
        );
        assert_eq!(hidden, format!("x-{MASK}{MASK} and z{MASK}z"));
        assert_eq!(hide("abc", &["abc".into()]), "abc");
    }

    #[test]
    fn user_information_of_urls_is_found() {
        let text = "a=https://u:p@h/x b=redis://:pw@r c=http://plain/@";
        let found: Vec<_> = user_information(text)
            .into_iter()
            .map(|span| &text[span])
            .collect();
        assert_eq!(found, ["u:p", ":pw"]);
    }

    #[test]
    fn lines_that_assign_a_secret_are_masked_also_over_several_lines() {
        let mut sources = Sources::default();
        let text = "port = 1\nsecret_key = \"\"\"one\ntwo\n\"\"\"\nexport DB_TOKEN=three\n# sentry_dsn = \"four\"\n";
        let id = sources.add("x.toml", text);
        mask_assignments(&mut sources, id);
        let shown = sources.get(id).shown().text;
        for secret in ["one", "two", "three", "four"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains("port = 1"));
    }
}
