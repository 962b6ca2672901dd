//! Peers whose forwarded headers are believed: addresses, networks, host names, `unix:`, `*`.

use std::net::IpAddr;

use ipnet::IpNet;

use super::types::FromValue;
use super::value::{Mistake, Part, Value};

/// One entry of a [`PeerSet`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// `*`: everyone.
    Everyone,
    /// `unix:`: every peer of the Unix socket.
    Unix,
    /// An address or a network.
    Network(IpNet),
    /// A host name; it is resolved when the server starts, and again every minute.
    Name(String),
}

/// A set of peers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerSet(Vec<Peer>);

impl PeerSet {
    /// The entries, as they were written.
    #[must_use]
    pub fn peers(&self) -> &[Peer] {
        &self.0
    }

    /// Whether nobody is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether everyone is trusted.
    #[must_use]
    pub fn has_everyone(&self) -> bool {
        self.0.contains(&Peer::Everyone)
    }
}

impl FromValue for PeerSet {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        let items = Vec::<String>::from_value(value)?;
        let mut peers = Vec::with_capacity(items.len());
        let mut mistakes = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match peer(item) {
                Ok(peer) => peers.push(peer),
                Err(mistake) => mistakes.push(mistake.part(Part::Item(index))),
            }
        }
        Mistake::of_parts(mistakes).map_or(Ok(Self(peers)), Err)
    }
}

fn peer(text: &str) -> Result<Peer, Mistake> {
    let wrong = |why: String| {
        Mistake::new(
            "a list of addresses, networks, host names, \"unix:\" or \"*\"",
            why,
        )
    };
    match text {
        "*" => return Ok(Peer::Everyone),
        "unix:" => return Ok(Peer::Unix),
        "" => return Err(wrong("an entry is empty".into())),
        _ => {}
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Peer::Network(address.into()));
    }
    if let Some((address, length)) = text.split_once('/') {
        if let Ok(network) = text.parse::<IpNet>() {
            if network.addr() == network.network() {
                return Ok(Peer::Network(network));
            }
            return Err(wrong(format!(
                "{text:?} is an address with the length of a network"
            ))
            .help(format!(
                "write \"{}\" for the network, or \"{}\" for the address",
                network.trunc(),
                network.addr()
            )));
        }
        return Err(match address.parse::<IpAddr>() {
            Ok(address) => {
                let most = if address.is_ipv4() { 32 } else { 128 };
                wrong(format!("{text:?} is no network"))
                    .help(format!("the prefix length is 0 to {most}, not {length:?}"))
            }
            Err(_) => wrong(format!("{text:?} is no network"))
                .help("write a network as 10.0.0.0/8, a host name without scheme or path"),
        });
    }
    if let Some(address) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return Err(wrong(format!("{text:?} has brackets")).help(format!("write \"{address}\"")));
    }
    let digits_only = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if digits_only {
        return Err(wrong(format!("{text:?} is not an IPv4 address")));
    }
    if let Some((host, port)) = text.rsplit_once(':') {
        let mistake = wrong(format!("{text:?} is neither address nor host name"));
        return Err(
            if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.contains(':') {
                mistake.help(format!("peers have no port: write \"{host}\""))
            } else {
                mistake
            },
        );
    }
    let name_like = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    if name_like {
        Ok(Peer::Name(text.to_owned()))
    } else {
        Err(wrong(format!("{text:?} is neither address nor host name")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(items: &[&str]) -> Result<PeerSet, Mistake> {
        PeerSet::from_value(&Value::List(
            items.iter().map(|&item| item.into()).collect(),
        ))
    }

    #[test]
    fn every_form_of_a_peer_is_understood() {
        let set = parse(&[
            "10.0.0.1",
            "10.0.0.0/8",
            "::1",
            "fd00::/8",
            "proxy.internal",
            "unix:",
            "*",
        ]);
        let set = set.unwrap();
        assert_eq!(set.peers().len(), 7);
        assert!(set.has_everyone());
        assert_eq!(set.peers()[4], Peer::Name("proxy.internal".into()));
    }

    #[test]
    fn every_entry_that_is_no_peer_is_told() {
        let mistake = parse(&["10.0.0.0/99", "127.0.0.1", "10.0.0", ""]).unwrap_err();
        let parts: Vec<_> = mistake.each().map(|mistake| mistake.part).collect();
        let item = |index| Some(Part::Item(index));
        assert_eq!(parts, [item(0), item(2), item(3)]);
    }

    #[test]
    fn what_is_no_peer_is_named_with_its_index() {
        for (wrong, help) in [
            (
                "10.0.0.0/99",
                Some("the prefix length is 0 to 32, not \"99\""),
            ),
            ("[::1]", Some("write \"::1\"")),
            (
                "10.1.2.3/8",
                Some("write \"10.0.0.0/8\" for the network, or \"10.1.2.3\" for the address"),
            ),
            (
                "10.0.0.1:80",
                Some("peers have no port: write \"10.0.0.1\""),
            ),
            ("10.0.0", None),
            (
                "http://x",
                Some("write a network as 10.0.0.0/8, a host name without scheme or path"),
            ),
        ] {
            let mistake = parse(&["127.0.0.1", wrong]).unwrap_err();
            assert_eq!(mistake.part, Some(Part::Item(1)), "{wrong}");
            assert_eq!(mistake.help.as_deref(), help, "{wrong}");
        }
    }
}
