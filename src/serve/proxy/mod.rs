//! What proxies say about the client: X-Forwarded-For, -Proto and -Host, and RFC 7239's Forwarded.
//!
//! Pure functions over headers. Only a trusted peer is listened to, and only as many positions from the
//! right as there are trusted proxies: everything to the left of them the client can have written.

mod forwarded;
mod names;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::header::{FORWARDED, HeaderName};
use http::{HeaderMap, HeaderValue};

use super::http::target::is_host;

pub use names::TrustedNames;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// Everything that proxies use to speak of the client, also what is not read here.
const ALL: [HeaderName; 6] = [
    FOR,
    PROTO,
    HOST,
    FORWARDED,
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-real-ip"),
];

/// What the proxies have said; None where they have said nothing, or nothing valid.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address; port 0 where it is not told.
    pub client: Option<SocketAddr>,
    /// Whether the client's connection is encrypted.
    pub secure: Option<bool>,
    /// The host that the client asked for.
    pub host: Option<HeaderValue>,
}

/// Reads what a trusted peer says, `hops` positions from the right; where there are fewer, all of them
/// are from trusted proxies, and the leftmost counts. Where there is an X-Forwarded header, Forwarded is
/// not read: a proxy that writes the one may pass a client's other.
#[must_use]
pub fn read(headers: &HeaderMap, hops: u32) -> Origin {
    if [FOR, PROTO, HOST]
        .iter()
        .any(|name| headers.contains_key(name))
    {
        return Origin {
            client: entry(headers, &FOR, hops).and_then(address),
            secure: entry(headers, &PROTO, hops).and_then(is_secure),
            host: entry(headers, &HOST, hops).and_then(host),
        };
    }
    forwarded::read(headers, hops)
}

/// Takes away what an untrusted peer says.
pub fn strip(headers: &mut HeaderMap) {
    // Looking once is cheaper than removing what is hardly ever there.
    if headers.keys().any(|name| ALL.contains(name)) {
        for name in &ALL {
            headers.remove(name);
        }
    }
}

/// The entry that counts of a list, over all lines of this header.
fn entry<'a>(headers: &'a HeaderMap, name: &HeaderName, hops: u32) -> Option<&'a str> {
    let mut counted = None;
    let mut left = hops;
    for line in headers.get_all(name).iter().rev() {
        for item in line.to_str().ok()?.rsplit(',') {
            if left == 0 {
                return counted;
            }
            left -= 1;
            counted = Some(item.trim_matches([' ', '\t']));
        }
    }
    counted
}

/// An address, perhaps with a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<SocketAddr> {
    let bare = || text.parse::<IpAddr>().ok();
    let bracketed = || {
        text.strip_prefix('[')?
            .strip_suffix(']')?
            .parse::<Ipv6Addr>()
            .ok()
    };
    text.parse::<SocketAddr>()
        .ok()
        .or_else(|| bare().map(|ip| SocketAddr::new(ip, 0)))
        .or_else(|| bracketed().map(|ip| SocketAddr::new(ip.into(), 0)))
}

fn is_secure(scheme: &str) -> Option<bool> {
    if ["https", "wss"]
        .iter()
        .any(|secure| scheme.eq_ignore_ascii_case(secure))
    {
        Some(true)
    } else if ["http", "ws"]
        .iter()
        .any(|plain| scheme.eq_ignore_ascii_case(plain))
    {
        Some(false)
    } else {
        None
    }
}

fn host(text: &str) -> Option<HeaderValue> {
    is_host(text.as_bytes())
        .then(|| HeaderValue::from_str(text).ok())
        .flatten()
}

#[cfg(test)]
mod tests;
