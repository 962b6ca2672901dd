//! Whatever a file or an environment holds: resolving never panics, places lie in their texts, and
//! secrets are in nothing that is shown.

#![cfg(test)]

use std::ffi::OsString;

use pounce_core::config::environment::Variables;
use pounce_core::config::file::Wanted;
use pounce_core::config::{AppConfig, Inputs, Model, Resolved, ServerConfig, Sources, resolve};
use proptest::prelude::*;

const SECRET: &str = "hunter2hunter2";

fn run<M: Model>(file: Option<&[u8]>, variables: Vec<(String, String)>) -> (Resolved<M>, Sources) {
    let folder = tempfile::TempDir::new().unwrap();
    if let Some(bytes) = file {
        std::fs::write(folder.path().join(M::PRODUCT.file), bytes).unwrap();
    }
    let pairs = variables
        .into_iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let inputs = Inputs {
        file: Wanted::Found {
            directory: folder.path().to_path_buf(),
        },
        variables: Some(Variables::from_pairs(pairs)),
        ..Inputs::default()
    };
    let mut sources = Sources::default();
    let resolved = resolve::<M>(&inputs, &mut sources);
    (resolved, sources)
}

/// Every place can be shown: it lies in its text, between characters, masked or not.
fn places_are_sound<M: Model>(resolved: &Resolved<M>, sources: &Sources) {
    let labels = resolved.problems.iter().flat_map(|problem| &problem.labels);
    let origins = resolved
        .settings()
        .filter_map(|(_, setting)| setting.origin.place.as_ref());
    for place in labels.map(|label| &label.place).chain(origins) {
        let source = sources.get(place.source);
        assert!(
            source.raw().get(place.span.clone()).is_some(),
            "{place:?} of {:?}",
            source.raw()
        );
        let shown = source.shown();
        let span = shown.span(&place.span);
        assert!(
            shown.text.get(span.clone()).is_some(),
            "{span:?} of {:?}",
            shown.text
        );
        let (line, column) = source.line_column(place.span.start);
        assert!(line >= 1 && column >= 1);
    }
}

fn nothing_shows<M: Model>(resolved: &Resolved<M>, sources: &Sources) {
    for source in sources.iter() {
        let shown = source.shown().text;
        assert!(!shown.contains(SECRET), "{shown}");
    }
    let problems = format!("{:?}", resolved.problems);
    assert!(!problems.contains(SECRET), "{problems}");
}

fn both<M: Model>(file: Option<&[u8]>, variables: Vec<(String, String)>) {
    let (resolved, sources) = run::<M>(file, variables);
    places_are_sound(&resolved, &sources);
    nothing_shows(&resolved, &sources);
}

/// A name of a field, or one that is nearly so.
fn key() -> impl Strategy<Value = String> {
    let names: Vec<&str> = ServerConfig::fields()
        .iter()
        .chain(AppConfig::fields())
        .map(|field| field.name)
        .chain(["check", "app", "app_dir", "tool", "check.ignore", "worker"])
        .collect();
    prop_oneof![
        8 => prop::sample::select(names).prop_map(str::to_owned),
        1 => "[a-zö_\"'.-]{1,12}",
    ]
}

/// A value as people write it, or as nobody should.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("true".to_owned()),
        Just("[]".to_owned()),
        Just("{ }".to_owned()),
        Just("\"*\"".to_owned()),
        Just("\"\"\"\nä\n\"\"\"".to_owned()),
        "-?[0-9]{1,22}",
        "0[xob][0-9a-f]{1,8}",
        "-?[0-9]{1,3}\\.[0-9]{1,3}",
        "\"[a-zä/:.@ ]{0,12}\"",
        "\\[\"[a-z0-9./:]{0,9}\", (3|\"ü\")\\]",
        "\\{ \"?/?[a-z]{1,5}\"? = \"[a-z]{0,5}\" \\}",
        "1979-05-27",
        "[^\n]{0,12}",
    ]
}

/// A file that looks like one: assignments and headers, most of them well-formed.
fn document() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        8 => (key(), value()).prop_map(|(key, value)| format!("{key} = {value}")),
        1 => key().prop_map(|key| format!("[{key}]")),
        1 => key().prop_map(|key| format!("[[{key}]]")),
        1 => "[^\n]{0,20}",
    ];
    (
        prop::collection::vec(line, 0..12),
        prop::sample::select(vec!["\n", "\r\n"]),
    )
        .prop_map(|(lines, end)| lines.join(end))
}

