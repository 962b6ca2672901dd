//! What carries a connection: a socket as it is, or TLS over one.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::task::{Context, Poll};

use crate::serve::reactor::Stream;
use crate::serve::tls::{ALPN_HTTP_2, TlsSession, TlsStream};

/// A byte stream in both directions.
pub(super) enum Transport {
    Plain(Stream),
    Tls(Box<TlsStream>),
}

impl Transport {
    fn stream(&self) -> &Stream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(tls) => tls.stream(),
        }
    }

    pub(super) fn local_address(&self) -> Option<SocketAddr> {
        self.stream().local_address()
    }

    /// What the handshake has settled; None where there is none, and before its end.
    pub(super) fn tls(&self) -> Option<TlsSession> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => tls.session(),
        }
    }

    /// Whether the client has asked for HTTP/2 in the handshake.
    pub(super) fn is_http_2(&self) -> bool {
        matches!(self, Self::Tls(tls) if tls.alpn() == Some(ALPN_HTTP_2))
    }

    /// Has a close throw away what is not sent, and tell the peer that the connection was cut.
    pub(super) fn reset_on_close(&self) {
        self.stream().reset_on_close();
    }

    /// Ready when plain bytes can flow.
    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(tls) => tls.poll_handshake(cx),
        }
    }

    pub(super) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => stream.poll_receive(cx, buffer),
            Self::Tls(tls) => tls.poll_receive(cx, buffer),
        }
    }

    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => stream.poll_send(cx, buffer),
            Self::Tls(tls) => tls.poll_send(cx, buffer),
        }
    }

    pub(super) fn poll_send_vectored(
        &mut self,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => stream.poll_send_vectored(cx, buffers),
            Self::Tls(tls) => {
                let first = buffers.iter().find(|buffer| !buffer.is_empty());
                tls.poll_send(cx, first.map_or(&[], |buffer| buffer))
            }
        }
    }

    /// Ready when the kernel has everything.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(tls) => tls.poll_flush(cx),
        }
    }

    /// Ends this side's data; the peer may still send.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => Poll::Ready(stream.shutdown()),
            Self::Tls(tls) => tls.poll_shutdown(cx),
        }
    }
}
