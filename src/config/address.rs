//! Where the server listens: a host, or the path of a Unix socket. Neither is a URL.

use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use super::types::FromValue;
use super::value::{Mistake, Value, toml_text};

/// An address or a name to listen on, without scheme, port or path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(String);

impl Host {
    /// The host.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Host {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromValue for Host {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        let text = String::from_value(value)?;
        match wrong_with(&text) {
            Some(mistake) => Err(mistake),
            None => Ok(Self(text)),
        }
    }
}

/// What makes a text no host. Brackets alone pass: the rule `bind` knows what they stand for.
fn wrong_with(text: &str) -> Option<Mistake> {
    let mistake =
        |found: &str| Mistake::new("an address or a host name", format!("{text:?} {found}"));
    if text.starts_with('/') || without_scheme(text).is_some() {
        let found = mistake("is a Unix socket");
        return Some(match without_scheme(text).unwrap_or(text) {
            path if is_path(path) => {
                found.help(format!("write uds = {} instead of host", toml_text(path)))
            }
            _ => found.help("write its path in uds instead of host"),
        });
    }
    if let Some((_, rest)) = text.split_once("://") {
        let (bare, _) = split_port(authority_host(rest));
        return Some(
            mistake("is a URL").help(format!("write the host alone: {}", toml_text(bare))),
        );
    }
    if text == "*" {
        return Some(
            mistake("is no address")
                .help("for every network write \"0.0.0.0\", or \"::\" for IPv6 too"),
        );
    }
    if let (bare, Some(port)) = split_port(text) {
        return Some(mistake("has a port in it").help(format!(
            "write host = {} and port = {port}",
            toml_text(bare)
        )));
    }
    if text.contains(',') || text.split_whitespace().count() > 1 {
        return Some(
            mistake("is more than one")
                .help("the server listens on one; \"::\" is every address, IPv4 too"),
        );
    }
    if text.contains(in_no_name) {
        let found = mistake("holds what no host name has");
        return Some(if text.contains(['$', '{', '}']) {
            found.help(NOT_EXPANDED)
        } else {
            found
        });
    }
    None
}

/// What to do where a value is to come from a variable.
pub(super) const NOT_EXPANDED: &str =
    "variables are not put into values here: leave the key out, and let the environment set it";

/// Whether neither the name of a host nor an address has this character.
pub(super) fn in_no_name(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || "/\"'?#@${}<>()|;&!\\,~^`=+".contains(character)
}

/// Host and port of what stands behind the scheme of a URL: no path, and never its password.
pub(super) fn authority_host(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// `host:port` and `[host]:port` in two; an IPv6 address without brackets has no port.
pub(super) fn split_port(text: &str) -> (&str, Option<&str>) {
    let Some((bare, port)) = text.rsplit_once(':') else {
        return (text, None);
    };
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let inner = bare
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match inner {
        Some(address) if digits => (address, Some(port)),
        None if digits && !bare.contains(':') && text.parse::<IpAddr>().is_err() => {
            (if bare.is_empty() { "0.0.0.0" } else { bare }, Some(port))
        }
        _ => (text, None),
    }
}

/// The file of a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketPath(PathBuf);

impl Deref for SocketPath {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl FromValue for SocketPath {
    fn from_value(value: &Value) -> Result<Self, Mistake> {
        let text = String::from_value(value)?;
        let Some(path) = without_scheme(&text) else {
            return Ok(Self(PathBuf::from(text)));
        };
        let mistake = Mistake::new("the path of a socket", format!("{text:?} is a URL"));
        Err(if is_path(path) {
            mistake.help(format!("write the path alone: {}", toml_text(path)))
        } else {
            mistake
        })
    }
}

/// What stands behind the scheme of a Unix socket's URL.
fn without_scheme(text: &str) -> Option<&str> {
    ["unix://", "http+unix://", "unix:"]
        .into_iter()
        .find_map(|scheme| text.strip_prefix(scheme))
}

/// Whether it can be said again: a path, without what a URL keeps a password in.
fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Result<Host, Mistake> {
        Host::from_value(&Value::Text(text.into()))
    }

    #[test]
    fn addresses_and_names_are_hosts() {
        for text in [
            "0.0.0.0",
            "::",
            "::1",
            "fe80::1%eth0",
            "2001:db8::8000",
            "[::1]",
            "localhost",
            "shop.internal",
        ] {
            assert_eq!(host(text).map(|host| host.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_written_beside_a_host_is_told_where_it_belongs() {
        for (text, help) in [
            ("0.0.0.0:8000", "write host = \"0.0.0.0\" and port = 8000"),
            (":8000", "write host = \"0.0.0.0\" and port = 8000"),
            ("[::]:8000", "write host = \"::\" and port = 8000"),
            ("http://0.0.0.0:8000/", "write the host alone: \"0.0.0.0\""),
            (
                "http://user:hunter2@shop:80/x",
                "write the host alone: \"shop\"",
            ),
            ("/run/x.sock", "write uds = \"/run/x.sock\" instead of host"),
            (
                "unix:/run/x.sock",
                "write uds = \"/run/x.sock\" instead of host",
            ),
        ] {
            assert_eq!(
                host(text).unwrap_err().help.as_deref(),
                Some(help),
                "{text}"
            );
        }
        for text in [
            "*",
            "0.0.0.0, ::1",
            "a b",
            "host/path",
            "\"0.0.0.0\"",
            "user@host",
        ] {
            assert!(host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_socket_is_a_path_without_scheme() {
        let socket = |text: &str| SocketPath::from_value(&Value::Text(text.into()));
        assert!(socket("/run/pounce.sock").is_ok() && socket("run/pounce.sock").is_ok());
        for text in [
            "unix:/run/x.sock",
            "unix:///run/x.sock",
            "http+unix:///run/x.sock",
        ] {
            let help = socket(text).unwrap_err().help;
            assert_eq!(
                help.as_deref(),
                Some("write the path alone: \"/run/x.sock\""),
                "{text}"
            );
        }
    }
}
