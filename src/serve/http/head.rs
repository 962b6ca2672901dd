//! One request head, judged line by line: what RFC 9112 and RFC 9110 call an error is refused.

use memchr::{memchr, memrchr};

use super::line;
use super::refusal::Refusal;
use super::target;

/// What a head has said so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Head {
    part: Part,
    http_11: bool,
    headers: usize,
    host: bool,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Start,
    /// After one empty line.
    RequestLine,
    Headers,
}

/// How the body of a request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// After this many bytes.
    Length(u64),
    /// With its last chunk.
    Chunked,
}

/// A whole head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Framing {
    pub(super) body: Body,
    /// Another protocol is asked for: what comes after the request may not be HTTP.
    pub(super) upgrade: bool,
}

impl Head {
    /// Whether the request line is still to come.
    pub(super) fn is_at_request_line(&self) -> bool {
        self.part != Part::Headers
    }

    /// Judges the next line, which ends with a line feed; the last one gives the framing.
    pub(super) fn line(
        &mut self,
        line: &[u8],
        max_headers: usize,
    ) -> Result<Option<Framing>, Refusal> {
        let line = line::without_end(line)?;
        match self.part {
            Part::Start if line.is_empty() => self.part = Part::RequestLine,
            Part::RequestLine if line.is_empty() => return Err(Refusal::EmptyLines),
            Part::Start | Part::RequestLine => self.request_line(line)?,
            Part::Headers if line.is_empty() => return self.framing().map(Some),
            Part::Headers => {
                self.headers += 1;
                if self.headers > max_headers {
                    return Err(Refusal::TooManyHeaders);
                }
                self.header(line)?;
            }
        }
        Ok(None)
    }

    fn request_line(&mut self, line: &[u8]) -> Result<(), Refusal> {
        if memchr(b'\r', line).is_some() {
            return Err(Refusal::BareCarriageReturn);
        }
        let (Some(first), Some(last)) = (memchr(b' ', line), memrchr(b' ', line)) else {
            return Err(Refusal::RequestLine);
        };
        let (method, version) = (&line[..first], &line[last + 1..]);
        if first >= last || first == 0 {
            return Err(Refusal::RequestLine);
        }
        if !line::is_token(method) {
            return Err(Refusal::Method);
        }
        self.http_11 = match version {
            b"HTTP/1.1" => true,
            b"HTTP/1.0" => false,
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                return Err(Refusal::VersionNotSupported);
            }
            _ => return Err(Refusal::Version),
        };
        target::check(method, &line[first + 1..last])?;
        self.part = Part::Headers;
        Ok(())
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Refusal> {
        let (name, value) = line::header(line)?;
        // By length first: most names are none of these.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                if std::mem::replace(&mut self.host, true) {
                    return Err(Refusal::HostRepeated);
                }
                if !target::is_host(value) {
                    return Err(Refusal::HostInvalid);
                }
            }
            6 if name.eq_ignore_ascii_case(b"expect")
                && !value.eq_ignore_ascii_case(b"100-continue") =>
            {
                return Err(Refusal::Expectation);
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => self.upgrade = true,
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                if self.length.is_some() {
                    return Err(Refusal::ContentLengthRepeated);
                }
                self.length = Some(line::decimal(value).ok_or(Refusal::ContentLengthInvalid)?);
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Refusal::TransferEncodingInvalid);
                }
                self.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn framing(&self) -> Result<Framing, Refusal> {
        // A target that names the host replaces the Host header but does not excuse its absence.
        if !self.host && self.http_11 {
            return Err(Refusal::HostMissing);
        }
        if self.chunked && !self.http_11 {
            return Err(Refusal::TransferEncodingInHttp10);
        }
        let body = match (self.chunked, self.length) {
            (true, Some(_)) => return Err(Refusal::ContentLengthAndTransferEncoding),
            (true, None) => Body::Chunked,
            (false, length) => Body::Length(length.unwrap_or(0)),
        };
        Ok(Framing {
            body,
            // HTTP/1.0 has no upgrades: the header is ignored (RFC 9110 7.8).
            upgrade: self.upgrade && self.http_11,
        })
    }
}
