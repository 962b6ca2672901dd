//! One line of the access log, as text or as JSON.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use http::Version;
use time::OffsetDateTime;

use crate::serve::reactor::Peer;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What a line says. The query of the target is left out: it can hold secrets.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// When the response was through.
    pub time: SystemTime,
    /// `-` where the request was refused before it was read.
    pub method: &'a str,
    /// As it was sent, percent-encoded; `-` where the request was refused before it was read.
    pub path: &'a str,
    /// The protocol.
    pub version: Version,
    /// The status; 499 where the client went before there was one.
    pub status: u16,
    /// Bytes of the body that were sent.
    pub bytes: u64,
    /// From the request's head to the end of the response.
    pub duration: Duration,
    /// The request id.
    pub id: &'a str,
    /// The other end of the socket.
    pub peer: Peer,
    /// The client, as far as it is known.
    pub client: Option<SocketAddr>,
    /// Why the server has refused it.
    pub refusal: Option<&'a str>,
    /// Whether the response took longer to begin than it should.
    pub slow: bool,
}

impl Line<'_> {
    /// Appends the line, with its end.
    pub fn append(&self, format: Format, stamp: &mut Stamp, lines: &mut Vec<u8>) {
        match format {
            Format::Text => self.text(stamp, lines),
            Format::Json => self.json(stamp, lines),
        }
        lines.push(b'\n');
    }

    // Writing to memory does not fail, so the results below are nothing to look at.

    fn text(&self, stamp: &mut Stamp, out: &mut Vec<u8>) {
        stamp.append(self.time, out);
        out.push(b' ');
        append_peer(self.peer, out);
        out.extend_from_slice(b" \"");
        escape_text(self.method, out);
        out.push(b' ');
        escape_text(self.path, out);
        out.extend_from_slice(b" HTTP/");
        out.extend_from_slice(protocol(self.version).as_bytes());
        out.extend_from_slice(b"\" ");
        decimal(self.status.into(), 3, out);
        out.push(b' ');
        decimal(self.bytes, 1, out);
        out.push(b' ');
        append_milliseconds(self.duration, out);
        out.extend_from_slice(b"ms ");
        escape_text(self.id, out);
        if let Some(client) = self.other_client() {
            let _ = write!(out, " client={}", client.ip());
        }
        if let Some(refusal) = self.refusal {
            out.extend_from_slice(b" refused=\"");
            escape_text(refusal, out);
            out.push(b'"');
        }
        if self.slow {
            out.extend_from_slice(b" slow");
        }
    }

    fn json(&self, stamp: &mut Stamp, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"timestamp\":\"");
        stamp.append(self.time, out);
        out.extend_from_slice(if self.slow {
            b"\",\"level\":\"warning\",\"event\":\"request\",\"slow\":true,\"method\":\""
        } else {
            b"\",\"level\":\"info\",\"event\":\"request\",\"method\":\""
        });
        escape_json(self.method, out);
        out.extend_from_slice(b"\",\"path\":\"");
        escape_json(self.path, out);
        out.extend_from_slice(b"\",\"http_version\":\"");
        out.extend_from_slice(protocol(self.version).as_bytes());
        out.extend_from_slice(b"\",\"status\":");
        decimal(self.status.into(), 3, out);
        out.extend_from_slice(b",\"bytes\":");
        decimal(self.bytes, 1, out);
        out.extend_from_slice(b",\"duration_ms\":");
        append_milliseconds(self.duration, out);
        out.extend_from_slice(b",\"request_id\":\"");
        escape_json(self.id, out);
        out.extend_from_slice(b"\",\"peer\":\"");
        append_peer(self.peer, out);
        out.push(b'"');
        if let Some(client) = self.other_client() {
            let _ = write!(out, ",\"client\":\"{}\"", client.ip());
        }
        if let Some(refusal) = self.refusal {
            out.extend_from_slice(b",\"refused\":\"");
            escape_json(refusal, out);
            out.push(b'"');
        }
        out.push(b'}');
    }

    /// The client, where it is not the peer itself.
    fn other_client(&self) -> Option<SocketAddr> {
        self.client.filter(|client| self.peer != Peer::Tcp(*client))
    }
}

/// Appends the line that tells of lines that were lost.
pub(super) fn append_lost(
    format: Format,
    stamp: &mut Stamp,
    time: SystemTime,
    count: u64,
    out: &mut Vec<u8>,
) {
    let message =
        format!("{count} lines of the access log were lost: too much of it waited to be read");
    match format {
        Format::Text => {
            stamp.append(time, out);
            let _ = writeln!(out, " warning  {message}");
        }
        Format::Json => {
            out.extend(b"{\"timestamp\":\"");
            stamp.append(time, out);
            let _ = writeln!(
                out,
                "\",\"level\":\"warning\",\"event\":\"access_log_lost\",\"message\":\"{message}\"}}"
            );
        }
    }
}

