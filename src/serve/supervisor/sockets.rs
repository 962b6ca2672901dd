//! The listening sockets: opened once, before any worker, and kept for the supervisor's whole life.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;

use socket2::{Domain, Protocol, Socket, Type};

use super::inherited;
use super::unix_socket::{self, SocketFile};
use crate::config::ServerConfig;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// TCP.
    Tcp(SocketAddr),
    /// A Unix socket; no path where it has none.
    Unix(Option<PathBuf>),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Unix(Some(path)) => write!(f, "unix:{}", path.display()),
            Self::Unix(None) => f.write_str("an inherited Unix socket"),
        }
    }
}

/// Why a socket could not be opened.
#[derive(Debug)]
pub struct ListenError {
    /// What was to be listened on: `127.0.0.1:8000`, `/run/app.sock`, `descriptor 3`.
    pub place: String,
    /// The system's reason.
    pub reason: io::Error,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, reason } = self;
        match reason.kind() {
            ErrorKind::AddrInUse => write!(f, "{place} is taken: another server listens there"),
            _ => write!(f, "cannot listen on {place}: {reason}"),
        }
    }
}

impl std::error::Error for ListenError {}

/// Every listening socket of a server.
#[derive(Debug)]
pub(super) struct Sockets {
    /// A socket of each address for each worker slot: the kernel shares connections out over them.
    slots: Vec<Vec<OwnedFd>>,
    /// Sockets that all workers accept from.
    shared: Vec<OwnedFd>,
    addresses: Vec<Address>,
    file: Option<SocketFile>,
}

impl Sockets {
    /// Opens what the configuration names, or takes `inherited` descriptors over in its place.
    pub(super) fn open(
        config: &ServerConfig,
        workers: usize,
        inherited: &[RawFd],
    ) -> Result<Self, ListenError> {
        let backlog = i32::try_from(config.backlog).unwrap_or(i32::MAX);
        let mut sockets = Self {
            slots: (0..workers).map(|_| Vec::new()).collect(),
            shared: Vec::new(),
            addresses: Vec::new(),
            file: None,
        };
        if !inherited.is_empty() {
            for number in inherited {
                sockets.inherit(*number).map_err(|reason| ListenError {
                    place: format!("descriptor {number}"),
                    reason,
                })?;
            }
        } else if let Some(path) = &config.uds {
            let mode = config.uds_permissions.bits();
            let (socket, file) =
                unix_socket::listen(path, mode, backlog).map_err(|reason| ListenError {
                    place: path.display().to_string(),
                    reason,
                })?;
            sockets.shared.push(socket.into());
            sockets
                .addresses
                .push(Address::Unix(Some(path.to_path_buf())));
            sockets.file = file;
        } else {
            sockets.listen(&config.host, config.port, backlog)?;
        }
        Ok(sockets)
    }

