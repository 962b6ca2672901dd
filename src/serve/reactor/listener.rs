//! A listening socket of the reactor, TCP or Unix.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use mio::Interest;

use super::stream::Socket;
use super::{Handle, Peer, Registration, Stream};

enum Listening {
    Tcp(mio::net::TcpListener),
    Unix(mio::net::UnixListener),
}

/// A listening, registered socket.
///
/// Dropping it takes it out of the reactor. Other processes may hold the same socket, so that closing our
/// descriptor would not: the kernel would go on telling us of connections that are not ours any more.
pub struct Listener {
    listening: Listening,
    registration: Registration,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let registry = &self.registration.core.registry;
        // It fails only where it is not registered.
        let _ = match &mut self.listening {
            Listening::Tcp(listener) => registry.deregister(listener),
            Listening::Unix(listener) => registry.deregister(listener),
        };
    }
}

impl Listener {
    /// Takes a bound TCP socket over.
    ///
    /// # Errors
    /// It can not be made non-blocking or not be registered.
    pub fn tcp(handle: &Handle, listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let mut listener = mio::net::TcpListener::from_std(listener);
        Ok(Self {
            registration: handle.register(&mut listener, Interest::READABLE)?,
            listening: Listening::Tcp(listener),
        })
    }

    /// Takes a bound Unix socket over.
    ///
    /// # Errors
    /// It can not be made non-blocking or not be registered.
    pub fn unix(handle: &Handle, listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let mut listener = mio::net::UnixListener::from_std(listener);
        Ok(Self {
            registration: handle.register(&mut listener, Interest::READABLE)?,
            listening: Listening::Unix(listener),
        })
    }

    /// The address it listens on; None for a Unix socket.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        match &self.listening {
            Listening::Tcp(listener) => listener.local_addr().ok(),
            Listening::Unix(_) => None,
        }
    }

    /// The next connection.
    pub fn poll_accept(
        &mut self,
        handle: &Handle,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Stream, Peer)>> {
        let reading = self.registration.readiness.reading();
        while reading.is_ready() {
            let accepted = match &self.listening {
                Listening::Tcp(listener) => listener.accept().map(|(stream, address)| {
                    // Without it a response in two segments can wait for the client's delayed
                    // acknowledgement. It fails only on a connection that is already gone.
                    let _ = stream.set_nodelay(true);
                    (Socket::Tcp(stream), Peer::Tcp(address))
                }),
                Listening::Unix(listener) => listener
                    .accept()
                    .map(|(stream, _)| (Socket::Unix(stream), Peer::Unix)),
            };
            match accepted {
                Ok((socket, peer)) => {
                    return Poll::Ready(Stream::new(handle, socket).map(|stream| (stream, peer)));
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => reading.exhaust(),
                    // The client left before it was accepted.
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                    _ => return Poll::Ready(Err(error)),
                },
            }
        }
        reading.wait(cx.waker());
        Poll::Pending
    }
}
