//! The limit of open descriptors, raised for a program whose connections are descriptors.

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
