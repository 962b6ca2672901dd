//! An HTTP/2 client that sends and sees single frames.

use std::io::{Read as _, Write as _};

use crate::client::Client;
use crate::server::TestServer;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// What a client begins with that knows of HTTP/2.
pub(crate) const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

pub(crate) struct Http2(pub(crate) Client);

impl Http2 {
    pub(crate) fn connect(server: &TestServer) -> Self {
        let mut client = Self(Client::connect(server));
        client.0.send(PREFACE);
        client.send(SETTINGS, 0, 0, &[]);
        client
    }

    pub(crate) fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.0.send(frame(kind, flags, stream, payload));
    }

    /// A request whose pseudo headers are these, with an authority.
    pub(crate) fn request(&mut self, stream: u32, method: u8, path: &str, flags: u8) {
        self.send(HEADERS, END_HEADERS | flags, stream, &head(method, path));
    }

    /// Sends many frames at once; whether the server has taken them before it ended the connection.
    pub(crate) fn flood(&mut self, frames: &[u8]) -> bool {
        self.0.0.get_mut().write_all(frames).is_ok()
    }

    /// The next frame; None at the end of the connection.
    pub(crate) fn frame(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        if self.0.0.read_exact(&mut head).is_err() {
            return None;
        }
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        self.0.0.read_exact(&mut payload).unwrap();
        let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream,
            payload,
        })
    }

    /// The next frame of this kind.
    pub(crate) fn find(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self
                .frame()
                .unwrap_or_else(|| panic!("no frame of kind {kind}"));
            if frame.kind == kind && !(kind == SETTINGS && frame.flags & ACK != 0) {
                return frame;
            }
        }
    }

    /// Reads up to the next frame of this kind; false where the connection ends before.
    pub(crate) fn passes(&mut self, kind: u8) -> bool {
        std::iter::from_fn(|| self.frame()).any(|frame| frame.kind == kind)
    }

    /// First byte of the next response's header block, and its body.
    pub(crate) fn response(&mut self) -> (u32, u8, Vec<u8>) {
        let head = self.find(HEADERS);
        let mut body = Vec::new();
        let mut ended = head.flags & END_STREAM != 0;
        while !ended {
            let data = self.find(DATA);
            ended = data.flags & END_STREAM != 0;
            body.extend(data.payload);
        }
        (head.stream, head.payload[0], body)
    }
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Entries of HPACK's static table (RFC 7541 A): methods and statuses.
pub(crate) const GET: u8 = 0x82;
pub(crate) const POST: u8 = 0x83;
pub(crate) const OK: u8 = 0x88;
pub(crate) const BAD_REQUEST: u8 = 0x8c;
pub(crate) const SERVER_ERROR: u8 = 0x8e;

/// A header block: method, scheme, path and authority, the last two literal and not indexed.
pub(crate) fn head(method: u8, path: &str) -> Vec<u8> {
    let mut block = vec![method, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
    block.extend(path.bytes());
    block.extend([0x01, 1, b'a']);
    block
}

/// A header line, literal and not indexed.
pub(crate) fn line(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0];
    for text in [name, value] {
        block.push(u8::try_from(text.len()).unwrap());
        block.extend(text.bytes());
    }
    block
}
