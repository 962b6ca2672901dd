//! What is a secret, and hiding it in texts that are shown.

use std::ops::Range;

use super::field::{Field, Secrecy};
use super::source::{MASK, SourceId, Sources};
use super::value::Mistake;

/// Parts of a name that make its value a secret, whether or not it is a field: a mistyped
/// `sentry_dns` or a stranger's `DB_PASSWORD` must not be shown as a neighbour either.
const SECRET_WORDS: [&str; 13] = [
    "secret",
    "password",
    "passwd",
    "pwd",
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
        || name.ends_with("_key")
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
                matches!(character, '/' | '?' | '#' | '"') || character.is_whitespace()
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

/// Whether a value is one that a shell puts in: `$(command)` or `${VARIABLE}`. That is no secret, but the
/// way to one.
#[must_use]
pub fn is_expansion(value: &str) -> bool {
    let whole = |opener, closer| value.starts_with(opener) && value.ends_with(closer);
    whole("$(", ')') || whole("${", '}')
}

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

/// Takes what must not be shown out of a message about a field: the value of a secret, and user name
/// and password of URLs anywhere.
#[must_use]
pub fn hide_in(field: &Field, mistake: Mistake) -> Mistake {
    if field.secrecy == Secrecy::Public {
        hide_user_information(mistake)
    } else {
        hide_value(mistake)
    }
}

/// A message without the value that it is about.
#[must_use]
pub fn hide_value(mistake: Mistake) -> Mistake {
    Mistake {
        found: "this value (not shown) is something else".into(),
        help: None,
        ..mistake
    }
}

/// A message without user name and password of the URLs in it.
#[must_use]
pub fn hide_user_information(mistake: Mistake) -> Mistake {
    Mistake {
        found: without_user_information(mistake.found),
        help: mistake.help.map(without_user_information),
        ..mistake
    }
}

/// A text without user name and password of the URLs in it.
#[must_use]
pub fn without_user_information(mut text: String) -> String {
    for span in user_information(&text).into_iter().rev() {
        text.replace_range(span, MASK);
    }
    text
}

/// A line of a program's output without what it says behind the name of a secret.
#[must_use]
pub fn without_assigned(line: &str) -> String {
    match secret_value(line, false) {
        Some(at) if !line[at..].trim().is_empty() => format!("{} {MASK}", &line[..at]),
        _ => line.to_owned(),
    }
}

/// Masks the values of secret variables in an env file.
pub fn mask_env_file(sources: &mut Sources, source: SourceId) {
    mask_lines(sources, source, true);
}

/// Masks by lines: whatever stands behind `=` or `:` of a secret name, in a table of such a name, and
/// what follows of a value that goes on. For texts that no parser understands (an env file, TOML with
/// a syntax error): in doubt it hides too much.
pub fn mask_assignments(sources: &mut Sources, source: SourceId) {
    mask_lines(sources, source, false);
}

/// `quotes_span_lines`: in an env file a quoted value goes on until its quote; in TOML a quote that is
/// open at the end of a line is a mistake, and the next assignment is one again.
fn mask_lines(sources: &mut Sources, source: SourceId, quotes_span_lines: bool) {
    let text = sources.get(source).raw().to_owned();
    let mut open = Open::No;
    let mut secret_table = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let end = start + content.len();
        if matches!(open, Open::Quote(_)) && !quotes_span_lines && starts_something(content) {
            open = Open::No;
        }
        match open {
            Open::Until(closer) | Open::Quote(closer) => {
                sources.mask(source, start..end);
                if content.contains(closer) {
                    // What closes it may as well open the next secret: in doubt that is hidden, too.
                    open = secret_value(content, false)
                        .map_or(Open::No, |at| Open::behind(content[at..].trim_start()));
                }
            }
            Open::UntilAssignment if !starts_something(content) => sources.mask(source, start..end),
            _ => {
                open = Open::No;
                if let Some(name) = header(content) {
                    secret_table = is_secret_name(name);
                } else if let Some(at) = secret_value(content, secret_table) {
                    let value = content[at..].trim_start();
                    sources.mask(source, end - value.len()..end);
                    if !content.trim_start().starts_with('#') {
                        open = Open::behind(value);
                    }
                }
            }
        }
        start += line.len();
    }
}

