//! Tells the binaries which commit they were built from.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=POUNCE_COMMIT");
    println!("cargo::rerun-if-changed=.git/HEAD");
    println!("cargo::rerun-if-changed=.git/logs/HEAD");
    let commit = std::env::var("POUNCE_COMMIT").ok().or_else(|| {
        let output = Command::new("git")
            .args(["rev-parse", "--short=12", "HEAD"])
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
    });
    println!(
        "cargo::rustc-env=POUNCE_COMMIT={}",
        commit.as_deref().unwrap_or("unknown")
    );
}
