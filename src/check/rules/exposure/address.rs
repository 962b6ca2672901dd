//! How far a bind address reaches, by its text alone: nothing is looked up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// Who can connect to a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// Processes of this machine.
    Machine,
    /// Machines of a private network.
    Network,
    /// Whoever finds it, as far as the address says.
    Everyone,
}

/// RFC 1918, shared address space (RFC 6598) and link-local (RFC 3927).
const PRIVATE_V4: [Ipv4Net; 5] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16),
];
/// Unique local (RFC 4193) and link-local (RFC 4291).
const PRIVATE_V6: [Ipv6Net; 2] = [
    Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
];

/// How far an address or a host name reaches. A name that is not `localhost` can resolve to
/// anything, tomorrow to something else, and counts as open to everyone.
pub(super) fn reach(host: &str) -> Reach {
    match parse(host) {
        Some(address) if address.is_loopback() => Reach::Machine,
        Some(address) if is_private(address) => Reach::Network,
        Some(_) => Reach::Everyone,
        None if is_localhost(host) => Reach::Machine,
        None => Reach::Everyone,
    }
}

/// What a label adds about a host: empty for an address that says all by itself.
pub(super) fn remark(host: &str) -> &'static str {
    match parse(host) {
        Some(address) if address.is_unspecified() => ", on every address of this one",
        Some(_) => "",
        None => ", as far as the name tells (it is not looked up)",
    }
}

fn parse(host: &str) -> Option<IpAddr> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    // fe80::1%eth0 names the interface.
    let host = host.split('%').next().unwrap_or_default();
    host.parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => PRIVATE_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => PRIVATE_V6.iter().any(|network| network.contains(&address)),
    }
}

/// RFC 6761: `localhost` and what ends in `.localhost` never leave the machine.
fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::{Reach, reach, remark};

    #[test]
    fn addresses_reach_as_far_as_their_ranges_say() {
        for (host, expected) in [
            ("127.0.0.1", Reach::Machine),
            ("127.8.8.8", Reach::Machine),
            ("::1", Reach::Machine),
            ("[::1]", Reach::Machine),
            ("::ffff:127.0.0.1", Reach::Machine),
            ("localhost", Reach::Machine),
            ("Shop.Localhost.", Reach::Machine),
            ("10.255.0.1", Reach::Network),
            ("172.16.0.1", Reach::Network),
            ("172.32.0.1", Reach::Everyone),
            ("192.168.0.1", Reach::Network),
            ("100.64.0.1", Reach::Network),
            ("100.128.0.1", Reach::Everyone),
            ("169.254.1.1", Reach::Network),
            ("fd12::1", Reach::Network),
            ("fe80::1%eth0", Reach::Network),
            ("0.0.0.0", Reach::Everyone),
            ("::", Reach::Everyone),
            ("2001:db8::1", Reach::Everyone),
            ("shop.example", Reach::Everyone),
            ("localhost.example", Reach::Everyone),
        ] {
            assert_eq!(reach(host), expected, "{host}");
        }
    }

    #[test]
    fn a_name_is_told_to_be_a_guess() {
        assert_eq!(remark("203.0.113.7"), "");
        assert!(remark("::").contains("every address"));
        assert!(remark("shop.example").contains("not looked up"));
    }
}