/// Masks secrets that were commented out: no parser sees them, and people leave them there.
pub fn mask_comments(sources: &mut Sources, source: SourceId) {
    let text = sources.get(source).raw().to_owned();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        if let Some(hash) = content.find('#')
            && let Some(at) = secret_value(&content[hash..], false)
        {
            let value = content[hash + at..].trim_start();
            let end = start + content.len();
            sources.mask(source, end - value.len()..end);
        }
        start += line.len();
    }
}

/// Whether a secret value goes on in the next line.
#[derive(Clone, Copy)]
enum Open {
    No,
    /// Up to a line that holds this.
    Until(&'static str),
    /// The same, behind a quote that is meant for one line.
    Quote(&'static str),
    /// Up to a line that assigns something else, or opens a table.
    UntilAssignment,
}

impl Open {
    fn behind(value: &str) -> Self {
        if value.is_empty() {
            return Self::UntilAssignment;
        }
        let pairs = [
            ("\"\"\"", "\"\"\""),
            ("'''", "'''"),
            ("\"", "\""),
            ("'", "'"),
            ("[", "]"),
            ("{", "}"),
        ];
        for (opener, closer) in pairs {
            if let Some(rest) = value.strip_prefix(opener) {
                return match closer {
                    _ if rest.contains(closer) => Self::No,
                    "\"" | "'" => Self::Quote(closer),
                    _ => Self::Until(closer),
                };
            }
        }
        Self::No
    }
}

/// Name of the table that a line opens.
fn header(content: &str) -> Option<&str> {
    let line = content.trim();
    let inner = line.strip_prefix('[')?.trim_start_matches('[');
    let (name, _) = inner.split_once(']')?;
    (!name.is_empty() && name.chars().all(is_name_character)).then_some(name)
}

fn is_name_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '"' | '\'' | ' ')
}

/// Whether a line is a table's header or an assignment. The end of a base64 text is none.
fn starts_something(content: &str) -> bool {
    let assigns = content.split_once('=').is_some_and(|(name, value)| {
        !name.trim().is_empty()
            && name.chars().all(is_name_character)
            && !value.is_empty()
            && !value.starts_with('=')
    });
    assigns || (header(content).is_some() && !content.contains(['"', '\'']))
}

/// Where the first secret value of a line starts.
fn secret_value(content: &str, secret_table: bool) -> Option<usize> {
    content.match_indices(['=', ':']).find_map(|(at, sign)| {
        let before = content[..at].trim_end();
        let name = before
            .rsplit(|character: char| !is_name_character(character) || character == ' ')
            .next()
            .unwrap_or_default();
        (is_secret_name(name.trim_matches(['"', '\''])) || (secret_table && sign == "="))
            .then_some(at + 1)
    })
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
    fn what_a_shell_puts_in_is_no_secret() {
        assert!(is_expansion("$(openssl rand -hex 32)") && is_expansion("${SECRET_KEY}"));
        for secret in ["$ecret", "$(begins", "ends)", "x${SECRET_KEY}", ""] {
            assert!(!is_expansion(secret), "{secret}");
        }
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

    #[test]
    fn a_line_of_output_is_hidden_from_the_name_of_a_secret_on() {
        assert_eq!(
            without_assigned("connecting with password=hidden host=db"),
            format!("connecting with password= {MASK}")
        );
        assert_eq!(without_assigned("listening: 8000"), "listening: 8000");
        assert_eq!(without_assigned("no token:"), "no token:");
    }

    #[test]
    fn in_doubt_too_much_is_hidden() {
        for text in [
            "secret_key =\n  'hidden'\nport = 1\n",
            "secret_key = [\n  'hidden',\n]\nport = 1\n",
            "secret_key = \"open\nhidden\"\nport = 1\n",
            "x = { a = 1, secret_key = 'hidden' }\nport = 1\n",
            "[secrets]\nvalue = 'hidden'\n[rest]\nport = 1\n",
            "secret.value = 'hidden'\nport = 1\n",
            "DB_TOKEN=\"-----BEGIN\nhidden==\n-----END\"\nport = 1\n",
            "{ \"password\": \"hidden\" }\nport = 1\n",
            "STRIPE_KEY=hidden\nport = 1\n",
            "url = redis://:hid,hidden@h/0\nport = 1\n",
        ] {
            let mut sources = Sources::default();
            let id = sources.add("x", text);
            mask_assignments(&mut sources, id);
            let shown = sources.get(id).shown().text;
            assert!(!shown.contains("hidden"), "{text}: {shown}");
            assert!(shown.contains("port = 1"), "{text}: {shown}");
        }
    }
}
