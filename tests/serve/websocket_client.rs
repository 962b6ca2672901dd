//! A WebSocket client that sends exactly the frames that a test says.

use std::io::Read as _;

use crate::client::Client;
use crate::server::TestServer;

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;
/// The bit of a message's last frame.
pub(crate) const FIN: u8 = 0x80;
/// The bit of a compressed message.
pub(crate) const RSV1: u8 = 0x40;
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(crate) struct Socket(pub(crate) Client);

/// What the server has sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

/// A handshake with further header lines.
pub(crate) fn handshake(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    )
}

/// A client's frame.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    bytes
}

/// The payload of a close frame.
pub(crate) fn closing(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

impl Socket {
    /// A connection whose handshake is accepted.
    pub(crate) fn open(server: &TestServer, path: &str) -> Self {
        Self::with(server, path, "").0
    }

    /// Likewise, with further header lines; and the head of the answer.
    pub(crate) fn with(server: &TestServer, path: &str, more: &str) -> (Self, String) {
        let mut client = Client::connect(server);
        let (status, head, id) = client.send(handshake(path, more)).head();
        assert_eq!((status, id.len()), (101, 32), "{head}");
        (Self(client), head)
    }

    pub(crate) fn send(&mut self, opcode: u8, payload: impl AsRef<[u8]>) -> &mut Self {
        self.0.send(frame(FIN | opcode, payload.as_ref()));
        self
    }

    /// The next frame.
    pub(crate) fn frame(&mut self) -> Frame {
        let mut head = [0; 2];
        self.0.0.read_exact(&mut head).unwrap();
        assert_eq!(head[1] & 0x80, 0, "a server does not mask");
        let mut long = [0; 8];
        let length = match head[1] {
            126 => {
                self.0.0.read_exact(&mut long[6..]).unwrap();
                u64::from_be_bytes(long)
            }
            127 => {
                self.0.0.read_exact(&mut long).unwrap();
                u64::from_be_bytes(long)
            }
            length => length.into(),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.0.read_exact(&mut payload).unwrap();
        Frame {
            first: head[0],
            payload,
        }
    }

    /// Asserts that this whole frame comes next.
    pub(crate) fn expect(&mut self, opcode: u8, payload: impl AsRef<[u8]>) {
        let frame = self.frame();
        assert_eq!(frame.first, FIN | opcode, "{frame:?}");
        assert_eq!(frame.payload, payload.as_ref());
    }

    /// Asserts that the server closes with this code; its reason.
    pub(crate) fn expect_close(&mut self, code: u16) -> String {
        let frame = self.frame();
        assert_eq!(frame.first, FIN | CLOSE, "{frame:?}");
        let (number, reason) = frame.payload.split_at(2);
        assert_eq!(number, code.to_be_bytes());
        String::from_utf8(reason.to_vec()).unwrap()
    }
}
