//! The file that holds the supervisor's process id, for scripts that send it signals.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, test_kill_process};

/// A file with our process id. Dropping it removes the file while the id in it is ours.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
}

impl PidFile {
    /// Writes the file; one that a dead process has left is replaced.
    ///
    /// # Errors
    /// `AlreadyExists` where the process of the file's id lives, or the system's reason.
    pub(super) fn write(path: &Path) -> io::Result<Self> {
        if let Some(pid) = recorded(path)
            && pid != std::process::id()
            && alive(pid)
        {
            let why = format!("process {pid}, which it names, is running");
            return Err(io::Error::new(ErrorKind::AlreadyExists, why));
        }
        let path = std::path::absolute(path)?;
        // A reader never sees half a number.
        let new = path.with_extension(format!("{}.new", std::process::id()));
        let mut file = fs::File::create_new(&new)?;
        let written = writeln!(file, "{}", std::process::id());
        let moved = written.and_then(|()| fs::rename(&new, &path));
        if moved.is_err() {
            let _ = fs::remove_file(&new);
        }
        moved.map(|()| Self { path })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if recorded(&self.path) == Some(std::process::id()) {
            // A file that stays is seen to be stale by the next server.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn recorded(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn alive(pid: u32) -> bool {
    let Some(pid) = Pid::from_raw(pid.cast_signed()) else {
        return false;
    };
    !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_file_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        let mut child = std::process::Command::new("true").spawn().unwrap();
        fs::write(&path, child.id().to_string()).unwrap();
        child.wait().unwrap();
        let file = PidFile::write(&path).unwrap();
        assert_eq!(recorded(&path), Some(std::process::id()));
        drop(file);
        assert!(!path.exists());

        fs::write(&path, "1").unwrap();
        let error = PidFile::write(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1");
    }
}
