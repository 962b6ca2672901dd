//! Which file is read, and files that cannot be.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::privileges::as_nobody;
use crate::{World, literal};

#[test]
fn the_file_that_is_named_must_be_there() {
    let outcome = World::new().config("nowhere.toml").server();
    assert_eq!(outcome.problems(), ["error: there is no file nowhere.toml"]);
    assert_eq!(
        literal(&outcome.labels(outcome.only())),
        [("command line", "--config nowhere.toml", "named here")]
    );
}

#[test]
fn the_file_that_is_named_replaces_the_one_that_is_found() {
    let outcome = World::new()
        .file("pounce.toml", "port = 1\n")
        .file("other.toml", "workers = 2\n")
        .config("other.toml")
        .server();
    assert_eq!(
        (
            outcome.resolved.config.port,
            outcome.resolved.config.workers
        ),
        (8000, 2)
    );
}

#[test]
fn a_folder_is_no_file() {
    let world = World::new();
    fs::create_dir(world.path("conf")).unwrap();
    let outcome = world.config("conf").server();
    assert_eq!(outcome.problems(), ["error: conf is a folder, not a file"]);
    let world = World::new();
    fs::create_dir(world.path("pounce.toml")).unwrap();
    assert_eq!(
        world.server().problems(),
        ["error: pounce.toml is a folder, not a file"]
    );
}

#[test]
fn a_link_to_nothing_is_told_and_not_skipped() {
    let world = World::new();
    std::os::unix::fs::symlink("gone.toml", world.path("pounce.toml")).unwrap();
    assert_eq!(
        world.server().problems(),
        ["error: pounce.toml is a link to gone.toml, which does not exist"]
    );
}

#[test]
fn a_file_of_others_is_told_to_be_unreadable() {
    for (name, named) in [
        ("pounce.toml", true),
        ("pounce.toml", false),
        ("pyproject.toml", false),
    ] {
        let mut world = World::new().file(name, "port = 1\n");
        fs::set_permissions(world.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(world.path(name), fs::Permissions::from_mode(0o600)).unwrap();
        if named {
            world = world.config(name);
        }
        let outcome = as_nobody(|| world.server());
        assert_eq!(
            outcome.problems(),
            [format!("error: {name} cannot be read: permission denied")]
        );
    }
}

#[test]
fn bytes_that_are_no_text_are_pointed_at() {
    let outcome = World::new()
        .file(
            "pounce.toml",
            b"port = 1\nhost = \"\xff\"\nsecret = \"hunter22\"\n",
        )
        .server();
    assert_eq!(
        outcome.problems(),
        ["error: pounce.toml is not valid UTF-8"]
    );
    assert_eq!(
        literal(&outcome.labels(outcome.only())),
        [("pounce.toml", "\u{fffd}", "byte 17 of the file")]
    );
    assert!(!outcome.everything().contains("hunter22"));
}

#[test]
fn byte_order_marks_and_carriage_returns_are_read() {
    let outcome = World::new()
        .file("pounce.toml", "\u{feff}port = 1\r\nworker = 2\r\n")
        .server();
    assert_eq!(outcome.resolved.config.port, 1);
    assert_eq!(outcome.problems(), ["error: unknown key `worker`"]);
    let labels = outcome.labels(outcome.only());
    assert_eq!(
        literal(&labels),
        [("pounce.toml", "worker", "did you mean `workers`?")]
    );
    assert_eq!(outcome.origin("port"), "pounce.toml:1");
}

#[test]
fn the_table_in_pyproject_is_read() {
    let text = "[project]\nname = \"shop\"\n\n[tool.pounce]\nport = 1\napp = \"shop:app\"\n\n[tool.pounce.check]\nignore = [\"bind\"]\n\n[tool.chirp]\nport = 2\n";
    let outcome = World::new().file("pyproject.toml", text).server();
    assert_eq!(outcome.problems(), [""; 0]);
    assert_eq!(
        (outcome.resolved.config.port, outcome.origin("port")),
        (1, "pyproject.toml:5".into())
    );
    assert_eq!(outcome.resolved.beside["app"].0, "shop:app");
    assert_eq!(outcome.resolved.check.ignore[0].0, "bind");
    assert_eq!(
        World::new()
            .file("pyproject.toml", text)
            .app()
            .resolved
            .config
            .port,
        2
    );
}

#[test]
fn an_own_file_beside_the_table_wins_and_the_table_is_told() {
    let outcome = World::new()
        .file("pounce.toml", "port = 1\n")
        .file("pyproject.toml", "[tool.pounce]\nport = 2\n")
        .server();
    assert_eq!(outcome.resolved.config.port, 1);
    assert_eq!(
        outcome.problems(),
        ["warning: [tool.pounce] in pyproject.toml is not read: there is a pounce.toml"]
    );
    assert_eq!(outcome.labels(outcome.only())[0].0, "pyproject.toml");
}

#[test]
fn a_pyproject_that_is_not_about_this_is_left_alone() {
    let outcome = World::new()
        .file("pyproject.toml", "[project\nname = 3")
        .server();
    assert_eq!(outcome.problems(), [""; 0]);
    let outcome = World::new()
        .file("pyproject.toml", "[project]\nname = \"x\"\n")
        .config("pyproject.toml")
        .server();
    assert_eq!(
        outcome.problems(),
        ["warning: pyproject.toml has no [tool.pounce]"]
    );
    let outcome = World::new()
        .file("pyproject.toml", "[tool]\npounce = 3\n")
        .server();
    assert_eq!(outcome.problems(), ["error: `tool.pounce` must be a table"]);
}

#[test]
fn the_keys_beside_the_fields_are_read() {
    let text = "app = \"shop:app\"\napp_dir = \"src\"\n[check]\nignore = [\"bind\", \"workers\"]\nwarnings_as_errors = true\ninclude_info = true\n";
    let outcome = World::new().file("pounce.toml", text).server();
    assert_eq!(outcome.problems(), [""; 0]);
    let resolved = &outcome.resolved;
    assert_eq!(
        (
            resolved.beside["app"].0.as_str(),
            resolved.beside["app_dir"].0.as_str()
        ),
        ("shop:app", "src")
    );
    let ignored: Vec<_> = resolved
        .check
        .ignore
        .iter()
        .map(|(rule, _)| rule.as_str())
        .collect();
    assert_eq!(ignored, ["bind", "workers"]);
    assert!(resolved.check.warnings_as_errors && resolved.check.include_info);
    let outcome = World::new()
        .file("pounce.toml", text)
        .variable("POUNCE_APP", "other:app")
        .server();
    assert_eq!(outcome.resolved.beside["app"].0, "other:app");
    let outcome = World::new()
        .file("chirp.toml", "app = \"shop:app\"\n")
        .app();
    assert_eq!(outcome.problems(), ["error: unknown key `app`"]);
}
