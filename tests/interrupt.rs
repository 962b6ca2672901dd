//! Ctrl-C while an app hangs in its import ends the command, and the app with it.

#![cfg(all(test, unix))]

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

const PATIENCE: Duration = Duration::from_secs(20);

/// Looks again and again until there is something to see.
fn awaited<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn gone(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    test_kill_process(pid).is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
}

#[test]
fn nothing_of_the_app_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let app = "import os, time\n\
               open('pid.new', 'w').write(str(os.getpid()))\n\
               os.rename('pid.new', 'pid')\n\
               time.sleep(60)\n";
    std::fs::write(folder.path().join("shop.py"), app).unwrap();
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pounce"))
        .current_dir(folder.path())
        .args(["check", "shop:app", "--scope", "app", "--python"])
        .arg(python)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let file: PathBuf = folder.path().join("pid");
    let child = awaited("the app's import", || std::fs::read_to_string(&file).ok());
    let child = Pid::from_raw(child.parse().unwrap()).unwrap();
    let own = Pid::from_raw(command.id().cast_signed()).unwrap();
    kill_process(own, Signal::INT).unwrap();
    let status = awaited("the end of the command", || command.try_wait().unwrap());
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
    awaited("the end of the app", || gone(child).then_some(()));
}
