//! Whether a certificate's names cover a host, as clients decide it (RFC 9525).

use std::net::IpAddr;

use super::certificate::Sans;
use super::punycode;

/// Whether a client that asks for `host` would accept a certificate with these names.
///
/// `host` is a name (upper case, a final dot and Unicode are fine), an address (an IPv6 one with or
/// without brackets), or a pattern `*.example.com` that stands for all its hosts. An address is
/// covered by an address entry only, a name by an equal name or by a wildcard for its first label.
/// The common name does not count: clients have stopped reading it.
#[must_use]
pub fn covers(sans: &Sans, host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return sans.ip.contains(&address);
    }
    let Some(wanted) = normal(bare).filter(|name| !name.is_empty()) else {
        return false;
    };
    sans.dns
        .iter()
        .filter_map(|name| normal(name))
        .any(|name| matches(&name, &wanted))
}

fn normal(name: &str) -> Option<String> {
    punycode::to_ascii(name.strip_suffix('.').unwrap_or(name))
}

fn matches(certified: &str, wanted: &str) -> bool {
    if certified == wanted {
        return true;
    }
    let (Some(parent), Some((label, rest))) =
        (certified.strip_prefix("*."), wanted.split_once('.'))
    else {
        return false;
    };
    // `*.com` would stand for everybody: clients ask for two labels behind the star.
    parent.contains('.') && !label.is_empty() && label != "*" && rest == parent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dns: &[&str]) -> Sans {
        Sans {
            dns: dns.iter().map(ToString::to_string).collect(),
            ..Sans::default()
        }
    }

    #[test]
    fn a_name_is_covered_by_itself() {
        let sans = names(&["Shop.Example"]);
        for host in ["shop.example", "SHOP.EXAMPLE", "shop.example."] {
            assert!(covers(&sans, host), "{host}");
        }
        for host in ["www.shop.example", "example", "shop.example.org", "", "."] {
            assert!(!covers(&sans, host), "{host}");
        }
    }

    #[test]
    fn a_wildcard_stands_for_one_label() {
        let sans = names(&["*.shop.example"]);
        assert!(covers(&sans, "www.shop.example"));
        assert!(covers(&sans, "*.shop.example"));
        for host in [
            "shop.example",
            "a.b.shop.example",
            ".shop.example",
            "www.other.example",
        ] {
            assert!(!covers(&sans, host), "{host}");
        }
        assert!(!covers(&names(&["*.example"]), "shop.example"));
        assert!(!covers(&names(&["w*.shop.example"]), "www.shop.example"));
        assert!(!covers(&names(&["www.shop.example"]), "*.shop.example"));
    }

    #[test]
    fn addresses_need_address_entries() {
        let ip = vec!["192.0.2.7".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        let sans = Sans {
            dns: vec!["192.0.2.9".to_owned()],
            ip,
            other: 0,
        };
        for host in ["192.0.2.7", "2001:db8::1", "[2001:db8:0:0::1]"] {
            assert!(covers(&sans, host), "{host}");
        }
        for host in ["192.0.2.9", "192.0.2.8", "::1"] {
            assert!(!covers(&sans, host), "{host}");
        }
    }

    #[test]
    fn unicode_names_meet_their_encoded_form() {
        assert!(covers(&names(&["xn--bcher-kva.example"]), "Bücher.example"));
        assert!(covers(&names(&["bücher.example"]), "xn--bcher-kva.example"));
    }
}
