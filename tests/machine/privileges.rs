//! Looking at the machine as somebody without root's rights, while the tests themselves run as root.

use std::thread;

use rustix::process::{Gid, Uid};

/// Runs `look` as user and group 65534, on a thread of its own: on Linux each thread has its own user.
pub(crate) fn as_nobody<Seen: Send>(look: impl FnOnce() -> Seen + Send) -> Seen {
    thread::scope(|scope| {
        scope
            .spawn(|| {
                let (user, group) = (Uid::from_raw(65534), Gid::from_raw(65534));
                rustix::thread::set_thread_groups(&[]).unwrap();
                rustix::thread::set_thread_res_gid(group, group, group).unwrap();
                rustix::thread::set_thread_res_uid(user, user, user).unwrap();
                look()
            })
            .join()
            .unwrap()
    })
}
