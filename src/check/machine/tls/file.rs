//! Reading one TLS file: is it there, may we read it, who else may, and is it PEM at all.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::pem::{self, Block, BlockKind};
use super::{certificate, key};

/// Largest file that is read, in bytes; a chain of certificates has a few thousand.
const LARGEST: u64 = 4 * 1024 * 1024;

/// One file as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// The path as configured.
    pub path: PathBuf,
    /// Whether its content could be read as PEM, or why not.
    pub state: FileState,
    /// Who may read it; `None` where the file cannot be looked at (and on Windows).
    pub access: Option<Access>,
    /// Its PEM blocks, in order.
    pub blocks: Vec<Block>,
}

impl FileFacts {
    /// How many blocks are of this kind.
    #[must_use]
    pub fn count(&self, kind: BlockKind) -> usize {
        self.blocks
            .iter()
            .filter(|block| block.kind == kind)
            .count()
    }
}

/// Whether a file could be read as PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum FileState {
    /// It has at least one PEM block.
    Pem,
    /// Nothing is there.
    Missing {
        /// The nearest folder above it that does exist.
        nearest: PathBuf,
    },
    /// A symbolic link whose target is not there.
    DanglingLink {
        /// The target, as the link has it.
        target: PathBuf,
    },
    /// A folder, pipe, socket or device.
    NotAFile {
        /// `folder`, `pipe`, `socket` or `device`.
        what: String,
    },
    /// The user that we run as may not read it.
    PermissionDenied {
        /// The file itself, or the folder on the way to it that may not be entered.
        denied: PathBuf,
        /// Our effective user id.
        uid: u32,
    },
    /// Reading failed in another way.
    Unreadable {
        /// The system's message.
        message: String,
    },
    /// No byte, or only white space.
    Empty,
    /// Larger than any chain of certificates (over 4 MiB); it is not read.
    TooLarge {
        /// Its size in bytes.
        bytes: u64,
    },
    /// It has content, but no PEM block.
    NotPem {
        /// What it looks like instead.
        looks_like: NotPem,
    },
}

/// What a file without PEM blocks looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotPem {
    /// A binary (DER) certificate.
    DerCertificate,
    /// A binary (DER) private key.
    DerPrivateKey,
    /// A PKCS#12 store (`.p12`, `.pfx`).
    Pkcs12,
    /// A Java key store.
    JavaKeyStore,
    /// PEM that is still base64-coded, as a Kubernetes Secret holds it.
    EncodedPem,
    /// PEM whose line ends are the two characters `\n`, as from a quoted variable.
    EscapedNewlines,
    /// Other text.
    Text,
    /// Other bytes.
    Binary,
}

/// Who may read a file, from its mode and the folders above it (ACLs are not looked at).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Permission bits, `0o640`.
    pub mode: u32,
    /// Owner's id.
    pub uid: u32,
    /// Group's id.
    pub gid: u32,
    /// Owner's name, where the machine knows it.
    pub owner: Option<String>,
    /// Group's name, where the machine knows it.
    pub group: Option<String>,
    /// Whether the mode lets the group read it.
    pub group_reads: bool,
    /// Whether every user can read it: the mode lets others, and so does each folder above it.
    pub others_read: bool,
}

/// Looks at a file and reads it. The bytes are empty unless the state is [`FileState::Pem`]; they are
/// wiped from memory when dropped, because each of the two files may hold a key.
pub(super) fn read(path: &Path) -> (FileFacts, Zeroizing<Vec<u8>>) {
    let mut facts = FileFacts {
        path: path.to_owned(),
        state: FileState::Pem,
        access: None,
        blocks: Vec::new(),
    };
    match content(path, &mut facts.access) {
        Err(state) => {
            facts.state = state;
            (facts, Zeroizing::new(Vec::new()))
        }
        Ok(bytes) => {
            facts.blocks = pem::scan(&bytes);
            if !facts.blocks.is_empty() {
                return (facts, bytes);
            }
            facts.state = if bytes.trim_ascii().is_empty() {
                FileState::Empty
            } else {
                FileState::NotPem {
                    looks_like: recognise(&bytes),
                }
            };
            (facts, Zeroizing::new(Vec::new()))
        }
    }
}

fn content(path: &Path, access: &mut Option<Access>) -> Result<Zeroizing<Vec<u8>>, FileState> {
    let metadata = fs::metadata(path).map_err(|error| refused(path, &error))?;
    *access = who_reads(path, &metadata);
    // Opening a pipe would wait for a writer, and a second reader (the server) would find it empty.
    if !metadata.is_file() {
        return Err(FileState::NotAFile {
            what: what_is(&metadata).to_owned(),
        });
    }
    if metadata.len() > LARGEST {
        return Err(FileState::TooLarge {
            bytes: metadata.len(),
        });
    }
    let file = File::open(path).map_err(|error| refused(path, &error))?;
    // Room for the whole file at once: a growing vector would leave copies of a key behind.
    let room = usize::try_from(metadata.len()).unwrap_or(0) + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(|error| refused(path, &error))?;
    Ok(bytes)
}

