//! The `chirp` command without Python.

use std::process::ExitCode;

use pounce_core::check::Tool;
use pounce_core::cli::{Host, main as run};

fn main() -> ExitCode {
    ExitCode::from(run(
        Tool::Chirp,
        std::env::args_os().skip(1),
        &Host::native(),
    ))
}
