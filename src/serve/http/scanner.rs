//! Follows the bytes of an HTTP/1 connection: where each request begins and ends, and whether it may pass.

use memchr::memchr;

use super::head::{Body, Framing, Head};
use super::line;
use super::refusal::Refusal;

/// Longest line of a chunk's size and its extensions, in bytes.
const CHUNK_LINE: usize = 1024;
/// Bytes of chunk extensions in one body.
const CHUNK_EXTENSIONS: usize = 8 * 1024;

/// What a request may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a head, and of a trailer section.
    pub head: usize,
    /// Header lines of a head, and of a trailer section.
    pub headers: usize,
    /// Bytes of a body.
    pub body: u64,
}

/// Follows one direction of a connection.
///
/// Its verdicts and boundaries depend on the bytes alone, not on how they arrive: a line is judged when
/// it is complete, and the limits hold for complete and incomplete lines alike.
#[derive(Debug)]
pub struct Scanner {
    limits: Limits,
    state: State,
    /// Bytes of the unjudged rest in which there is no further line feed.
    searched: usize,
    heads: u64,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// In a head, or between two requests. The lines before `line` are judged.
    Head {
        head: Head,
        line: usize,
    },
    Body {
        left: u64,
        upgrade: bool,
    },
    Chunk {
        chunks: Chunks,
        part: ChunkPart,
    },
    /// The trailers of a chunked body; the lines before `line` are judged.
    Trailers {
        line: usize,
        count: usize,
        upgrade: bool,
    },
    /// Behind a request that asks for another protocol.
    Held,
    Refused {
        refusal: Refusal,
        in_body: bool,
    },
}

#[derive(Debug, Clone, Copy)]
struct Chunks {
    /// Bytes of the body so far, and of its extensions.
    body: u64,
    extensions: usize,
    upgrade: bool,
}

#[derive(Debug, Clone, Copy)]
enum ChunkPart {
    Size,
    Data(u64),
    End,
}

/// What the bytes are that come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A new request.
    Between,
    /// The rest of a head.
    Head,
    /// The rest of a body.
    Body,
    /// It depends on the answer to the request that asked for another protocol.
    Held,
}

/// What [`Scanner::advance`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes from the start that may pass.
    pub judged: usize,
    /// What is behind them may not, and nothing after it.
    pub refusal: Option<Refusal>,
}

