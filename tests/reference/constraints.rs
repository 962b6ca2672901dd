//! Ranges and choices: for each constraint of the reference, values on both sides of it.

use std::collections::BTreeSet;

use pounce_core::config::Field;
use pounce_core::config::kind::Kind;
use pounce_core::config::value::Raw;
use serde_json::Value as Json;

use super::both;

fn accepts(field: &Field, raw: &Raw) -> bool {
    let value = field.kind.read(raw);
    value.and_then(|value| (field.check)(&value)).is_ok()
}

fn text(text: &str) -> Raw {
    Raw::Text(text.to_owned())
}

fn integer(value: i64) -> Raw {
    Raw::Integer {
        value,
        decimal: true,
    }
}

#[test]
fn constraints_are_those_of_the_reference() {
    for (entry, field) in both() {
        let Some(constraint) = entry.get("constraint").and_then(Json::as_str) else {
            continue;
        };
        holds(field, constraint);
    }
}

fn holds(field: &Field, constraint: &str) {
    let name = field.name;
    // What stands in brackets or behind a comma explains, or is about two fields (config_layers.rs).
    let constraint = constraint.trim_start_matches("case-insensitive; ");
    let bound = constraint
        .split(" (")
        .next()
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    let bound = bound
        .trim_end_matches(" seconds")
        .trim_end_matches(" bytes");
    match bound {
        "> 0" => {
            assert!(
                !accepts(field, &integer(0)) && accepts(field, &integer(1)),
                "{name}"
            );
            assert!(!accepts(field, &integer(-1)), "{name}");
        }
        ">= 0" => assert!(
            !accepts(field, &integer(-1)) && accepts(field, &integer(0)),
            "{name}"
        ),
        ">= 1" => assert!(
            !accepts(field, &integer(0)) && accepts(field, &integer(1)),
            "{name}"
        ),
        "0-65535" => {
            assert!(
                accepts(field, &integer(0)) && accepts(field, &integer(65535)),
                "{name}"
            );
            assert!(
                !accepts(field, &integer(-1)) && !accepts(field, &integer(65536)),
                "{name}"
            );
        }
        "0.0-1.0" => {
            assert!(
                accepts(field, &Raw::Float(0.0)) && accepts(field, &Raw::Float(1.0)),
                "{name}"
            );
            assert!(
                !accepts(field, &Raw::Float(-0.1)) && !accepts(field, &Raw::Float(1.1)),
                "{name}"
            );
        }
        "starts with /" => assert!(
            !accepts(field, &text("x")) && accepts(field, &text("/x")),
            "{name}"
        ),
        "non-empty" | "non-empty path" => {
            assert!(
                !accepts(field, &text("")) && accepts(field, &text("x")),
                "{name}"
            );
        }
        "case-insensitive" => {
            let Kind::Choice(choices) = field.kind else {
                panic!("{name} is no choice");
            };
            for choice in choices {
                assert!(
                    accepts(field, &text(&choice.to_uppercase())),
                    "{name}: {choice}"
                );
            }
        }
        "file mode; 432 is 0o660" => {
            assert!(
                accepts(field, &text("0o660")) && accepts(field, &text("660")),
                "{name}"
            );
            assert!(
                accepts(field, &integer(432)) && !accepts(field, &integer(660)),
                "{name}"
            );
        }
        "false/off" => tiers(field, constraint),
        // About two fields: tested with both places in config_layers.rs.
        "needs ssl_certfile and ssl_keyfile; not with uds"
        | "set together with ssl_keyfile or not at all"
        | "set together with ssl_certfile or not at all"
        | "non-empty unless env is development" => {}
        _ => listed(field, constraint),
    }
}

/// `auto, text, json`, perhaps after `one of`: exactly these, in any case.
fn listed(field: &Field, constraint: &str) {
    let Kind::Choice(choices) = field.kind else {
        panic!(
            "{}: nothing tests the constraint {constraint:?}",
            field.name
        );
    };
    for choice in choices {
        assert!(
            accepts(field, &text(&choice.to_uppercase())),
            "{}: {choice}",
            field.name
        );
    }
    let expected: BTreeSet<_> = constraint
        .trim_start_matches("one of ")
        .split(", ")
        .collect();
    assert_eq!(
        choices.iter().copied().collect::<BTreeSet<_>>(),
        expected,
        "{}",
        field.name
    );
}

/// `false/off, true/htmx, full`: a boolean or one of these texts.
fn tiers(field: &Field, constraint: &str) {
    for word in constraint.split([',', '/']).map(str::trim) {
        let raw = match word {
            "false" => Raw::Bool(false),
            "true" => Raw::Bool(true),
            other => text(other),
        };
        assert!(accepts(field, &raw), "{}: {word}", field.name);
    }
    assert!(!accepts(field, &text("sometimes")), "{}", field.name);
}
