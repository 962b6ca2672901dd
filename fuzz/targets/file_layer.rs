//! Fuzzes the file layer: any bytes as pounce.toml, chirp.toml or pyproject.toml.
//!
//! Resolving never panics, says something about every file that it cannot use, and points only into
//! texts that are there.
#![no_main]

use std::cell::RefCell;
use std::fs;

use libfuzzer_sys::fuzz_target;
use pounce_core::config::field::Model;
use pounce_core::config::file::Wanted;
use pounce_core::config::{AppConfig, Inputs, ServerConfig, Sources, Weight, resolve};
use tempfile::TempDir;

thread_local! {
    static FOLDER: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

fuzz_target!(|data: &[u8]| {
    let Some((&document, text)) = data.split_first() else {
        return;
    };
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(|| tempfile::tempdir().expect("a folder for files"));
        match document % 4 {
            0 => judge::<ServerConfig>(folder, "pounce.toml", text),
            1 => judge::<AppConfig>(folder, "chirp.toml", text),
            2 => judge::<ServerConfig>(folder, "pyproject.toml", text),
            _ => judge::<AppConfig>(folder, "pyproject.toml", text),
        }
    });
});

fn judge<M: Model>(folder: &TempDir, name: &str, text: &[u8]) {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("the file can be written");
    let mut sources = Sources::default();
    let inputs = Inputs {
        file: Wanted::Named { path, place: None },
        ..Inputs::default()
    };
    let resolved = resolve::<M>(&inputs, &mut sources);

    let unusable = std::str::from_utf8(text).is_err();
    assert!(
        !unusable
            || resolved
                .problems
                .iter()
                .any(|problem| problem.weight == Weight::Error)
    );
    for problem in &resolved.problems {
        assert!(!problem.message.contains('\n'), "{:?}", problem.message);
        for label in &problem.labels {
            let source = sources.get(label.place.source);
            let span = &label.place.span;
            assert!(
                source.raw().get(span.clone()).is_some(),
                "{span:?} in {:?}",
                source.raw()
            );
            let shown = source.shown();
            assert!(
                shown.text.get(shown.span(span)).is_some(),
                "{span:?} as shown"
            );
        }
    }
}
