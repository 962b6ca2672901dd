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
    remove(headers, |name| ALL.contains(name) || is_lookalike(name));
}

/// Takes away what stands with underscores where these headers have hyphens. Proxies pass it on as the
/// client has sent it, and applications that bring names into the form of CGI, as Django does, read it as
/// the header itself.
pub fn strip_lookalikes(headers: &mut HeaderMap) {
    remove(headers, is_lookalike);
}

fn remove(headers: &mut HeaderMap, unwanted: impl Fn(&HeaderName) -> bool) {
    // Mostly nothing is found, and nothing allocated.
    let names: Vec<_> = headers
        .keys()
        .filter(|name| unwanted(name))
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
    }
}

fn is_lookalike(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.contains('_')
        && ALL
            .iter()
            .any(|known| known.as_str() == name.replace('_', "-"))
}

/// The entry that counts of a list, over all lines of this header. What the client has written further
/// left is not looked at.
fn entry<'a>(headers: &'a HeaderMap, name: &HeaderName, hops: u32) -> Option<&'a str> {
    let items = headers
        .get_all(name)
        .iter()
        .rev()
        .flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let counted = items.take(usize::try_from(hops).ok()?).last()?;
    let text = std::str::from_utf8(counted).ok()?;
    Some(text.trim_matches([' ', '\t']))
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
