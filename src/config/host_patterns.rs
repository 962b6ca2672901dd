//! Host names that an app answers to.

use std::net::Ipv6Addr;

use super::address::{NOT_EXPANDED, authority_host, in_no_name, split_port};
use super::types::FromValue;
use super::value::{Mistake, Part, Value};

/// Host names that an app answers to: `shop.example`, `.shop.example` for it and all below, `*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostPatterns(pub Vec<String>);

impl FromValue for HostPatterns {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        let items = Vec::<String>::from_value(value)?;
        let mistakes = items
            .iter()
            .enumerate()
            .filter(|(_, item)| !is_host_pattern(item))
            .map(|(index, item)| {
                let mistake = Mistake::new("a list of host names", format!("{item:?} is none"))
                    .part(Part::Item(index));
                match host_of(item) {
                    Some(host) => mistake.help(format!("write \"{host}\"")),
                    None if item.contains(',') => mistake.help("each name is an item of its own"),
                    None if item.contains("${") || item.starts_with('$') => {
                        mistake.help(NOT_EXPANDED)
                    }
                    None => mistake,
                }
            });
        Mistake::of_parts(mistakes.collect()).map_or(Ok(Self(items.clone())), Err)
    }
}

/// Whether a request's host can match this: a name, `.name` with all below it, an address, or `*`.
fn is_host_pattern(item: &str) -> bool {
    let address = item
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match address {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None if item == "*" => true,
        None => {
            let stray = |character: char| ":*[]".contains(character) || in_no_name(character);
            item.contains(|character| character != '.') && !item.contains(stray)
        }
    }
}

/// The pattern that was meant: the host of a URL, without the port, in brackets where it is an IPv6
/// address; `.name` for `*.name`.
fn host_of(item: &str) -> Option<String> {
    let host = match item.split_once("://") {
        Some((_, rest)) => authority_host(rest),
        None => item,
    };
    let (host, port) = split_port(host.trim_matches(['"', '\'', ' ']));
    let host = match host.parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        // A port alone would be on every address.
        Err(_) if port.is_some() && item.starts_with(':') => return None,
        Err(_) => host
            .strip_prefix("*.")
            .map_or(host.to_owned(), |rest| format!(".{rest}")),
    };
    is_host_pattern(&host).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_among_host_names_is_told_its_host() {
        let value = Value::List(vec!["a.example".into(), "https://b.example/x".into()]);
        let mistake = HostPatterns::from_value(&value).unwrap_err();
        assert_eq!(mistake.help.as_deref(), Some("write \"b.example\""));
        assert_eq!(mistake.part, Some(Part::Item(1)));
    }

    #[test]
    fn what_no_host_of_a_request_matches_is_refused() {
        for (item, meant) in [
            ("*.shop.example", Some("write \".shop.example\"")),
            ("shop.example:8000", Some("write \"shop.example\"")),
            (
                "https://shop.example:8443/x",
                Some("write \"shop.example\""),
            ),
            ("::1", Some("write \"[::1]\"")),
            ("[::1]:8000", Some("write \"[::1]\"")),
            ("shop.*", None),
            ("\"shop.example\"", Some("write \"shop.example\"")),
            (
                "a.example,b.example",
                Some("each name is an item of its own"),
            ),
            ("${HOST}", Some(NOT_EXPANDED)),
            ("user@shop.example", None),
            ("$HOST", Some(NOT_EXPANDED)),
            ("~^shop$", None),
            ("^shop", None),
            (".", None),
            ("a;b", None),
            ("a b", None),
            ("", None),
            (":8000", None),
        ] {
            let mistake = HostPatterns::from_value(&Value::List(vec![item.into()])).unwrap_err();
            assert_eq!(mistake.help.as_deref(), meant, "{item}");
        }
        let good = ["*", "shop.example", ".shop.example", "10.0.0.1", "[::1]"];
        let value = Value::List(good.map(Into::into).to_vec());
        assert_eq!(HostPatterns::from_value(&value).unwrap().0, good);
    }
}
