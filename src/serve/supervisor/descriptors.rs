//! The descriptors of the process: how many it may have, and that the first three are what they are
//! taken for.

use rustix::fd::IntoRawFd as _;
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors beyond which a larger limit has no use, and slows down programs that close them all.
const MOST_DESCRIPTORS: u64 = 1 << 20;

/// Every connection is a descriptor, and the usual soft limit was made for programs with few.
pub(super) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit
        .maximum
        .map_or(MOST_DESCRIPTORS, |hard| hard.min(MOST_DESCRIPTORS));
    if limit.current.is_some_and(|soft| soft < wanted) {
        let raised = Rlimit {
            current: Some(wanted),
            maximum: limit.maximum,
        };
        // The limit that stays is judged by the preflight.
        let _ = setrlimit(Resource::Nofile, raised);
    }
}

/// Opens the null device as standard input, output and error where the process was started without. A
/// socket would get their numbers otherwise: logs would be written to it, and libuv refuses to close it.
pub fn open_standard() {
    // Workers inherit them.
    while let Ok(descriptor) = open("/dev/null", OFlags::RDWR, Mode::empty()) {
        let lowest = std::os::fd::AsRawFd::as_raw_fd(&descriptor);
        if lowest > 2 {
            break;
        }
        // It stays open.
        let _ = descriptor.into_raw_fd();
    }
}
