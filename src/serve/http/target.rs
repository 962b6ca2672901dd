//! Request targets (RFC 9112 3.2) and hosts (RFC 9110 4.2, RFC 3986 3.2.2).

use memchr::memchr3;

use super::line::decimal;
use super::refusal::Refusal;

/// The longest target that the types behind it can hold.
const LONGEST: usize = 65_534;

/// Checks the target of a request with this method.
pub(super) fn check(method: &[u8], target: &[u8]) -> Result<(), Refusal> {
    if target.len() > LONGEST {
        return Err(Refusal::TargetTooLong);
    }
    if method == b"CONNECT" {
        // The host of a tunnel always comes with its port.
        let authority = is_host(target) && !target.ends_with(b"]") && target.contains(&b':');
        return Err(if authority {
            Refusal::Connect
        } else {
            Refusal::Target
        });
    }
    match target {
        b"*" if method == b"OPTIONS" => Ok(()),
        [b'/', ..] if is_path_and_query(target) => Ok(()),
        [b'/', ..] => Err(Refusal::Target),
        _ if is_absolute(target) => Ok(()),
        _ => Err(Refusal::Target),
    }
}

/// Whether this is a path with its query, or the asterisk where the method takes it: what `:path` may be
/// (RFC 9113 8.3.1).
pub(crate) fn is_origin_form(method: &str, target: &str) -> bool {
    match target.as_bytes() {
        b"*" => method == "OPTIONS",
        target => target.first() == Some(&b'/') && is_path_and_query(target),
    }
}

fn is_absolute(target: &[u8]) -> bool {
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start
            .eq_ignore_ascii_case(scheme.as_bytes())
            .then_some(rest)
    });
    let Some(rest) = rest else {
        return false;
    };
    let end = memchr3(b'/', b'?', b'#', rest).unwrap_or(rest.len());
    let authority = &rest[..end];
    // The types behind take no percent-encoding in a host; nobody needs it there.
    is_host(authority) && !authority.contains(&b'%') && is_path_and_query(&rest[end..])
}

const PATH: u8 = 1;
const QUERY: u8 = 2;

/// What a path or a query may hold as it is: printable ASCII without what RFC 3986 keeps out, except
/// for a few marks that clients send unencoded, and that are nothing but data here.
const fn target_map() -> [u8; 256] {
    let mut map = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let path =
            matches!(byte as u8, b'!' | b'$'..=b';' | b'=' | b'@'..=b'_' | b'a'..=b'~' | b'"');
        let query = matches!(byte as u8, b'!' | b'$'..=b';' | b'=' | b'?'..=b'~');
        map[byte] = (path as u8) * PATH + (query as u8) * QUERY;
        byte += 1;
    }
    map
}

static TARGET: [u8; 256] = target_map();

fn is_path_and_query(bytes: &[u8]) -> bool {
    let path = bytes
        .iter()
        .take_while(|&&byte| TARGET[usize::from(byte)] & PATH != 0)
        .count();
    match bytes.get(path) {
        None => true,
        Some(b'?') => bytes[path + 1..]
            .iter()
            .all(|&byte| TARGET[usize::from(byte)] & QUERY != 0),
        Some(_) => false,
    }
}

/// Whether this is a host, not empty, with an optional port: the value of a Host header.
pub(crate) fn is_host(bytes: &[u8]) -> bool {
    let (host, port) = match bytes {
        [b'[', rest @ ..] => {
            let Some(end) = memchr::memchr(b']', rest) else {
                return false;
            };
            let address = std::str::from_utf8(&rest[..end]).ok();
            if address.is_none_or(|text| text.parse::<std::net::Ipv6Addr>().is_err()) {
                return false;
            }
            (&bytes[..end + 2], &rest[end + 1..])
        }
        _ => {
            let end = memchr::memchr(b':', bytes).unwrap_or(bytes.len());
            if !is_name(&bytes[..end]) {
                return false;
            }
            bytes.split_at(end)
        }
    };
    !host.is_empty() && is_port(port)
}

fn is_name(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let [byte, after @ ..] = rest {
        rest = match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => after,
            b'!' | b'$' | b'&'..=b',' | b';' | b'=' => after,
            b'%' => match after {
                [high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    after
                }
                _ => return false,
            },
            _ => return false,
        };
    }
    true
}

/// Nothing, or a colon and a number; the number may be missing (RFC 3986 3.2.3).
fn is_port(bytes: &[u8]) -> bool {
    match bytes {
        [] | [b':'] => true,
        [b':', digits @ ..] => decimal(digits).is_some_and(|port| port <= 65_535),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for host in [
            "a",
            "a.example",
            "A.EXAMPLE:80",
            "127.0.0.1",
            "127.0.0.1:8000",
            "[::1]",
            "[::1]:80",
            "a_b",
            "a:",
            "xn--bcher-kva.example",
            "a%41",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in [
            "",
            ":80",
            "a b",
            "a/b",
            "a@b",
            "a,b c",
            "a:b",
            "a:65536",
            "a:80:80",
            "[::1",
            "::1",
            "[::1]x",
            "[a]",
            "b\u{fc}cher.example",
            "a%4",
            "a#",
            "a?",
            "a\\b",
            "\"a\"",
            "a:+80",
            "[]",
            "[::1%eth0]",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn targets() {
        for (method, target) in [
            ("GET", "/"),
            ("GET", "/a/b;c=%20?x=y&z=[1]"),
            ("GET", "//a"),
            ("OPTIONS", "*"),
            ("GET", "http://a.example"),
            ("GET", "HTTP://a.example:80/x?y"),
            ("GET", "https://[::1]?y"),
        ] {
            assert_eq!(
                check(method.as_bytes(), target.as_bytes()),
                Ok(()),
                "{target}"
            );
            assert!(target.parse::<http::Uri>().is_ok(), "{target}");
        }
        for (method, target) in [
            ("GET", "*"),
            ("GET", "a.example"),
            ("GET", "a.example:80"),
            ("GET", "ftp://a.example/"),
            ("GET", "http:///x"),
            ("GET", "http://"),
            ("GET", "http://user@a.example/"),
            ("GET", "http://a.example:x/"),
            ("GET", "http://a%41/"),
            ("GET", "/a#b"),
            ("GET", "/a\u{e4}"),
            ("GET", "/a<b"),
            ("GET", "/a?b#c"),
            ("GET", "/\x7f"),
            ("GET", "?a"),
            ("CONNECT", "/"),
            ("CONNECT", "a.example"),
            ("CONNECT", "[::1]"),
        ] {
            assert_eq!(
                check(method.as_bytes(), target.as_bytes()),
                Err(Refusal::Target),
                "{target}"
            );
        }
        assert_eq!(check(b"CONNECT", b"a.example:443"), Err(Refusal::Connect));
        let long = [b"/".repeat(65_535), Vec::new()].concat();
        assert_eq!(check(b"GET", &long), Err(Refusal::TargetTooLong));
    }
}
