//! The last certificate that could be served, for workers that replace others.
//!
//! A worker that serves keeps its certificate when the files are broken, half renewed or gone. One that
//! crashes then must not make the server lose what it had: its replacement gets what the supervisor kept.

use std::time::Instant;

use crate::config::ServerConfig;
use crate::serve::tls::{self, Kept, Pair};

/// What is kept, and when its files are looked at again.
#[derive(Debug)]
pub(super) struct Certificate {
    kept: Kept,
    next: Instant,
}

impl Certificate {
    /// The certificate of a configuration that has one.
    pub(super) fn of(config: &ServerConfig) -> Option<Self> {
        let (chain, key) = (config.ssl_certfile.as_ref()?, config.ssl_keyfile.as_ref()?);
        Some(Self {
            kept: Kept::new(chain, key),
            next: Instant::now() + tls::LOOK,
        })
    }

    /// Looks whether the files have changed, where it is time to.
    pub(super) fn look(&mut self, now: Instant) {
        if self.next <= now {
            self.next = now + tls::LOOK;
            self.kept.look();
        }
    }

    /// The last pair that could be served.
    pub(super) fn last(&self) -> Option<&Pair> {
        self.kept.pair()
    }
}
