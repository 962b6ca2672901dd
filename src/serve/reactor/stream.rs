//! A connected socket of the reactor, TCP or Unix.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::task::{Context, Poll};
use std::time::Duration;

use mio::Interest;

use super::{Handle, Registration};

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A process of this machine, through the Unix socket.
    Unix,
}

pub(super) enum Socket {
    Tcp(mio::net::TcpStream),
    Unix(mio::net::UnixStream),
}

/// A connected, registered socket.
pub struct Stream {
    // Dropped first: the registration's token must be free only once the kernel has forgotten the socket.
    socket: Socket,
    registration: Registration,
}

/// A connected socket that belongs to no reactor.
pub(in crate::serve) enum Detached {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

impl Stream {
    /// Leaves this reactor.
    pub(in crate::serve) fn detach(self) -> Detached {
        match self.socket {
            Socket::Tcp(stream) => Detached::Tcp(stream.into()),
            Socket::Unix(stream) => Detached::Unix(stream.into()),
        }
    }

    /// Joins a reactor.
    ///
    /// # Errors
    /// It can not be registered.
    pub(in crate::serve) fn attach(handle: &Handle, socket: Detached) -> io::Result<Self> {
        let socket = match socket {
            Detached::Tcp(stream) => Socket::Tcp(mio::net::TcpStream::from_std(stream)),
            Detached::Unix(stream) => Socket::Unix(mio::net::UnixStream::from_std(stream)),
        };
        Self::new(handle, socket)
    }

    pub(super) fn new(handle: &Handle, mut socket: Socket) -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registration = match &mut socket {
            Socket::Tcp(stream) => handle.register(stream, interest)?,
            Socket::Unix(stream) => handle.register(stream, interest)?,
        };
        // A fresh socket takes data; whether it has some the first event tells.
        registration.readiness.writing().set();
        Ok(Self {
            socket,
            registration,
        })
    }

    /// The address of this end; None for a Unix socket.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(stream) => stream.local_addr().ok(),
            Socket::Unix(_) => None,
        }
    }

    /// Receives into `buffer`; 0 is the end of the peer's data.
    pub fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let readiness = &self.registration.readiness;
        while readiness.reading().is_ready() {
            let received = match &mut self.socket {
                Socket::Tcp(stream) => stream.read(buffer),
                Socket::Unix(stream) => stream.read(buffer),
            };
            match received {
                Ok(count) => {
                    // A short read means empty, and saves the call that would say so; but an end of
                    // file that came with the data makes no further edge.
                    if count < buffer.len() && !readiness.is_read_closed() {
                        readiness.reading().exhaust();
                    }
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    readiness.reading().exhaust();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        readiness.reading().wait(cx.waker());
        Poll::Pending
    }

    /// Sends from `buffer`; how much was taken.
    pub fn poll_send(&mut self, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_by(cx, buffer.len(), |socket| match socket {
            Socket::Tcp(stream) => stream.write(buffer),
            Socket::Unix(stream) => stream.write(buffer),
        })
    }

    /// Sends from several buffers; how much was taken.
    pub fn poll_send_vectored(
        &mut self,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let total = buffers.iter().map(|buffer| buffer.len()).sum();
        self.poll_write_by(cx, total, |socket| match socket {
            Socket::Tcp(stream) => stream.write_vectored(buffers),
            Socket::Unix(stream) => stream.write_vectored(buffers),
        })
    }

    fn poll_write_by(
        &mut self,
        cx: &mut Context<'_>,
        total: usize,
        mut write: impl FnMut(&mut Socket) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let writing = self.registration.readiness.writing();
        while writing.is_ready() {
            match write(&mut self.socket) {
                Ok(count) => {
                    if count < total {
                        writing.exhaust();
                    }
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => writing.exhaust(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        writing.wait(cx.waker());
        Poll::Pending
    }

    /// Has a close throw away what is not sent, and tell the peer that the connection was cut.
    pub fn reset_on_close(&self) {
        if let Socket::Tcp(stream) = &self.socket {
            // It fails only on a connection that is already gone.
            let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
    }

    /// Ends this side's data; the peer may still send.
    ///
    /// # Errors
    /// The connection is already gone.
    pub fn shutdown(&mut self) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Socket::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}