    /// The sockets that the worker of a slot accepts from.
    pub(super) fn of_slot(&self, slot: usize) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.own(slot).chain(self.shared.iter().map(OwnedFd::as_fd))
    }

    /// Those of them that are this slot's alone.
    pub(super) fn own(&self, slot: usize) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.slots
            .get(slot)
            .into_iter()
            .flatten()
            .map(OwnedFd::as_fd)
    }

    /// Whether workers of different slots accept from the same sockets.
    pub(super) fn are_shared(&self) -> bool {
        !self.shared.is_empty()
    }

    /// Where the server listens.
    pub(super) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The sockets of a server with one worker, for a caller that serves with them itself; dropping the
    /// file removes it.
    pub(super) fn into_parts(self) -> (Vec<OwnedFd>, Vec<Address>, Option<SocketFile>) {
        let sockets = self.slots.into_iter().flatten().chain(self.shared);
        (sockets.collect(), self.addresses, self.file)
    }

    fn inherit(&mut self, number: RawFd) -> io::Result<()> {
        let socket = inherited::take(number)?;
        let local = socket.local_addr()?;
        self.addresses.push(match local.as_socket() {
            Some(address) => Address::Tcp(address),
            None => Address::Unix(local.as_pathname().map(Into::into)),
        });
        self.shared.push(socket.into());
        Ok(())
    }

    /// Listens on every address of a host; one that works is enough.
    fn listen(&mut self, host: &str, port: u16, backlog: i32) -> Result<(), ListenError> {
        let error = |place: String| move |reason| ListenError { place, reason };
        let named = format!("{host}:{port}");
        let mut resolved: Vec<SocketAddr> = (host, port)
            .to_socket_addrs()
            .map_err(error(named.clone()))?
            .collect();
        resolved.dedup();
        let mut failed = None;
        let mut port = port;
        for mut address in resolved {
            // Where the system picks a port, every address of the host gets the same.
            address.set_port(port);
            match self.listen_at(address, backlog) {
                Ok(at) => {
                    port = at.port();
                    self.addresses.push(Address::Tcp(at));
                }
                Err(reason) if reason.kind() == ErrorKind::AddrInUse => {
                    return Err(error(address.to_string())(reason));
                }
                Err(reason) => failed = failed.or(Some(error(address.to_string())(reason))),
            }
        }
        match failed {
            Some(failed) if self.addresses.is_empty() => Err(failed),
            None if self.addresses.is_empty() => {
                let reason = io::Error::new(ErrorKind::NotFound, "the name stands for no address");
                Err(error(named)(reason))
            }
            _ => Ok(()),
        }
    }

    fn listen_at(&mut self, address: SocketAddr, backlog: i32) -> io::Result<SocketAddr> {
        let alone = bound(address, false)?;
        // Elsewhere the kernel gives every connection to the socket that came last.
        if self.slots.len() == 1 || !cfg!(target_os = "linux") {
            alone.listen(backlog)?;
            let at = local(&alone)?;
            self.shared.push(alone.into());
            return Ok(at);
        }
        // The first one had to be alone on the port, so that another server there was seen.
        let at = local(&alone)?;
        drop(alone);
        let sockets = self
            .slots
            .iter()
            .map(|_| bound(at, true))
            .collect::<io::Result<Vec<_>>>()?;
        for (slot, socket) in self.slots.iter_mut().zip(sockets) {
            socket.listen(backlog)?;
            slot.push(socket.into());
        }
        Ok(at)
    }
}

fn bound(address: SocketAddr, with_others: bool) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    if let IpAddr::V6(ip) = address.ip() {
        // `::` is everywhere, IPv4 too; a single address is itself only.
        socket.set_only_v6(!ip.is_unspecified())?;
    }
    socket.set_reuse_address(true)?;
    if with_others {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

fn local(socket: &Socket) -> io::Result<SocketAddr> {
    let address = socket.local_addr()?.as_socket();
    address.ok_or_else(|| io::Error::other("a TCP socket without an address"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    fn config(port: u16) -> ServerConfig {
        ServerConfig {
            port,
            ..ServerConfig::default()
        }
    }

    fn port(sockets: &Sockets) -> u16 {
        match sockets.addresses() {
            [Address::Tcp(address)] => address.port(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_slot_has_a_socket_on_the_same_port() {
        let sockets = Sockets::open(&config(0), 3, &[]).unwrap();
        let at = ("127.0.0.1", port(&sockets));
        assert!((0..3).all(|slot| sockets.of_slot(slot).count() == 1));
        // Queued without any worker: nothing is refused while one is down.
        for _ in 0..20 {
            TcpStream::connect(at).unwrap();
        }
        drop(sockets);
        TcpStream::connect(at).unwrap_err();
    }

    #[test]
    fn a_taken_port_is_seen_by_one_and_by_many() {
        let first = Sockets::open(&config(0), 2, &[]).unwrap();
        for workers in [1, 2] {
            let error = Sockets::open(&config(port(&first)), workers, &[]).unwrap_err();
            assert!(error.to_string().contains("is taken"), "{error}");
        }
    }

    #[test]
    fn an_inherited_descriptor_must_listen() {
        use std::os::fd::IntoRawFd as _;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let sockets = Sockets::open(&config(0), 2, &[listener.into_raw_fd()]).unwrap();
        assert_eq!(sockets.addresses(), [Address::Tcp(at)]);
        assert!((0..2).all(|slot| sockets.of_slot(slot).count() == 1));
        let client = TcpStream::connect(at).unwrap();
        let error = Sockets::open(&config(0), 1, &[client.into_raw_fd()]).unwrap_err();
        assert!(error.to_string().contains("listens"), "{error}");
    }
}
