//! Any bytes as a configuration file: resolving never panics, every place can be shown, and what
//! was read holds together.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pounce_core::config::file::Wanted;
use pounce_core::config::{AppConfig, Inputs, Model, ServerConfig, Sources, resolve};

/// A folder of this process alone.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("pounce-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be made");
    folder
});

fuzz_target!(|bytes: &[u8]| {
    for name in ["settings.toml", "pyproject.toml"] {
        let path = FOLDER.join(name);
        std::fs::write(&path, bytes).expect("the file can be written");
        judge::<ServerConfig>(path.clone());
        judge::<AppConfig>(path);
    }
});

fn judge<M: Model>(path: PathBuf) {
    let inputs = Inputs {
        file: Wanted::Named { path, place: None },
        ..Inputs::default()
    };
    let mut sources = Sources::default();
    let resolved = resolve::<M>(&inputs, &mut sources);
    let labels = resolved.problems.iter().flat_map(|problem| &problem.labels);
    let origins = resolved
        .settings()
        .filter_map(|(_, setting)| setting.origin.place.as_ref());
    for place in labels.map(|label| &label.place).chain(origins) {
        let source = sources.get(place.source);
        assert!(source.raw().get(place.span.clone()).is_some(), "{place:?}");
        let shown = source.shown();
        assert!(
            shown.text.get(shown.span(&place.span)).is_some(),
            "{place:?}"
        );
        assert!(source.line_column(place.span.start).0 >= 1);
    }
    if resolved.settings().any(|(_, setting)| setting.invalid) {
        assert!(
            !resolved.is_valid(),
            "an unreadable setting without a mistake"
        );
    }
}
