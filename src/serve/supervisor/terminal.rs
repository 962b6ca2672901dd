//! The terminal that the server was started from, and what SIGHUP means.
//!
//! A terminal that closes sends SIGHUP, so does a shell that ends, and so do people who want a reload. The
//! signal does not say which it was; but in the first two cases the terminal is gone at about the same
//! time, a little before the signal or a little after it.

use std::fs::File;
use std::time::{Duration, Instant};

use signal_hook::consts::SIGHUP;

/// Signal and loss of the terminal that are no further apart belong together.
const TOGETHER: Duration = Duration::from_secs(3);

/// What a SIGHUP, or its absence, means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hangup {
    /// Nothing.
    None,
    /// Somebody wants a reload.
    Asked,
    /// The terminal has closed: the server was started from there and ends with it.
    Closed,
}

/// The controlling terminal.
#[derive(Debug)]
pub(super) struct Terminal {
    /// Whether it was there at the last look.
    present: bool,
    lost: Option<Instant>,
    asked: Option<Instant>,
}

impl Terminal {
    /// The terminal of this process. Started by nohup, which has SIGHUP ignored, its end is nothing to us.
    pub(super) fn look() -> Self {
        Self::new(exists() && !hangup_ignored())
    }

    fn new(present: bool) -> Self {
        Self {
            present,
            lost: None,
            asked: None,
        }
    }

    /// What it means that SIGHUP has come, or has not.
    pub(super) fn hangup(&mut self, came: bool, now: Instant) -> Hangup {
        let exists = self.present && exists();
        self.judge(came, exists, now)
    }

    fn judge(&mut self, came: bool, exists: bool, now: Instant) -> Hangup {
        if std::mem::replace(&mut self.present, exists) && !exists {
            self.lost = Some(now);
        }
        let recent =
            |at: Option<Instant>| at.is_some_and(|at| now.saturating_duration_since(at) < TOGETHER);
        if came {
            if recent(self.lost) {
                return Hangup::Closed;
            }
            self.asked = Some(now);
            return Hangup::Asked;
        }
        if self.lost == Some(now) && recent(self.asked) {
            return Hangup::Closed;
        }
        Hangup::None
    }
}

fn exists() -> bool {
    File::open("/dev/tty").is_ok()
}

fn hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (SIGHUP - 1)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_signal_with_the_loss_of_the_terminal_is_its_end() {
        let now = Instant::now();
        let mut terminal = Terminal::new(true);
        assert_eq!(terminal.judge(false, true, now), Hangup::None);
        assert_eq!(terminal.judge(true, false, now), Hangup::Closed);
        let mut before = Terminal::new(true);
        assert_eq!(before.judge(false, false, now), Hangup::None);
        assert_eq!(before.judge(true, false, now + SECOND), Hangup::Closed);
        // A shell hands the signal on while it still has the terminal.
        let mut after = Terminal::new(true);
        assert_eq!(after.judge(true, true, now), Hangup::Asked);
        assert_eq!(after.judge(false, false, now + SECOND), Hangup::Closed);
    }

    #[test]
    fn any_other_signal_asks_for_a_reload() {
        let now = Instant::now();
        let mut without = Terminal::new(false);
        assert_eq!(without.judge(true, false, now), Hangup::Asked);
        assert_eq!(without.judge(false, false, now), Hangup::None);
        let mut with = Terminal::new(true);
        assert_eq!(with.judge(true, true, now), Hangup::Asked);
        // In the background a server outlives its terminal, and reloads later.
        assert_eq!(with.judge(false, false, now + TOGETHER), Hangup::None);
        assert_eq!(with.judge(true, false, now + 2 * TOGETHER), Hangup::Asked);
    }
}
