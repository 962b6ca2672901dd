//! Sockets that whoever started the server opened: `--fd`, and systemd's socket activation.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType,
    recvmsg, socketpair,
};
use socket2::{Socket, Type};

/// First descriptor of socket activation.
const FIRST: RawFd = 3;

/// Descriptors that the service manager has left for this very process (`LISTEN_PID`, `LISTEN_FDS`).
#[must_use]
pub fn activated() -> Vec<RawFd> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    if number("LISTEN_PID") != Some(std::process::id()) {
        return Vec::new();
    }
    let count = number("LISTEN_FDS")
        .and_then(|count| RawFd::try_from(count).ok())
        .unwrap_or(0);
    (FIRST..FIRST.saturating_add(count)).collect()
}

/// Takes a listening socket over by the number of its descriptor; the number is closed.
///
/// # Errors
/// `EBADF` where no descriptor has that number, `InvalidInput` where it is no socket that listens; then it
/// stays open, as it may be one of our own.
pub(super) fn take(number: RawFd) -> io::Result<Socket> {
    let socket = Socket::from(copy(number)?);
    let listens = socket.r#type().is_ok_and(|kind| kind == Type::STREAM)
        && socket.is_listener().unwrap_or_default();
    if !listens {
        let why = "it is no socket that listens for connections";
        return Err(io::Error::new(ErrorKind::InvalidInput, why));
    }
    // Kept open under its old number, it would keep the port when the server has closed it.
    nix::unistd::close(number)?;
    Ok(socket)
}

/// The number comes from outside, so nothing is assumed about it: the descriptor is sent through a
/// socket to ourselves, which fails where there is none.
fn copy(number: RawFd) -> io::Result<OwnedFd> {
    let (sender, receiver) = socketpair(
        AddressFamily::UNIX,
        SocketType::DGRAM,
        SocketFlags::empty(),
        None,
    )?;
    sendmsg::<UnixAddr>(
        sender.as_raw_fd(),
        &[IoSlice::new(b"x")],
        &[ControlMessage::ScmRights(&[number])],
        MsgFlags::empty(),
        None,
    )?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(
        &receiver,
        &mut [IoSliceMut::new(&mut byte)],
        &mut control,
        RecvFlags::empty(),
    )?;
    let taken = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let taken = taken.ok_or_else(|| io::Error::other("the descriptor did not arrive"))?;
    rustix::io::fcntl_setfd(&taken, rustix::io::FdFlags::CLOEXEC)?;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::IntoRawFd as _;

    #[test]
    fn a_listener_is_taken_by_its_number() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let taken = TcpListener::from(take(listener.into_raw_fd()).unwrap());
        let _client = TcpStream::connect(address).unwrap();
        taken.accept().unwrap();
    }

    #[test]
    fn what_does_not_listen_is_refused_and_stays_open() {
        let (mut reader, writer) = io::pipe().unwrap();
        let number = writer.as_raw_fd();
        let error = take(number).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        // It is closed here, and not before.
        drop(writer);
        assert_eq!(io::Read::read(&mut reader, &mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_number_without_a_descriptor_is_an_error() {
        let error = take(9_999).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    }
}
