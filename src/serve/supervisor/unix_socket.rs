//! The file of a Unix socket: a stale one is replaced, a live one is left alone, ours is removed.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

/// A socket's file that this server made. Dropping it removes the file, unless another has taken its
/// place since.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            // Nothing is lost where it fails: the next server replaces a stale file.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Binds a socket at `path` (`@name` is an abstract one) with the permission bits `mode`, and listens.
///
/// # Errors
/// `AddrInUse` where a server answers there, or the system's reason.
pub(super) fn listen(
    path: &Path,
    mode: u32,
    backlog: i32,
) -> io::Result<(Socket, Option<SocketFile>)> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    if let Some(name) = path.as_os_str().as_bytes().strip_prefix(b"@") {
        let name = [b"\0", name].concat();
        let address = SockAddr::unix(PathBuf::from(std::ffi::OsString::from_vec(name)))?;
        socket.bind(&address)?;
        socket.listen(backlog)?;
        return Ok((socket, None));
    }
    let address = SockAddr::unix(path)?;
    clear(path, &address)?;
    socket.bind(&address)?;
    let file = SocketFile {
        path: std::path::absolute(path)?,
        identity: identity(path)?,
    };
    // Before it listens nobody can connect, so the bits of the umask are never in force.
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    socket.listen(backlog)?;
    Ok((socket, Some(file)))
}

/// Removes a file that a dead server has left.
fn clear(path: &Path, address: &SockAddr) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "there is something that is no socket",
        ));
    }
    let knock = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A live server with a full queue would block us.
    knock.set_nonblocking(true)?;
    match knock.connect(address) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(error),
        _ => Err(io::Error::new(
            ErrorKind::AddrInUse,
            "a live server answers on it",
        )),
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn a_stale_file_is_replaced_and_ours_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        drop(UnixListener::bind(&path).unwrap());
        let (socket, file) = listen(&path, 0o640, 8).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
        UnixStream::connect(&path).unwrap();
        drop((socket, file));
        assert!(!path.exists());
    }

    #[test]
    fn a_live_one_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let live = UnixListener::bind(&path).unwrap();
        let error = listen(&path, 0o660, 8).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        UnixStream::connect(&path).unwrap();
        drop(live);
    }

    #[test]
    fn a_file_that_another_server_made_since_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let ours = listen(&path, 0o660, 8).unwrap();
        fs::rename(&path, folder.path().join("old")).unwrap();
        let theirs = UnixListener::bind(&path).unwrap();
        drop(ours);
        UnixStream::connect(&path).unwrap();
        drop(theirs);
    }

    #[test]
    fn what_is_no_socket_is_never_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        fs::write(&path, "keep").unwrap();
        assert!(listen(&path, 0o660, 8).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "keep");
    }
}
