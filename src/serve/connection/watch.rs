//! The one timer of a connection.

use std::task::Context;
use std::time::Instant;

use crate::serve::reactor::{Handle, Sleep};

/// A deadline that moves with every request while its timer stays where it is: a timer that goes off
/// too early is set anew, so the common case touches no timer at all.
#[derive(Default)]
pub(super) struct Watch(Option<Sleep>);

impl Watch {
    /// Has the task woken at `deadline` at the latest. It may be woken earlier, and then calls again.
    pub(super) fn set(&mut self, handle: &Handle, deadline: Instant, cx: &mut Context<'_>) {
        let sleep = match &mut self.0 {
            Some(sleep) if sleep.deadline() > handle.now() && sleep.deadline() <= deadline => {
                return;
            }
            Some(sleep) => {
                sleep.reset(deadline);
                sleep
            }
            none => none.insert(handle.sleep_until(deadline)),
        };
        sleep.arm(cx.waker());
    }
}
