//! WebSocket (RFC 6455, over HTTP/2 RFC 8441, compressed RFC 7692): the protocol without its transport.

mod channel;
mod close;
mod decoder;
mod deflate;
mod frame;
mod handshake;
mod offer;
mod socket;

use std::time::Duration;

use crate::config::ServerConfig;

pub use close::{Close, CloseCode};
pub use decoder::Message;
pub use socket::{AcceptError, Data, WebSocket};

pub(in crate::serve) use channel::Channel;
pub(in crate::serve) use decoder::Decoder;
pub(in crate::serve) use handshake::Handshake;

/// What a WebSocket may be.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether clients that offer it get `permessage-deflate`.
    pub compression: bool,
    /// Bytes of a message, decompressed.
    pub max_message_size: u64,
    /// A client that is silent this long is asked for a sign of life, and cut off when it is silent
    /// once more as long.
    pub ping_interval: Duration,
    /// Time for a client to answer a close frame.
    pub close_timeout: Duration,
}

impl Settings {
    /// The settings of a worker.
    #[must_use]
    pub fn new(config: &ServerConfig) -> Self {
        Self {
            compression: config.websocket_compression,
            max_message_size: config.websocket_max_message_size,
            ping_interval: Duration::from_secs(20),
            close_timeout: Duration::from_secs(10),
        }
    }
}
