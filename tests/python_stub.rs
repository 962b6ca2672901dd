//! The stub of the extension module is what the declared fields say.

use std::path::Path;

use pounce_core::config::python_stub::{COMMAND, python_stub};

#[test]
fn the_stub_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/pounce_rs/_native.pyi");
    let fresh = python_stub();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &fresh).expect("the package folder is writable");
    }
    let kept = std::fs::read_to_string(&path).expect("the stub is kept in the repository");
    assert!(
        kept == fresh,
        "python/pounce_rs/_native.pyi is stale: {COMMAND}"
    );
}
