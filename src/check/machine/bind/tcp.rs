//! Binding `host:port` for a moment, to see what the server would meet.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::process::Holder;

/// How long a name may take to resolve; a resolver without network can hang for minutes.
const RESOLVE_LIMIT: Duration = Duration::from_secs(5);

/// What happened when binding was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpFacts {
    /// The host as configured.
    pub host: String,
    /// The port as configured; 0 lets the system choose, so it is never taken.
    pub port: u16,
    /// What the host stands for.
    pub resolution: Resolution,
    /// One attempt for each address, in the order of the resolver.
    pub attempts: Vec<Attempt>,
    /// First port that needs no privilege, where the system says so (Linux: 1024 by default).
    pub unprivileged_from: Option<u16>,
}

/// What a host stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Resolution {
    /// A literal address.
    Address,
    /// A name that resolves.
    Name,
    /// An IPv6 address in brackets, as URLs have it; the host must be without them. It was tried so.
    Bracketed {
        /// The address without brackets.
        address: String,
    },
    /// A name that does not resolve.
    Failed {
        /// The system's message.
        message: String,
    },
    /// The resolver gave no answer within five seconds.
    TimedOut,
}

/// Binding one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The address.
    pub address: SocketAddr,
    /// What happened.
    pub outcome: BindOutcome,
}

/// What happened to one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum BindOutcome {
    /// The server could listen here.
    Free,
    /// Somebody has the port.
    Taken {
        /// Who, as far as it can be seen; empty where the system does not tell (macOS).
        holders: Vec<Holder>,
    },
    /// We have no right to this port.
    PermissionDenied {
        /// Our effective user id.
        uid: u32,
    },
    /// No network interface of this machine has the address.
    NotLocal,
    /// This machine has no such kind of address (IPv6 switched off).
    NoSuchFamily,
    /// Something else.
    Failed {
        /// The system's message.
        message: String,
    },
}

/// Resolves `host` and tries to listen on each of its addresses, for an instant.
///
/// `SO_REUSEADDR` is set, so connections in `TIME_WAIT` are no conflict; `SO_REUSEPORT` is not, so a
/// server that shares its port is seen all the same. An IPv6 wildcard is tried for both families.
#[must_use]
pub fn examine_tcp(host: &str, port: u16) -> TcpFacts {
    let (resolution, addresses) = resolve(host, port);
    TcpFacts {
        host: host.to_owned(),
        port,
        resolution,
        attempts: addresses
            .into_iter()
            .map(|address| Attempt {
                address,
                outcome: attempt(address),
            })
            .collect(),
        unprivileged_from: unprivileged_from(),
    }
}

fn resolve(host: &str, port: u16) -> (Resolution, Vec<SocketAddr>) {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return (Resolution::Address, vec![SocketAddr::new(ip, port)]);
    }
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Some(ip) = inner.and_then(|inner| inner.parse::<IpAddr>().ok()) {
        let address = ip.to_string();
        return (
            Resolution::Bracketed { address },
            vec![SocketAddr::new(ip, port)],
        );
    }
    let (answer, answered) = mpsc::channel();
    let name = host.to_owned();
    let asking = thread::Builder::new()
        .name("resolve".to_owned())
        .spawn(move || {
            let found = (name.as_str(), port)
                .to_socket_addrs()
                .map(Iterator::collect::<Vec<_>>);
            // The receiver is gone when this took too long; then nobody waits for the answer.
            let _ = answer.send(found);
        });
    if let Err(error) = asking {
        return (
            Resolution::Failed {
                message: error.to_string(),
            },
            Vec::new(),
        );
    }
    match answered.recv_timeout(RESOLVE_LIMIT) {
        Err(_) => (Resolution::TimedOut, Vec::new()),
        Ok(Err(error)) => (
            Resolution::Failed {
                message: plain(&error),
            },
            Vec::new(),
        ),
        Ok(Ok(found)) => {
            let mut addresses: Vec<SocketAddr> = Vec::new();
            for address in found {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            (Resolution::Name, addresses)
        }
    }
}

/// The resolver's own words, without the standard library's lead.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.strip_prefix("failed to lookup address information: ")
        .unwrap_or(&text)
        .to_owned()
}

fn attempt(address: SocketAddr) -> BindOutcome {
    match listen(address) {
        Ok(()) => BindOutcome::Free,
        Err(error) => match error.kind() {
            io::ErrorKind::AddrInUse => BindOutcome::Taken {
                holders: holders(address),
            },
            io::ErrorKind::PermissionDenied => BindOutcome::PermissionDenied { uid: uid() },
            io::ErrorKind::AddrNotAvailable => BindOutcome::NotLocal,
            _ if is_no_family(&error) => BindOutcome::NoSuchFamily,
            _ => BindOutcome::Failed {
                message: error.to_string(),
            },
        },
    }
}

fn listen(address: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // On Windows this option would allow a port that is in use.
    if cfg!(unix) {
        socket.set_reuse_address(true)?;
    }
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&SockAddr::from(address))?;
    // With SO_REUSEADDR on both sides the conflict with a listener may show only here.
    socket.listen(1)
}

#[cfg(unix)]
fn is_no_family(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

#[cfg(not(unix))]
fn is_no_family(_error: &io::Error) -> bool {
    false
}

#[cfg(unix)]
fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn uid() -> u32 {
    0
}

#[cfg(target_os = "linux")]
fn holders(address: SocketAddr) -> Vec<Holder> {
    super::proc_net::tcp_holders(address)
}

#[cfg(not(target_os = "linux"))]
fn holders(_address: SocketAddr) -> Vec<Holder> {
    Vec::new()
}

#[cfg(target_os = "linux")]
fn unprivileged_from() -> Option<u16> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").ok()?;
    text.trim().parse().ok()
}

#[cfg(not(target_os = "linux"))]
fn unprivileged_from() -> Option<u16> {
    None
}
