//! When a crashed worker is replaced, and when that is hopeless.

use std::time::{Duration, Instant};

/// A worker that lived this long has got over what killed its predecessors.
const RECOVERED: Duration = Duration::from_secs(10);
/// Pauses before the replacements; a crash after the last one is a loop.
const PAUSES: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// Crashes of one slot's workers in a row.
#[derive(Debug, Clone, Default)]
pub(super) struct Crashes {
    row: usize,
}

impl Crashes {
    /// Counts a crash of a worker that lived from `started` to `now`. Gives the pause before its
    /// replacement; `None` where the row has become a loop.
    pub(super) fn count(&mut self, started: Instant, now: Instant) -> Option<Duration> {
        if now.saturating_duration_since(started) >= RECOVERED {
            self.row = 0;
        }
        self.row += 1;
        PAUSES.get(self.row - 1).copied()
    }

    /// Crashes so far in this row.
    pub(super) fn row(&self) -> usize {
        self.row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_crashes_are_a_loop_and_late_ones_are_not() {
        let now = Instant::now();
        let mut crashes = Crashes::default();
        let pauses: Vec<_> = (0..6).map(|_| crashes.count(now, now)).collect();
        assert_eq!(pauses[0], Some(Duration::ZERO));
        assert!(pauses[..5].is_sorted() && pauses[..5].iter().all(Option::is_some));
        assert_eq!(pauses[5], None);
        assert_eq!(crashes.row(), 6);
        assert_eq!(crashes.count(now, now + RECOVERED), Some(Duration::ZERO));
    }
}
