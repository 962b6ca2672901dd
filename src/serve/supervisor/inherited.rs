//! Sockets that whoever started the server opened: `--fd`, and systemd's socket activation.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType,
    recvmsg, socketpair,
};

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

/// Takes a descriptor over by its number; the number is closed.
///
/// The number comes from outside, so nothing is assumed about it: the descriptor is sent through a
/// socket to ourselves, which fails where there is none.
///
/// # Errors
/// `EBADF` where no descriptor has that number.
pub(super) fn take(number: RawFd) -> io::Result<OwnedFd> {
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
    // Kept open under its old number, it would keep the port when the server has closed it.
    nix::unistd::close(number)?;
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
    fn a_number_without_a_descriptor_is_an_error() {
        let error = take(9_999).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    }
}
