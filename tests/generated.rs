//! The files that are generated from the fields are fresh, and the templates hold what they promise.

#![cfg(test)]

use std::ffi::OsString;
use std::path::Path;

use pounce_core::config::environment::Variables;
use pounce_core::config::field::Model;
use pounce_core::config::file::Wanted;
use pounce_core::config::python_stub::python_stub;
use pounce_core::config::schema::{Document, text};
use pounce_core::config::{
    AppConfig, Inputs, Resolved, ServerConfig, Sources, reference, resolve, template,
};

fn fresh(path: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("POUNCE_GENERATE").is_some() {
        std::fs::write(&path, generated).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == generated,
        "{} is stale: run `make generate`",
        path.display()
    );
}

#[test]
fn the_schemas_are_fresh() {
    fresh(
        "schema/pounce.schema.json",
        &text::<ServerConfig>(Document::OwnFile),
    );
    fresh(
        "schema/chirp.schema.json",
        &text::<AppConfig>(Document::OwnFile),
    );
    fresh(
        "schema/pyproject-pounce.schema.json",
        &text::<ServerConfig>(Document::Pyproject),
    );
    fresh(
        "schema/pyproject-chirp.schema.json",
        &text::<AppConfig>(Document::Pyproject),
    );
}

#[test]
fn the_templates_are_fresh() {
    fresh(
        "schema/pounce.template.toml",
        &template::template::<ServerConfig>(),
    );
    fresh(
        "schema/chirp.template.toml",
        &template::template::<AppConfig>(),
    );
}

#[test]
fn the_reference_pages_are_fresh() {
    fresh(
        "docs/configuration/server.md",
        &reference::reference::<ServerConfig>(),
    );
    fresh(
        "docs/configuration/app.md",
        &reference::reference::<AppConfig>(),
    );
}

#[test]
fn the_type_stub_is_fresh() {
    fresh("python/pounce_rs/_native.pyi", &python_stub());
}

fn resolved<M: Model>(folder: &Path, text: &str) -> Resolved<M> {
    let path = folder.join(M::PRODUCT.file);
    std::fs::write(&path, text).unwrap();
    let inputs = Inputs {
        file: Wanted::Named { path, place: None },
        variables: Some(Variables::from_pairs(Vec::<(OsString, OsString)>::new())),
        ..Inputs::default()
    };
    resolve(&inputs, &mut Sources::default())
}

/// Blocks of setting lines (`# name = value`) that stand together, uncommented.
fn blocks(template: &str) -> Vec<Vec<String>> {
    let mut blocks = vec![Vec::new()];
    for line in template.lines() {
        let setting = line.strip_prefix("# ").filter(|rest| {
            rest.split_once(" = ").is_some_and(|(name, _)| {
                name.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            })
        });
        match setting {
            Some(setting) => blocks.last_mut().unwrap().push(setting.to_owned()),
            None => blocks.push(Vec::new()),
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

fn promises<M: Model + PartialEq + std::fmt::Debug + Default>(beside: usize) {
    let folder = tempfile::tempdir().unwrap();
    let template = template::template::<M>();
    let untouched = resolved::<M>(folder.path(), &template);
    assert_eq!(untouched.problems, [], "the template itself");
    assert_eq!(untouched.config, M::default());

    let blocks = blocks(&template);
    let lines: usize = blocks.iter().map(Vec::len).sum();
    let settable = M::fields().iter().filter(|field| !field.derived).count();
    assert_eq!(lines, settable + beside, "a line for every field");

    let mut with_default = Vec::new();
    for block in &blocks {
        let one = resolved::<M>(folder.path(), &block.join("\n"));
        assert_eq!(one.problems, [], "{block:?}");
        let name = block[0].split_once(" = ").unwrap().0;
        let nullable = M::field(name).is_none_or(|field| field.example.is_some());
        if !nullable {
            assert_eq!(one.config, M::default(), "{block:?} changes something");
            with_default.extend(block.clone());
        }
    }
    let all = resolved::<M>(folder.path(), &with_default.join("\n"));
    assert_eq!(all.problems, []);
    assert_eq!(all.config, M::default());
}

#[test]
fn uncommenting_the_server_template_changes_nothing_and_always_resolves() {
    promises::<ServerConfig>(3);
}

#[test]
fn uncommenting_the_app_template_changes_nothing_and_always_resolves() {
    promises::<AppConfig>(1);
}
