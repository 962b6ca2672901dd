//! Looking at the path of a Unix socket on Unix systems: the folder, the file, and who answers.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path};

use rustix::fs::Access;
use socket2::{Domain, SockAddr, Socket, Type};

use super::process::Holder;
use super::unix_path::{PathProblem, UnixOutcome};

/// Most bytes of a path: the size of `sun_path` without its final zero byte.
const LONGEST: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

pub(super) fn outcome(path: &Path) -> UnixOutcome {
    let bytes = path.as_os_str().as_bytes();
    if bytes.len() > LONGEST {
        return unusable(PathProblem::TooLong {
            bytes: bytes.len(),
            limit: LONGEST,
        });
    }
    if let Some(name) = bytes.strip_prefix(b"@") {
        return abstract_name(name);
    }
    if !matches!(path.components().next_back(), Some(Component::Normal(_))) || bytes.ends_with(b"/")
    {
        return unusable(PathProblem::NoName);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => knock(path, folder, &metadata),
        Ok(metadata) => unusable(PathProblem::NotASocket {
            what: what_is(&metadata).to_owned(),
        }),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => {
                folder_problem(folder).map_or(UnixOutcome::Free, unusable)
            }
            ErrorKind::PermissionDenied => unusable(not_writable(folder)),
            _ => unusable(PathProblem::Other {
                message: error.to_string(),
            }),
        },
    }
}

fn unusable(problem: PathProblem) -> UnixOutcome {
    UnixOutcome::Unusable { problem }
}

fn what_is(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    if kind.is_dir() {
        "folder"
    } else if kind.is_symlink() {
        "link"
    } else if kind.is_fifo() {
        "pipe"
    } else if kind.is_file() {
        "file"
    } else {
        "device"
    }
}

fn not_writable(folder: &Path) -> PathProblem {
    PathProblem::FolderNotWritable {
        folder: folder.to_owned(),
        uid: rustix::process::geteuid().as_raw(),
    }
}

/// Why no socket can be made in a folder, if so.
fn folder_problem(folder: &Path) -> Option<PathProblem> {
    match fs::metadata(folder) {
        Ok(metadata) if !metadata.is_dir() => {
            return Some(PathProblem::FolderIsFile {
                file: folder.to_owned(),
            });
        }
        Ok(_) => {}
        Err(error) => return Some(missing_folder(folder, &error)),
    }
    match rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => None,
        Err(rustix::io::Errno::ROFS) => Some(PathProblem::ReadOnly {
            folder: folder.to_owned(),
        }),
        Err(_) => Some(not_writable(folder)),
    }
}

fn missing_folder(folder: &Path, error: &io::Error) -> PathProblem {
    match error.kind() {
        ErrorKind::NotFound => PathProblem::FolderMissing {
            folder: folder.to_owned(),
        },
        ErrorKind::NotADirectory => {
            let file = folder
                .ancestors()
                .find(|each| each.exists())
                .unwrap_or(folder);
            PathProblem::FolderIsFile {
                file: file.to_owned(),
            }
        }
        ErrorKind::PermissionDenied => not_writable(folder),
        _ => PathProblem::Other {
            message: error.to_string(),
        },
    }
}

/// Connects, without waiting, to tell a live server from a file that was left behind.
fn knock(path: &Path, folder: &Path, metadata: &Metadata) -> UnixOutcome {
    let connected = SockAddr::unix(path).and_then(|address| connect(&address));
    let error = match connected {
        Ok(()) => {
            return UnixOutcome::Live {
                holders: holders(path),
            };
        }
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::ConnectionRefused => UnixOutcome::Stale {
            uid: metadata.uid(),
            removable: may_remove(folder, metadata),
        },
        // Its queue is full: busy, but alive.
        ErrorKind::WouldBlock => UnixOutcome::Live {
            holders: holders(path),
        },
        ErrorKind::PermissionDenied => UnixOutcome::Closed {
            uid: metadata.uid(),
            mode: metadata.mode() & 0o7777,
        },
        // It vanished between the two looks.
        ErrorKind::NotFound => UnixOutcome::Free,
        // A socket of another type (datagram): somebody has it open.
        _ if error.raw_os_error() == Some(rustix::io::Errno::PROTOTYPE.raw_os_error()) => {
            UnixOutcome::Live {
                holders: holders(path),
            }
        }
        _ => unusable(PathProblem::Other {
            message: error.to_string(),
        }),
    }
}

fn connect(address: &SockAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(address)
}

/// In a folder with the sticky bit (`/tmp`) only the owner of file or folder may remove a file.
fn may_remove(folder: &Path, file: &Metadata) -> bool {
    let uid = rustix::process::geteuid().as_raw();
    let Ok(around) = fs::metadata(folder) else {
        return false;
    };
    let sticky = around.mode() & 0o1000 != 0;
    let owned = uid == 0 || uid == file.uid() || uid == around.uid();
    folder_problem(folder).is_none() && (!sticky || owned)
}

#[cfg(target_os = "linux")]
fn abstract_name(name: &[u8]) -> UnixOutcome {
    use std::ffi::OsStr;
    use std::path::PathBuf;

    // A leading zero byte is how the kernel spells an abstract name.
    let kernel: Vec<u8> = [b"\0", name].concat();
    let path = PathBuf::from(OsStr::from_bytes(&kernel));
    let tried = SockAddr::unix(&path).and_then(|address| {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&address)
    });
    match tried {
        Ok(()) => UnixOutcome::Free,
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let shown: Vec<u8> = [b"@", name].concat();
            let holders = holders(Path::new(OsStr::from_bytes(&shown)));
            UnixOutcome::Live { holders }
        }
        Err(error) => unusable(PathProblem::Other {
            message: error.to_string(),
        }),
    }
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_name: &[u8]) -> UnixOutcome {
    unusable(PathProblem::Unsupported)
}

/// Who listens, from the kernel's table; where that shows nobody, at least whose file it is.
#[cfg(target_os = "linux")]
fn holders(path: &Path) -> Vec<Holder> {
    use crate::check::machine::accounts;

    let is_abstract = path.as_os_str().as_bytes().starts_with(b"@");
    let absolute = match std::path::absolute(path) {
        Ok(absolute) if !is_abstract => absolute,
        _ => path.to_owned(),
    };
    let owner = fs::symlink_metadata(path)
        .ok()
        .map(|metadata| metadata.uid());
    let mut found = super::proc_net::unix_holders(&absolute);
    if found.is_empty() {
        found.push(Holder {
            address: path.display().to_string(),
            listening: true,
            uid: None,
            user: None,
            processes: Vec::new(),
        });
    }
    for holder in found.iter_mut().filter(|holder| holder.uid.is_none()) {
        holder.uid = owner;
        holder.user = owner.and_then(accounts::user_name);
    }
    found
}

#[cfg(not(target_os = "linux"))]
fn holders(_path: &Path) -> Vec<Holder> {
    Vec::new()
}
