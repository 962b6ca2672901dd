//! A TLS connection over a socket of the reactor.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::ServerConnection;

use super::{Identity, TlsSession};
use crate::serve::reactor::Stream;

/// Plain bytes that may wait inside of the session while the socket takes none.
const BUFFER: usize = 64 * 1024;

/// A socket and its TLS session.
pub(in crate::serve) struct TlsStream {
    stream: Stream,
    session: ServerConnection,
    certificate: Arc<str>,
}

/// The socket as rustls wants it: what would wait is an error of kind `WouldBlock`, and the task is
/// woken when it is worth trying again.
struct Socket<'a, 'cx>(&'a mut Stream, &'a mut Context<'cx>);

impl io::Read for Socket<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        unless_waiting(self.0.poll_receive(self.1, buffer))
    }
}

impl io::Write for Socket<'_, '_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        unless_waiting(self.0.poll_send(self.1, buffer))
    }

    fn write_vectored(&mut self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        unless_waiting(self.0.poll_send_vectored(self.1, buffers))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unless_waiting<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

fn or_waiting<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

impl TlsStream {
    pub(in crate::serve) fn new(stream: Stream, identity: Identity) -> io::Result<Self> {
        let mut session = ServerConnection::new(identity.config).map_err(io::Error::other)?;
        session.set_buffer_limit(Some(BUFFER));
        Ok(Self {
            stream,
            session,
            certificate: identity.certificate,
        })
    }

    pub(in crate::serve) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The protocol that was agreed on.
    pub(in crate::serve) fn alpn(&self) -> Option<&[u8]> {
        self.session.alpn_protocol()
    }

    /// What the handshake has settled; None before its end.
    pub(in crate::serve) fn session(&self) -> Option<TlsSession> {
        Some(TlsSession {
            server_cert: Arc::clone(&self.certificate),
            version: self.session.protocol_version()?.into(),
            cipher_suite: self.session.negotiated_cipher_suite()?.suite().into(),
        })
    }

    pub(in crate::serve) fn poll_handshake(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.session.is_handshaking() {
            ready!(self.poll_flush(cx))?;
            if self.session.is_handshaking() && ready!(self.poll_packets(cx))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        // What is left to send goes out with the first response, or as soon as the socket takes it.
        let _ = self.poll_flush(cx)?;
        Poll::Ready(Ok(()))
    }

    /// Receives and decrypts; 0 is the end of the peer's data.
    fn poll_packets(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let received = self.session.read_tls(&mut Socket(&mut self.stream, cx));
        let count = ready!(or_waiting(received))?;
        if let Err(error) = self.session.process_new_packets() {
            // The peer is told why, if it still listens.
            let _ = self.poll_flush(cx);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
        }
        Poll::Ready(Ok(count))
    }

    /// Receives plain bytes; 0 is the end of the peer's data. An end without a farewell is one too: the
    /// requests say themselves where they end.
    pub(in crate::serve) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Poll::Ready(Ok(0));
                }
                result => return Poll::Ready(result),
            }
            ready!(self.poll_packets(cx))?;
            if self.session.wants_write() {
                // Answers of the protocol itself, such as key updates; they do not hold up what is read.
                let _ = self.poll_flush(cx)?;
            }
        }
    }

    /// Takes plain bytes to be sent.
    pub(in crate::serve) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let taken = self.session.writer().write(buffer)?;
            let flushed = self.poll_flush(cx)?;
            if taken > 0 || buffer.is_empty() {
                return Poll::Ready(Ok(taken));
            }
            ready!(flushed);
        }
    }

    /// Ready when the socket has taken everything.
    pub(in crate::serve) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.wants_write() {
            let sent = self.session.write_tls(&mut Socket(&mut self.stream, cx));
            if ready!(or_waiting(sent))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Says farewell, and ends this side's data.
    pub(in crate::serve) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.session.send_close_notify();
        ready!(self.poll_flush(cx))?;
        Poll::Ready(self.stream.shutdown())
    }
}