fn variables() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = (
        prop::sample::select(vec!["POUNCE_", "CHIRP_", "CHIRP_FEATURE_"]),
        key(),
    )
        .prop_map(|(prefix, key)| format!("{prefix}{}", key.to_uppercase()));
    let name = prop_oneof![
        8 => name,
        1 => Just("PORT".to_owned()),
        1 => Just("RAILWAY_PUBLIC_DOMAIN".to_owned()),
        1 => "[A-Z_]{1,20}",
    ];
    let value = prop_oneof![value(), "\\PC{0,20}", "[0-9a-z,= /]{0,20}"];
    prop::collection::vec((name, value), 0..8)
}

/// The forms in which a secret is written.
const FORMS: [&str; 13] = [
    "NAME = \"VALUE\"",
    "NAME = 'VALUE'",
    "NAME = VALUE",
    "NAME = \"VALUE",
    "NAME =\n\"VALUE\"",
    "NAME = [\"VALUE\", \"VALUE\"]",
    "NAME = { a = \"VALUE\" }",
    "NAME.a = \"VALUE\"",
    "[NAME]\na = \"VALUE\"",
    "NAME = \"\"\"\nVALUE\n\"\"\"",
    "otel_endpoint = \"https://u:VALUE@h/x\"",
    "port = \"https://VALUE@h\"",
    "# NAME = \"VALUE\"",
];

#[test]
fn secrets_stay_hidden_behind_what_was_left_open() {
    for (key, open, form, after) in left_open() {
        let secret = form.replace("NAME", "db_password").replace("VALUE", SECRET);
        let text = format!("{key} = {open}\n{secret}\n{after}");
        both::<ServerConfig>(Some(text.as_bytes()), Vec::new());
    }
}

/// Values that nobody closed, and what follows them.
fn left_open() -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    let mut all = Vec::new();
    for key in ["secret_key", "port"] {
        for open in [
            "[", "[x", "{", "\"", "\"\"\"", "'''", "", "[\"", "[[", "\"=", "']",
        ] {
            for form in FORMS {
                for after in ["", "]"] {
                    all.push((key, open, form, after));
                }
            }
        }
    }
    all
}

/// A secret in one of its places.
fn secret_line() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "sentry_dsn",
        "secret_key",
        "redis_url",
        "sentry_dns",
        "db_password",
        "api-key",
        "my.token",
    ]);
    let form = prop::sample::select(FORMS.to_vec());
    (name, form).prop_map(|(name, form)| form.replace("NAME", name).replace("VALUE", SECRET))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_resolve(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        both::<ServerConfig>(Some(&bytes), Vec::new());
        both::<AppConfig>(Some(&bytes), Vec::new());
    }

    #[test]
    fn any_text_resolves(text in "\\PC{0,200}") {
        both::<ServerConfig>(Some(text.as_bytes()), Vec::new());
    }

    #[test]
    fn any_document_resolves(text in document()) {
        both::<ServerConfig>(Some(text.as_bytes()), Vec::new());
        both::<AppConfig>(Some(text.as_bytes()), Vec::new());
    }

    #[test]
    fn any_environment_resolves(variables in variables()) {
        let clean: Vec<_> = variables.into_iter()
            .map(|(name, value)| (name.replace(['=', '\0'], "_"), value.replace('\0', "")))
            .collect();
        both::<ServerConfig>(None, clean.clone());
        both::<AppConfig>(None, clean);
    }

    #[test]
    fn layers_resolve_together(text in document(), variables in variables()) {
        both::<ServerConfig>(Some(text.as_bytes()), variables.clone());
        both::<AppConfig>(Some(text.as_bytes()), variables);
    }

    #[test]
    fn secrets_stay_hidden_among_anything(before in document(), secret in secret_line(), after in document()) {
        let text = format!("{before}\n{secret}\n{after}");
        both::<ServerConfig>(Some(text.as_bytes()), Vec::new());
        both::<AppConfig>(Some(text.as_bytes()), Vec::new());
    }

    #[test]
    fn secret_variables_stay_hidden(
        name in prop::sample::select(vec!["SECRET_KEY", "SENTRY_DSN", "REDIS_URL", "SECRT_KEY", "STRANGER", "SMTP_PASSWORD"]),
        around in "[a-z0-9 \"'=#\\\\]{0,6}",
        variables in variables(),
    ) {
        let mut all = variables;
        for prefix in ["CHIRP_", "POUNCE_"] {
            all.push((format!("{prefix}{name}"), format!("{around}{SECRET}{around}")));
        }
        both::<ServerConfig>(None, all.clone());
        both::<AppConfig>(None, all);
    }
}
