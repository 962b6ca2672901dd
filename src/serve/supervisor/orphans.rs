//! The sockets of a slot that is down: a neighbour accepts from them until a worker of the slot does.
//!
//! The supervisor holds every socket, so nothing that is queued is lost when a worker dies; but it would
//! wait until another has started. So copies of the sockets are sent to a worker that serves, and it is
//! told to close them when the slot can look after itself again. A worker whose event loop stands still
//! counts as down.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    sendmsg, socketpair,
};

use super::worker::Worker;
use super::{Stage, Supervisor};
use crate::config::types::LogLevel;

/// Sockets of one message; more come in further ones.
const SOCKETS: usize = 8;

/// The supervisor's end of a line to a worker, over which it gets sockets.
#[derive(Debug)]
pub(super) struct Control(OwnedFd);

impl Control {
    /// A line, and the worker's end of it.
    pub(super) fn open() -> io::Result<(Self, OwnedFd)> {
        // Messages keep their boundaries.
        let (ours, theirs) = socketpair(
            AddressFamily::UNIX,
            SocketType::DGRAM,
            SocketFlags::empty(),
            None,
        )?;
        for end in [&ours, &theirs] {
            rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
        }
        rustix::io::ioctl_fionbio(&ours, true)?;
        Ok((Self(ours), theirs))
    }

    /// Has the worker accept from the sockets of another slot. An error comes with whether some of them
    /// have gone nevertheless.
    fn lend<'a>(
        &self,
        slot: usize,
        sockets: impl Iterator<Item = BorrowedFd<'a>>,
    ) -> Result<(), (bool, io::Error)> {
        let sockets: Vec<_> = sockets.collect();
        for (number, some) in sockets.chunks(SOCKETS).enumerate() {
            self.lend_some(slot, some)
                .map_err(|error| (number > 0, error))?;
        }
        Ok(())
    }

    fn lend_some(&self, slot: usize, sockets: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(sockets)) {
            return Err(io::Error::other("a message has no room for its sockets"));
        }
        self.send(&format!("+{slot}"), &mut control)
    }

    /// Has the worker leave the sockets of another slot.
    fn take_back(&self, slot: usize) -> TakenBack {
        match self.send(&format!("-{slot}"), &mut SendAncillaryBuffer::default()) {
            Ok(()) => TakenBack::Told,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => TakenBack::NotYet,
            // Nobody is at its end of the line, and so nobody at the sockets.
            Err(_) => TakenBack::Gone,
        }
    }

    fn send(&self, message: &str, control: &mut SendAncillaryBuffer<'_, '_, '_>) -> io::Result<()> {
        let bytes = [IoSlice::new(message.as_bytes())];
        sendmsg(self.0.as_fd(), &bytes, control, SendFlags::empty())?;
        Ok(())
    }
}

/// Whether a worker leaves the sockets of another slot.
#[derive(Debug, PartialEq, Eq)]
enum TakenBack {
    /// It finds the message behind those that it has not read yet.
    Told,
    /// It has read so little that there is no room for the message.
    NotYet,
    /// It has ended.
    Gone,
}

impl Supervisor<'_> {
    /// Sees to it that every slot's sockets are accepted from, as long as any worker serves.
    pub(super) fn settle_orphans(&mut self) {
        if matches!(self.stage, Stage::Launching | Stage::Stopping(_)) {
            return;
        }
        for slot in 0..self.slots.len() {
            let looked_after = self
                .workers
                .iter()
                .any(|worker| worker.slot == slot && worker.serves());
            let neighbour = self.slots[slot].neighbour;
            let keeps = neighbour
                .and_then(|pid| self.workers.iter().find(|worker| worker.pid == pid))
                .map(|worker| (worker, worker.serves()));
            match keeps {
                Some((_, true)) if !looked_after => continue,
                Some((worker, serves)) if !self.take_back(slot, worker, serves && looked_after) => {
                    continue;
                }
                _ => {}
            }
            self.slots[slot].neighbour = None;
            if !looked_after {
                self.lend(slot);
            }
        }
    }

    /// Whether the worker is done with the sockets of the slot; if not, the next look tries again.
    fn take_back(&self, slot: usize, worker: &Worker, settled: bool) -> bool {
        let taken = worker.control.take_back(slot);
        if taken == TakenBack::Told && settled {
            let message = format!("leaves the sockets of slot {slot} to its own worker again");
            self.say(LogLevel::Info, "sockets_returned", &message, worker);
        }
        taken != TakenBack::NotYet
    }

    /// Gives a slot's sockets to the worker that looks after the fewest.
    fn lend(&mut self, slot: usize) {
        let Some(sockets) = &self.sockets else {
            return;
        };
        if sockets.own(slot).next().is_none() {
            return;
        }
        let load = |worker: &&Worker| {
            let cared_for = |other: &&super::Slot| other.neighbour == Some(worker.pid);
            self.slots.iter().filter(cared_for).count()
        };
        let serving = self.workers.iter().filter(|worker| worker.serves());
        let Some(worker) = serving.min_by_key(load) else {
            return;
        };
        if let Err((partly, error)) = worker.control.lend(slot, sockets.own(slot)) {
            // The next look tries again, perhaps with another, unless this one still has some of them.
            let message = format!("cannot be given the sockets of slot {slot}: {error}");
            self.say(LogLevel::Warning, "sockets_not_lent", &message, worker);
            if partly && worker.control.take_back(slot) == TakenBack::NotYet {
                self.slots[slot].neighbour = Some(worker.pid);
            }
            return;
        }
        let message = format!("accepts from the sockets of slot {slot} while that is down");
        self.say(LogLevel::Info, "sockets_lent", &message, worker);
        self.slots[slot].neighbour = Some(worker.pid);
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSliceMut;
    use std::net::TcpListener;

    use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

    use super::*;

    fn receive(end: &OwnedFd) -> (String, usize) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = [0; 32];
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let message = recvmsg(end, &mut parts, &mut control, RecvFlags::empty()).unwrap();
        let sockets = control.drain().map(|part| match part {
            RecvAncillaryMessage::ScmRights(sockets) => sockets.count(),
            _ => 0,
        });
        let sockets = sockets.sum();
        (
            String::from_utf8_lossy(&bytes[..message.bytes]).into_owned(),
            sockets,
        )
    }

    #[test]
    fn sockets_go_over_the_line_in_messages_of_some() {
        let (control, end) = Control::open().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sockets = std::iter::repeat_n(listener.as_fd(), SOCKETS + 1);
        control.lend(3, sockets).unwrap();
        assert_eq!(control.take_back(3), TakenBack::Told);
        assert_eq!(receive(&end), ("+3".to_owned(), SOCKETS));
        assert_eq!(receive(&end), ("+3".to_owned(), 1));
        assert_eq!(receive(&end), ("-3".to_owned(), 0));
    }
    #[test]
    fn a_worker_that_does_not_read_is_asked_again_and_one_that_has_ended_is_not() {
        let (control, end) = Control::open().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        while control.lend(3, std::iter::once(listener.as_fd())).is_ok() {}
        assert_eq!(control.take_back(3), TakenBack::NotYet);
        receive(&end);
        let sockets = std::iter::repeat_n(listener.as_fd(), SOCKETS + 1);
        let (partly, error) = control.lend(3, sockets).unwrap_err();
        assert_eq!((partly, error.kind()), (true, io::ErrorKind::WouldBlock));
        receive(&end);
        assert_eq!(control.take_back(3), TakenBack::Told);
        drop(end);
        assert_eq!(control.take_back(3), TakenBack::Gone);
    }
}
