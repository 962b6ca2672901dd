//! The last certificate that could be served, for a worker that starts while its files are broken.

use std::path::Path;

use super::files::{CertificateFiles, Pair, State};

/// Keeps what the files held when they last held a pair.
#[derive(Debug)]
pub struct Kept {
    files: CertificateFiles,
    taken: Option<State>,
    pair: Option<Pair>,
}

impl Kept {
    /// What the files hold now.
    #[must_use]
    pub fn new(chain: &Path, key: &Path) -> Self {
        let mut kept = Self {
            files: CertificateFiles::new(chain, key),
            taken: None,
            pair: None,
        };
        kept.look();
        kept
    }

    /// Takes a new pair up. Files that are being written can hold one that is whole but not the last:
    /// that is seen at the next look.
    pub fn look(&mut self) {
        let now = self.files.state();
        if self.taken != Some(now) {
            self.take(now);
        }
    }

    fn take(&mut self, state: State) {
        // What cannot be read may be readable at the next look, with no trace in the files' state.
        let Ok(pair) = self.files.read() else {
            return;
        };
        self.taken = Some(state);
        if pair.acceptor(true).is_ok() {
            self.pair = Some(pair);
        }
    }

    /// The last pair that could be served; None where there was none yet.
    #[must_use]
    pub fn pair(&self) -> Option<&Pair> {
        self.pair.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn broken_files_leave_the_last_pair() {
        let folder = tempfile::tempdir().unwrap();
        let [chain, key] = ["chain", "key"].map(|name| folder.path().join(name));
        let put = |pair: &rcgen::CertifiedKey<rcgen::KeyPair>| {
            fs::write(&chain, pair.cert.pem()).unwrap();
            fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
        };
        let made = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (first, second) = (made(), made());
        put(&first);
        let mut kept = Kept::new(&chain, &key);
        let held = kept.pair().unwrap().clone();
        assert_eq!(held.chain, first.cert.pem().as_bytes());
        fs::write(&chain, second.cert.pem()).unwrap();
        kept.look();
        assert_eq!(kept.pair(), Some(&held));
        fs::remove_file(&key).unwrap();
        kept.look();
        assert_eq!(kept.pair(), Some(&held));
        put(&second);
        kept.look();
        assert_eq!(kept.pair().unwrap().chain, second.cert.pem().as_bytes());
    }
}
