//! When it pays to look again at once, rather than to wait for the kernel's call.
//!
//! A thread that waits is put to sleep and woken again. On a virtual machine that takes several times
//! the CPU time of a small request, and more latency still. So where events have followed each other
//! closely, as they do with a few clients that ask without a pause, the loop around the reactor is asked
//! to come by again without waiting; everything else in it has its turn each time. It is a bet: it is
//! made after a row of prompt turns only, is over after [`LIMIT`], and each one lost doubles the row that
//! the next one takes, so that a load with gaps pays next to nothing for it.

use std::time::{Duration, Instant};

/// How long nothing may come: a client that was asleep has woken and asked again by then.
const LIMIT: Duration = Duration::from_micros(100);
/// Turns that begin so soon after each other are prompt: the limit, a wake-up and the work between them.
const PROMPT: Duration = Duration::from_micros(250);
/// Prompt turns in a row before the first bet, and after it has long been won.
const ROW: u32 = 8;
/// The longest row that is asked for.
const LONGEST_ROW: u32 = 4096;
/// Bets won in a row until those that were lost are forgotten.
const FORGIVEN: u32 = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bet {
    Off,
    /// The next turn comes without waiting.
    On,
    /// It has come, and since then nothing was to be done.
    Since(Instant),
}

/// The bets of one reactor.
#[derive(Debug)]
pub(super) struct Linger {
    /// When the last turn began that had something to do.
    last: Option<Instant>,
    /// Prompt turns in a row, and how many it takes.
    prompt: u32,
    needed: u32,
    /// Bets won since the last one that was lost.
    won: u32,
    bet: Bet,
}

impl Linger {
    pub(super) fn new() -> Self {
        Self {
            last: None,
            prompt: 0,
            needed: ROW,
            won: 0,
            bet: Bet::Off,
        }
    }

    /// Takes note of a turn that began `now`, and whether it had anything to do. True where the next
    /// one should come without waiting.
    pub(super) fn after(&mut self, now: Instant, worked: bool) -> bool {
        if worked {
            self.worked(now);
        } else {
            self.idle(now);
        }
        self.bet != Bet::Off
    }

    fn worked(&mut self, now: Instant) {
        let last = self.last.replace(now);
        let prompt = last.is_some_and(|last| now.duration_since(last) < PROMPT);
        self.prompt = if prompt {
            self.prompt.saturating_add(1)
        } else {
            0
        };
        if let Bet::Since(_) = self.bet {
            self.won += 1;
            if self.won >= FORGIVEN {
                self.needed = ROW;
            }
        }
        self.bet = if self.prompt >= self.needed {
            Bet::On
        } else {
            Bet::Off
        };
    }

    fn idle(&mut self, now: Instant) {
        match self.bet {
            Bet::On => self.bet = Bet::Since(now),
            Bet::Since(since) if now.duration_since(since) >= LIMIT => {
                self.bet = Bet::Off;
                self.prompt = 0;
                self.won = 0;
                self.needed = (self.needed * 2).min(LONGEST_ROW);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn us(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    /// Turns with something to do, so far apart, with looks in between while the bet is on; how many
    /// looks found nothing.
    fn events(linger: &mut Linger, now: &mut Instant, apart: Duration, count: u32) -> u32 {
        let mut looks = 0;
        for _ in 0..count {
            let next = *now + apart;
            let mut on = linger.after(*now, true);
            while on && *now + us(5) < next {
                *now += us(5);
                on = linger.after(*now, false);
                looks += 1;
            }
            *now = next;
        }
        looks
    }

    #[test]
    fn it_is_on_once_events_have_been_prompt() {
        let (mut linger, mut now) = (Linger::new(), Instant::now());
        assert_eq!(events(&mut linger, &mut now, us(30), ROW), 0);
        assert!(linger.after(now, true));
        assert!(linger.after(now + us(10), false));
        assert!(linger.after(now + us(20), true));
    }

    #[test]
    fn it_ends_where_nothing_comes() {
        let (mut linger, mut now) = (Linger::new(), Instant::now());
        events(&mut linger, &mut now, us(30), ROW + 1);
        assert!(linger.after(now, true));
        assert!(linger.after(now + us(10), false));
        assert!(linger.after(now + us(100), false));
        assert!(!linger.after(now + us(110), false));
        assert!(!linger.after(now + us(120), false));
    }

    #[test]
    fn events_with_pauses_never_have_it_on() {
        let (mut linger, mut now) = (Linger::new(), Instant::now());
        assert_eq!(events(&mut linger, &mut now, us(400), 10_000), 0);
    }

    #[test]
    fn bets_that_are_lost_become_rare() {
        let (mut linger, mut now) = (Linger::new(), Instant::now());
        // Prompt, and yet always after the limit.
        let looks = events(&mut linger, &mut now, us(150), 100_000);
        assert!(looks < 1_000, "{looks}");
    }

    #[test]
    fn lost_bets_are_forgotten_when_many_are_won() {
        let (mut linger, mut now) = (Linger::new(), Instant::now());
        events(&mut linger, &mut now, us(150), 1_000);
        assert!(linger.needed > ROW);
        events(&mut linger, &mut now, us(30), 10_000);
        assert_eq!(linger.needed, ROW);
    }
}
