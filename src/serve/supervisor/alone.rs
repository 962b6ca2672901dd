//! A server without a supervisor: one worker in the caller's own process, on sockets opened here.

use super::descriptors;
use super::launch::Launch;
use super::sockets::{Address, ListenError, Sockets};
use super::unix_socket::SocketFile;
use super::worker::{self, Place};

/// What the caller's worker serves with.
#[derive(Debug)]
pub struct Alone {
    /// The worker's document; the listening descriptors in it belong to whoever reads it.
    pub document: String,
    /// Where it listens.
    pub addresses: Vec<Address>,
    _file: Option<SocketFile>,
}

impl Alone {
    /// Opens the sockets. The file of a Unix socket is removed when this is dropped.
    ///
    /// # Errors
    /// Where the server cannot listen.
    pub fn open(launch: &Launch) -> Result<Self, ListenError> {
        descriptors::open_standard();
        descriptors::raise_limit();
        let sockets = Sockets::open(&launch.config, 1, &launch.inherited)?;
        let (sockets, addresses, file) = sockets.into_parts();
        let numbers: Vec<i32> = sockets
            .into_iter()
            .map(rustix::fd::IntoRawFd::into_raw_fd)
            .collect();
        let place = Place {
            slot: 0,
            generation: 1,
            early: true,
        };
        Ok(Self {
            document: worker::document(launch, place, &numbers, None).to_string(),
            addresses,
            _file: file,
        })
    }
}