fn refused(path: &Path, error: &std::io::Error) -> FileState {
    match error.kind() {
        ErrorKind::NotFound => match fs::read_link(path) {
            Ok(target) => FileState::DanglingLink { target },
            Err(_) => FileState::Missing {
                nearest: nearest_folder(path),
            },
        },
        ErrorKind::NotADirectory => FileState::Missing {
            nearest: nearest_folder(path),
        },
        ErrorKind::PermissionDenied => FileState::PermissionDenied {
            denied: what_denies(path),
            uid: effective_uid(),
        },
        _ => FileState::Unreadable {
            message: error.to_string(),
        },
    }
}

fn nearest_folder(path: &Path) -> PathBuf {
    let exists = path.ancestors().skip(1).find(|each| each.is_dir());
    match exists {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The topmost folder on the way that may not be entered, else the file itself.
fn what_denies(path: &Path) -> PathBuf {
    let mut folders: Vec<&Path> = path
        .ancestors()
        .skip(1)
        .filter(|each| !each.as_os_str().is_empty())
        .collect();
    folders.reverse();
    let closed = folders.into_iter().find(|folder| !may_enter(folder));
    closed.unwrap_or(path).to_owned()
}

#[cfg(unix)]
fn may_enter(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn may_enter(_folder: &Path) -> bool {
    true
}

#[cfg(unix)]
fn effective_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn effective_uid() -> u32 {
    0
}

#[cfg(unix)]
fn what_is(metadata: &fs::Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    if kind.is_dir() {
        "folder"
    } else if kind.is_fifo() {
        "pipe"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    }
}

#[cfg(not(unix))]
fn what_is(metadata: &fs::Metadata) -> &'static str {
    if metadata.is_dir() {
        "folder"
    } else {
        "device"
    }
}

#[cfg(unix)]
fn who_reads(path: &Path, metadata: &fs::Metadata) -> Option<Access> {
    use std::os::unix::fs::MetadataExt;

    use crate::check::machine::accounts;

    let mode = metadata.mode() & 0o7777;
    // Links are followed first: the folders that protect a key are those of the real file.
    let real = fs::canonicalize(path).ok()?;
    let open_way = real
        .ancestors()
        .skip(1)
        .all(|folder| fs::metadata(folder).is_ok_and(|each| each.mode() & 0o001 != 0));
    Some(Access {
        mode,
        uid: metadata.uid(),
        gid: metadata.gid(),
        owner: accounts::user_name(metadata.uid()),
        group: accounts::group_name(metadata.gid()),
        group_reads: mode & 0o040 != 0,
        others_read: mode & 0o004 != 0 && open_way,
    })
}

#[cfg(not(unix))]
fn who_reads(_path: &Path, _metadata: &fs::Metadata) -> Option<Access> {
    None
}

fn recognise(bytes: &[u8]) -> NotPem {
    if bytes.starts_with(&[0xfe, 0xed, 0xfe, 0xed]) {
        return NotPem::JavaKeyStore;
    }
    if key::is_pkcs12(bytes) {
        return NotPem::Pkcs12;
    }
    if key::is_der_key(bytes) {
        return NotPem::DerPrivateKey;
    }
    if certificate::is_der(bytes) {
        return NotPem::DerCertificate;
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return NotPem::Binary;
    };
    // The first is base64 of "-----BEGIN", which has a fixed beginning whatever follows.
    if text.trim_start().starts_with("LS0tLS1CRUdJTi") {
        NotPem::EncodedPem
    } else if text.contains("-----BEGIN ") && text.contains("\\n") {
        NotPem::EscapedNewlines
    } else if text
        .chars()
        .any(|each| each.is_control() && !each.is_whitespace())
    {
        NotPem::Binary
    } else {
        NotPem::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_without_pem_is_recognised() {
        assert_eq!(
            recognise(b"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t\n"),
            NotPem::EncodedPem
        );
        assert_eq!(
            recognise(b"-----BEGIN CERTIFICATE-----\\nAA==\\n-----END CERTIFICATE-----"),
            NotPem::EscapedNewlines
        );
        assert_eq!(recognise(b"hello\n"), NotPem::Text);
        assert_eq!(
            recognise(&[0xfe, 0xed, 0xfe, 0xed, 0, 0]),
            NotPem::JavaKeyStore
        );
        assert_eq!(recognise(&[0xff, 0xfe, 0x00]), NotPem::Binary);
        assert_eq!(recognise(b"a\0b"), NotPem::Binary);
    }
}
