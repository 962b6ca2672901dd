//! The files of a certificate and its key: read at the start, and again when they have changed.

use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{TlsAcceptor, TlsError};
use crate::serve::reactor::Handle;
use crate::serve::report::{Level, Report};

/// Time between two looks at the files. Renewals are rare, and the old certificate is valid meanwhile.
pub const LOOK: Duration = Duration::from_secs(2);

/// A certificate chain, the server's own certificate first, and its private key, both in PEM form.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// The chain.
    pub chain: Vec<u8>,
    /// The key, which is never shown.
    pub key: Vec<u8>,
}

impl Pair {
    /// What takes TLS connections with it; `http_2` is offered by ALPN.
    ///
    /// # Errors
    /// The two do not serve together, or one of them is none.
    pub fn acceptor(&self, http_2: bool) -> Result<TlsAcceptor, TlsError> {
        TlsAcceptor::new(&self.chain, &self.key, http_2)
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pair").finish_non_exhaustive()
    }
}

/// A certificate chain and its key, in PEM form, as files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    chain: PathBuf,
    key: PathBuf,
    /// The state that was read last. It is taken before the files are read: what changes meanwhile is
    /// seen at the next look.
    served: State,
    /// That state, where the files could not be read then.
    unreadable: Option<State>,
}

/// Why the files can not be served.
#[derive(Debug)]
pub enum FileError {
    /// A file can not be read.
    Unreadable(PathBuf, io::Error),
    /// What is in them is no pair.
    Invalid {
        /// The file of the certificate chain.
        chain: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What is wrong.
        error: TlsError,
    },
}

impl fmt::Display for FileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(formatter, "{}: {error}", path.display()),
            Self::Invalid { chain, key, error } => write!(
                formatter,
                "{} with {}: {error}",
                chain.display(),
                key.display()
            ),
        }
    }
}

impl std::error::Error for FileError {}

/// What tells one state of the files from another: where the names lead to, and what is there. A swapped
/// symbolic link leads elsewhere, a file that is written anew has another time. The second one, of any
/// change, sees also what keeps the first: new permissions, a time that was set back.
pub(super) type State = [Option<(u64, u64, (i64, i64), (i64, i64), u64)>; 2];

impl CertificateFiles {
    /// The files of a chain, the server's own certificate first, and of its private key, not encrypted.
    #[must_use]
    pub fn new(chain: &Path, key: &Path) -> Self {
        Self {
            chain: chain.to_owned(),
            key: key.to_owned(),
            served: state(chain, key),
            unreadable: None,
        }
    }

    /// How they are now.
    pub(super) fn state(&self) -> State {
        state(&self.chain, &self.key)
    }

    /// What takes TLS connections with them; `http_2` is offered by ALPN.
    ///
    /// # Errors
    /// A file is unreadable, or the two do not make a pair.
    pub fn acceptor(&self, http_2: bool) -> Result<TlsAcceptor, FileError> {
        let acceptor = self.read()?.acceptor(http_2);
        acceptor.map_err(|error| self.invalid(error))
    }

    /// The same, with `kept` where they cannot be served; then the error comes beside the acceptor.
    ///
    /// # Errors
    /// As [`CertificateFiles::acceptor`], where `kept` cannot be served either.
    pub fn acceptor_or(
        &mut self,
        kept: Option<&Pair>,
        http_2: bool,
    ) -> Result<(TlsAcceptor, Option<FileError>), FileError> {
        let error = match self.acceptor(http_2) {
            Ok(acceptor) => return Ok((acceptor, None)),
            Err(error) => error,
        };
        let Some(Ok(acceptor)) = kept.map(|pair| pair.acceptor(http_2)) else {
            return Err(error);
        };
        if matches!(error, FileError::Unreadable(..)) {
            self.unreadable = Some(self.served);
        }
        Ok((acceptor, Some(error)))
    }

    /// Has `acceptor` renewed whenever the files have changed, looking every `interval`, as long as the
    /// reactor runs. Each renewal is reported, and each state of the files that can not be served; then
    /// the certificate that is in use stays. What can not be read is tried again at every look: what
    /// stands in the way (a directory's permissions, a lack of descriptors) need not show in the files.
    pub async fn follow(
        mut self,
        acceptor: TlsAcceptor,
        handle: Handle,
        interval: Duration,
        report: Report,
    ) {
        let mut last = self.served;
        // The state whose files could not be read.
        let mut unreadable = self.unreadable;
        loop {
            handle.sleep_until(handle.now() + interval).await;
            let now = self.state();
            // Certificate and key are written one after the other: they are taken when they rest.
            let rests = std::mem::replace(&mut last, now) == now;
            if !rests || (now == self.served && unreadable.is_none()) {
                continue;
            }
            self.served = now;
            let told = unreadable.take() == Some(now);
            let renewed = self.renew(&acceptor);
            if matches!(renewed, Err(FileError::Unreadable(..))) {
                unreadable = Some(now);
                if told {
                    continue;
                }
            }
            match renewed {
                Ok(()) => {
                    let chain = self.chain.display();
                    report.tell(
                        Level::Info,
                        &format!("the certificate was renewed from {chain}"),
                    );
                }
                Err(error) => report.tell(
                    Level::Error,
                    &format!("the new certificate can not be served, the old one stays: {error}"),
                ),
            }
        }
    }

    fn renew(&self, acceptor: &TlsAcceptor) -> Result<(), FileError> {
        let Pair { chain, key } = self.read()?;
        let renewed = acceptor.renew(&chain, &key);
        renewed.map_err(|error| self.invalid(error))
    }

    pub(super) fn read(&self) -> Result<Pair, FileError> {
        let read = |path: &Path| {
            fs::read(path).map_err(|error| FileError::Unreadable(path.to_owned(), error))
        };
        Ok(Pair {
            chain: read(&self.chain)?,
            key: read(&self.key)?,
        })
    }

    fn invalid(&self, error: TlsError) -> FileError {
        FileError::Invalid {
            chain: self.chain.clone(),
            key: self.key.clone(),
            error,
        }
    }
}

fn state(chain: &Path, key: &Path) -> State {
    let identity = |metadata: Metadata| {
        (
            metadata.dev(),
            metadata.ino(),
            (metadata.mtime(), metadata.mtime_nsec()),
            (metadata.ctime(), metadata.ctime_nsec()),
            metadata.size(),
        )
    };
    [chain, key].map(|path| fs::metadata(path).ok().map(identity))
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};

    use super::*;

    #[test]
    fn a_key_is_not_shown() {
        let pair = Pair {
            chain: b"chain".to_vec(),
            key: b"secret".to_vec(),
        };
        assert_eq!(format!("{pair:?}"), "Pair { .. }");
    }

    #[test]
    fn a_file_that_is_written_anew_is_another_even_with_its_old_time() {
        let folder = tempfile::tempdir().unwrap();
        let [chain, key] = ["chain", "key"].map(|name| folder.path().join(name));
        fs::write(&chain, "old").unwrap();
        fs::write(&key, "key").unwrap();
        let before = state(&chain, &key);
        assert_eq!(state(&chain, &key), before);
        let modified = fs::metadata(&chain).unwrap().modified().unwrap();
        while state(&chain, &key) == before {
            fs::write(&chain, "new").unwrap();
            let times = FileTimes::new().set_modified(modified);
            let file = File::options().write(true).open(&chain).unwrap();
            file.set_times(times).unwrap();
        }
        let after = fs::metadata(&chain).unwrap();
        assert_eq!((after.modified().unwrap(), after.len()), (modified, 3));
    }
}