impl Scanner {
    /// At the beginning of a connection.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::start(),
            searched: 0,
            heads: 0,
        }
    }

    /// Heads that have passed so far.
    #[must_use]
    pub fn heads(&self) -> u64 {
        self.heads
    }

    /// What comes next, where `rest` has arrived and is not judged; after a refusal, what was refused.
    #[must_use]
    pub fn place(&self, rest: &[u8]) -> Place {
        match self.state {
            State::Head { .. } if matches!(rest, b"" | b"\r" | b"\r\n") => Place::Between,
            State::Head { .. } | State::Refused { in_body: false, .. } => Place::Head,
            State::Body { .. } | State::Chunk { .. } | State::Trailers { .. } => Place::Body,
            State::Refused { in_body: true, .. } => Place::Body,
            State::Held => Place::Held,
        }
    }

    /// The request that asked for another protocol was answered in HTTP: requests go on.
    pub fn resume(&mut self) {
        if let State::Held = self.state {
            self.state = State::start();
        }
    }

    /// Goes on over `bytes`, which begin where the judged ones ended.
    pub fn advance(&mut self, bytes: &[u8]) -> Progress {
        let mut judged = 0;
        let refusal = loop {
            match self.step(&bytes[judged..]) {
                Ok(Some(count)) => judged += count,
                Ok(None) => break None,
                Err(refusal) => {
                    let in_body = self.place(&bytes[judged..]) == Place::Body;
                    self.state = State::Refused { refusal, in_body };
                    break Some(refusal);
                }
            }
        };
        Progress { judged, refusal }
    }

    /// The next stretch that may pass; None when more bytes are needed or nothing is left.
    fn step(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        match self.state {
            State::Head { head, line } => self.head(bytes, head, line),
            State::Body { left, upgrade } => Ok(self.body(bytes, left, upgrade)),
            State::Chunk { chunks, part } => self.chunk(bytes, chunks, part),
            State::Trailers {
                line,
                count,
                upgrade,
            } => self.trailers(bytes, line, count, upgrade),
            State::Held => Ok(None),
            State::Refused { refusal, .. } => Err(refusal),
        }
    }

    fn head(
        &mut self,
        bytes: &[u8],
        mut head: Head,
        mut line: usize,
    ) -> Result<Option<usize>, Refusal> {
        loop {
            let too_large = if head.is_at_request_line() {
                Refusal::TargetTooLong
            } else {
                Refusal::HeadTooLarge
            };
            let Some(end) = self.line_end(bytes, self.limits.head, too_large)? else {
                self.state = State::Head { head, line };
                return Ok(None);
            };
            let framing = head.line(&bytes[line..end], self.limits.headers)?;
            line = end;
            if let Some(framing) = framing {
                self.state = self.after_head(framing)?;
                self.heads += 1;
                self.searched = 0;
                return Ok(Some(end));
            }
        }
    }

    fn after_head(&self, framing: Framing) -> Result<State, Refusal> {
        let upgrade = framing.upgrade;
        match framing.body {
            Body::Length(length) if length > self.limits.body => Err(Refusal::BodyTooLarge),
            Body::Length(0) => Ok(State::after_body(upgrade)),
            Body::Length(left) => Ok(State::Body { left, upgrade }),
            Body::Chunked => Ok(State::Chunk {
                chunks: Chunks {
                    body: 0,
                    extensions: 0,
                    upgrade,
                },
                part: ChunkPart::Size,
            }),
        }
    }

    fn body(&mut self, bytes: &[u8], left: u64, upgrade: bool) -> Option<usize> {
        let (passed, left) = pass(bytes, left)?;
        self.state = if left == 0 {
            State::after_body(upgrade)
        } else {
            State::Body { left, upgrade }
        };
        Some(passed)
    }

    fn chunk(
        &mut self,
        bytes: &[u8],
        mut chunks: Chunks,
        part: ChunkPart,
    ) -> Result<Option<usize>, Refusal> {
        let (passed, part) = match part {
            ChunkPart::Size => {
                let Some(end) = self.line_end(bytes, CHUNK_LINE, Refusal::ChunkExtension)? else {
                    return Ok(None);
                };
                let size = chunks.size_line(&bytes[..end], self.limits.body)?;
                self.searched = 0;
                if size == 0 {
                    self.state = State::Trailers {
                        line: 0,
                        count: 0,
                        upgrade: chunks.upgrade,
                    };
                    return Ok(Some(end));
                }
                (end, ChunkPart::Data(size))
            }
            ChunkPart::Data(left) => {
                let Some((passed, left)) = pass(bytes, left) else {
                    return Ok(None);
                };
                let next = if left == 0 {
                    ChunkPart::End
                } else {
                    ChunkPart::Data(left)
                };
                (passed, next)
            }
            ChunkPart::End => match bytes {
                [b'\r', b'\n', ..] => (2, ChunkPart::Size),
                [] | [b'\r'] => return Ok(None),
                _ => return Err(Refusal::ChunkEnd),
            },
        };
        self.state = State::Chunk { chunks, part };
        Ok(Some(passed))
    }

    fn trailers(
        &mut self,
        bytes: &[u8],
        mut start: usize,
        mut count: usize,
        upgrade: bool,
    ) -> Result<Option<usize>, Refusal> {
        loop {
            let Some(end) = self.line_end(bytes, self.limits.head, Refusal::HeadTooLarge)? else {
                self.state = State::Trailers {
                    line: start,
                    count,
                    upgrade,
                };
                return Ok(None);
            };
            let text = line::without_end(&bytes[start..end])?;
            start = end;
            if text.is_empty() {
                self.searched = 0;
                self.state = State::after_body(upgrade);
                return Ok(Some(end));
            }
            count += 1;
            if count > self.limits.headers {
                return Err(Refusal::TooManyHeaders);
            }
            let (name, _) = line::header(text)?;
            let forbidden: [&[u8]; 4] =
                [b"content-length", b"transfer-encoding", b"host", b"trailer"];
            if forbidden
                .iter()
                .any(|other| name.eq_ignore_ascii_case(other))
            {
                return Err(Refusal::Trailer);
            }
        }
    }

    /// The end of the next line, behind its line feed; it may not be beyond `limit`.
    fn line_end(
        &mut self,
        bytes: &[u8],
        limit: usize,
        beyond: Refusal,
    ) -> Result<Option<usize>, Refusal> {
        let end = memchr(b'\n', &bytes[self.searched..]).map(|at| self.searched + at + 1);
        self.searched = end.unwrap_or(bytes.len());
        if self.searched > limit {
            return Err(beyond);
        }
        Ok(end)
    }
}

impl State {
    fn start() -> Self {
        Self::Head {
            head: Head::default(),
            line: 0,
        }
    }

    fn after_body(upgrade: bool) -> Self {
        if upgrade { Self::Held } else { Self::start() }
    }
}

impl Chunks {
    /// The size of the chunk that this line begins.
    fn size_line(&mut self, line: &[u8], max_body: u64) -> Result<u64, Refusal> {
        let line = line::without_end(line)?;
        let digits = memchr(b';', line).unwrap_or(line.len());
        let size = line::hexadecimal(&line[..digits]).ok_or(Refusal::ChunkSize)?;
        let extensions = &line[digits..];
        self.extensions += extensions.len();
        if self.extensions > CHUNK_EXTENSIONS || line::has_control(extensions) {
            return Err(Refusal::ChunkExtension);
        }
        self.body = self.body.checked_add(size).ok_or(Refusal::BodyTooLarge)?;
        if self.body > max_body {
            return Err(Refusal::BodyTooLarge);
        }
        Ok(size)
    }
}

/// How much of `left` these bytes are, and what stays; None without bytes.
fn pass(bytes: &[u8], left: u64) -> Option<(usize, u64)> {
    let passed = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
    (passed > 0).then(|| (passed, left - passed as u64))
}

#[cfg(test)]
mod tests;
