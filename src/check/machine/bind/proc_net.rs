//! The kernel's tables of sockets: `/proc/net/tcp`, `/proc/net/tcp6` and `/proc/net/unix`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use super::process::{self, Holder};
use crate::check::machine::accounts;

const LISTEN: u8 = 0x0a;
/// Ends of connections that are over; they do not hold a port against `SO_REUSEADDR`.
const TIME_WAIT: u8 = 0x06;

/// A row of a TCP table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TcpRow {
    local: SocketAddr,
    state: u8,
    uid: u32,
    inode: u64,
}

/// Who is in the way of binding `wanted`: the listeners, or the ends of connections if none listens.
pub(super) fn tcp_holders(wanted: SocketAddr) -> Vec<Holder> {
    let rows: Vec<TcpRow> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| table.lines().filter_map(tcp_row).collect::<Vec<_>>())
        .filter(|row| row.state != TIME_WAIT && conflicts(row.local, wanted))
        .collect();
    let listening = rows.iter().any(|row| row.state == LISTEN);
    let rows: Vec<TcpRow> = rows
        .into_iter()
        .filter(|row| !listening || row.state == LISTEN)
        .collect();
    let inodes: BTreeSet<u64> = rows.iter().map(|row| row.inode).collect();
    let mut processes = process::holding(&inodes);
    let mut holders: Vec<Holder> = rows
        .into_iter()
        .map(|row| Holder {
            address: row.local.to_string(),
            listening: row.state == LISTEN,
            uid: Some(row.uid),
            user: accounts::user_name(row.uid),
            processes: processes.remove(&row.inode).unwrap_or_default(),
        })
        .collect();
    // One server often has a socket for each of its workers: the same words are said once.
    holders.dedup();
    holders
}

/// Who listens on the Unix socket at `path` (absolute), by the name it was bound to.
pub(super) fn unix_holders(path: &Path) -> Vec<Holder> {
    let Ok(table) = fs::read_to_string("/proc/net/unix") else {
        return Vec::new();
    };
    let rows: BTreeMap<u64, &str> = table.lines().filter_map(unix_listener).collect();
    let file_name = path.file_name();
    let candidates: BTreeMap<u64, &str> = rows
        .into_iter()
        .filter(|(_, bound)| Path::new(bound).file_name() == file_name)
        .collect();
    let processes = process::holding(&candidates.keys().copied().collect());
    candidates
        .into_iter()
        .filter_map(|(inode, bound)| {
            let processes = processes.get(&inode).cloned().unwrap_or_default();
            // A relative name counts from the folder that its process was in.
            let same = Path::new(bound) == path
                || processes.iter().any(|process| {
                    process
                        .folder
                        .as_ref()
                        .is_some_and(|folder| folder.join(bound) == path)
                });
            let uid = processes.first().and_then(|process| process.uid);
            same.then(|| Holder {
                address: bound.to_owned(),
                listening: true,
                uid,
                user: uid.and_then(accounts::user_name),
                processes,
            })
        })
        .collect()
}

/// Whether a socket at `held` keeps another from `wanted`: same port, and same or wildcard address.
/// An IPv6 wildcard counts for IPv4 too (the table does not say whether it is IPv6 only).
fn conflicts(held: SocketAddr, wanted: SocketAddr) -> bool {
    let (held_ip, wanted_ip) = (held.ip().to_canonical(), wanted.ip().to_canonical());
    let wildcard = |address: IpAddr, other: IpAddr| match address {
        IpAddr::V4(address) => address.is_unspecified() && other.is_ipv4(),
        IpAddr::V6(address) => address.is_unspecified(),
    };
    held.port() == wanted.port()
        && (held_ip == wanted_ip || wildcard(held_ip, wanted_ip) || wildcard(wanted_ip, held_ip))
}

/// `sl local remote state queues timer retransmits uid timeout inode ...`
fn tcp_row(line: &str) -> Option<TcpRow> {
    let mut columns = line.split_whitespace();
    let local = endpoint(columns.nth(1)?)?;
    let state = u8::from_str_radix(columns.nth(1)?, 16).ok()?;
    let uid = columns.nth(3)?.parse().ok()?;
    let inode = columns.nth(1)?.parse().ok()?;
    Some(TcpRow {
        local,
        state,
        uid,
        inode,
    })
}

/// `0100007F:1F40`: the address in words of the machine's byte order, the port in hexadecimal.
fn endpoint(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for at in (0..address.len()).step_by(8) {
        let word = u32::from_str_radix(address.get(at..at + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let ip = if let Ok(four) = <[u8; 4]>::try_from(bytes.as_slice()) {
        IpAddr::V4(Ipv4Addr::from(four))
    } else {
        IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?))
    };
    Some(SocketAddr::new(ip, port))
}

/// `address: references protocol flags type state inode path`; only rows of listeners with a name.
fn unix_listener(line: &str) -> Option<(u64, &str)> {
    const ACCEPTS: u32 = 0x0001_0000;
    let mut rest = line;
    let mut columns = Vec::with_capacity(7);
    while columns.len() < 7 {
        let (column, behind) = rest.trim_start().split_once(' ')?;
        columns.push(column);
        rest = behind;
    }
    let flags = u32::from_str_radix(columns[3], 16).ok()?;
    // The name is the rest of the line: it may have spaces.
    (flags & ACCEPTS != 0 && !rest.is_empty())
        .then(|| columns[6].parse().ok())
        .flatten()
        .map(|inode| (inode, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn rows_of_the_tcp_tables_are_read() {
        let row = "   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  \
                   1000        0 31337 1 0000000000000000 100 0 0 10 0";
        let expected = TcpRow {
            local: at("127.0.0.1:8000"),
            state: LISTEN,
            uid: 1000,
            inode: 31337,
        };
        assert_eq!(tcp_row(row), Some(expected));
        let row6 = "   1: 00000000000000000000000001000000:01BB \
                    00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 \
                    33 0 42 1 0 100 0 0 10 0";
        assert_eq!(tcp_row(row6).unwrap().local, at("[::1]:443"));
        assert_eq!(
            tcp_row("  sl  local_address rem_address   st tx_queue"),
            None
        );
        assert_eq!(tcp_row(""), None);
    }

    #[test]
    fn wildcards_are_in_the_way_of_every_address() {
        for (held, wanted, expected) in [
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "0.0.0.0:80", true),
            ("[::]:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "[::]:80", true),
            ("[::ffff:127.0.0.1]:80", "127.0.0.1:80", true),
            ("0.0.0.0:80", "[::1]:80", false),
            ("127.0.0.2:80", "127.0.0.1:80", false),
            ("0.0.0.0:81", "127.0.0.1:80", false),
        ] {
            assert_eq!(conflicts(at(held), at(wanted)), expected, "{held} {wanted}");
        }
    }

    #[test]
    fn rows_of_the_unix_table_are_read() {
        let row = "0000000000000000: 00000002 00000000 00010000 0001 01 26405 /run/my app.sock";
        assert_eq!(unix_listener(row), Some((26405, "/run/my app.sock")));
        let connected = "0000000000000000: 00000003 00000000 00000000 0001 03 1 /run/a.sock";
        assert_eq!(unix_listener(connected), None);
        assert_eq!(
            unix_listener("Num       RefCount Protocol Flags    Type St Inode Path"),
            None
        );
    }
}