/// The other end of a socket.
pub(super) fn append_peer(peer: Peer, out: &mut Vec<u8>) {
    match peer {
        Peer::Tcp(SocketAddr::V4(address)) => {
            for (at, octet) in address.ip().octets().into_iter().enumerate() {
                if at > 0 {
                    out.push(b'.');
                }
                decimal(octet.into(), 1, out);
            }
            out.push(b':');
            decimal(address.port().into(), 1, out);
        }
        Peer::Tcp(address) => drop(write!(out, "{address}")),
        Peer::Unix => out.extend_from_slice(b"unix:"),
    }
}

/// HTTP's version, as lines have it.
pub(super) fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

/// Milliseconds with three decimals.
pub(super) fn append_milliseconds(duration: Duration, out: &mut Vec<u8>) {
    let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    decimal(microseconds / 1000, 1, out);
    out.push(b'.');
    decimal(microseconds % 1000, 3, out);
}

/// The time of a line; the part down to the second is kept for the next one.
#[derive(Debug, Default)]
pub struct Stamp {
    second: Option<i64>,
    text: Vec<u8>,
}

impl Stamp {
    /// Appends `2026-01-31T12:00:00.123Z`.
    pub(in crate::serve) fn append(&mut self, time: SystemTime, out: &mut Vec<u8>) {
        let time = OffsetDateTime::from(time);
        let second = time.unix_timestamp();
        if self.second != Some(second) {
            self.second = Some(second);
            self.text.clear();
            let _ = write!(
                self.text,
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.",
                time.year(),
                u8::from(time.month()),
                time.day(),
                time.hour(),
                time.minute(),
                time.second(),
            );
        }
        out.extend_from_slice(&self.text);
        decimal(time.millisecond().into(), 3, out);
        out.push(b'Z');
    }
}

/// A number with at least this many digits. Faster than `write!`, which counts at one line a request.
fn decimal(mut number: u64, least: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    while number > 0 || digits.len() - start < least {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits[start..]);
}

/// Bytes that stand for themselves in both formats: visible ASCII but for what quotes. A table, as most
/// lines are looked at whole and changed nowhere.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        plain[byte as usize] = byte != b'"' && byte != b'\\';
        byte += 1;
    }
    plain
};

fn plain(byte: u8) -> bool {
    PLAIN[usize::from(byte)]
}

/// Everything that is not plain visible ASCII, and what the line itself uses, as `\xNN`.
fn escape_text(text: &str, out: &mut Vec<u8>) {
    if text.bytes().all(plain) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        if plain(byte) {
            out.push(byte);
        } else {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

fn escape_json(text: &str, out: &mut Vec<u8>) {
    if text.bytes().all(plain) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend([b'\\', character as u8]),
            // Line separators end a line for some readers.
            '\u{2028}' | '\u{2029}' => drop(write!(out, "\\u{:04x}", character as u32)),
            _ if character.is_control() => drop(write!(out, "\\u{:04x}", character as u32)),
            _ => drop(write!(out, "{character}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line<'a>(path: &'a str, id: &'a str) -> Line<'a> {
        Line {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_007),
            method: "GET",
            path,
            version: Version::HTTP_11,
            status: 200,
            bytes: 6,
            duration: Duration::from_micros(1234),
            id,
            peer: Peer::Tcp("127.0.0.1:5000".parse().unwrap()),
            client: Some("192.0.2.1:0".parse().unwrap()),
            refusal: None,
            slow: false,
        }
    }

    fn written(line: &Line<'_>, format: Format) -> String {
        let mut out = Vec::new();
        line.append(format, &mut Stamp::default(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_is_exactly_this() {
        let mut line = line("/a%20b", "id1");
        assert_eq!(
            written(&line, Format::Text),
            "2027-01-15T08:00:00.007Z 127.0.0.1:5000 \"GET /a%20b HTTP/1.1\" 200 6 1.234ms id1 client=192.0.2.1\n"
        );
        line.client = Some("127.0.0.1:5000".parse().unwrap());
        line.refusal = Some("too large");
        assert_eq!(
            written(&line, Format::Json),
            "{\"timestamp\":\"2027-01-15T08:00:00.007Z\",\"level\":\"info\",\"event\":\"request\",\"method\":\"GET\",\
             \"path\":\"/a%20b\",\"http_version\":\"1.1\",\"status\":200,\"bytes\":6,\"duration_ms\":1.234,\
             \"request_id\":\"id1\",\"peer\":\"127.0.0.1:5000\",\"refused\":\"too large\"}\n"
        );
        line.refusal = None;
        line.slow = true;
        assert!(written(&line, Format::Text).ends_with(" id1 slow\n"));
        let slow: serde_json::Value = serde_json::from_str(&written(&line, Format::Json)).unwrap();
        assert_eq!(
            (&slow["level"], &slow["slow"]),
            (&"warning".into(), &true.into())
        );
    }

    proptest! {
        #[test]
        fn nothing_in_a_request_makes_a_second_line_or_leaves_its_field(path in any::<String>(), id in any::<String>()) {
            let line = line(&path, &id);
            let text = written(&line, Format::Text);
            prop_assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')));
            prop_assert_eq!(text.matches('\n').count(), 1);
            prop_assert_eq!(text.matches('"').count(), 2);
            let json = written(&line, Format::Json);
            prop_assert_eq!(json.lines().count(), 1);
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(&value["path"], &path);
            prop_assert_eq!(&value["request_id"], &id);
        }
    }
}
