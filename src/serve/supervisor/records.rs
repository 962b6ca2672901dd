//! Records on their way to standard error, which may take none for now: the lost ones are counted and told.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::log;
use crate::serve::output::Output;

/// What became of the records before.
static PAST: Mutex<Past> = Mutex::new(Past {
    lost: 0,
    is_cut: false,
});

struct Past {
    /// Records that were lost and not told of; with any, the last one was.
    lost: u64,
    /// A part of a record was written, and its end was not.
    is_cut: bool,
}

/// Time that standard error has to take a record: a burst of them fills a pipe that is read. Once one is
/// lost, nothing is waited for until one gets through again, for the wait is everybody's.
const PATIENCE: Duration = Duration::from_millis(100);

/// Writes records, each with its line end, to standard error. What that does not take in a short time is
/// lost; when records get through again, a line tells how many: an object with `json`.
pub fn write_error(records: &[u8], json: bool) {
    let mut output = Output::new(io::stderr());
    let mut past = PAST.lock().unwrap_or_else(PoisonError::into_inner);
    past.write(&mut output, records, PATIENCE, json);
}

impl Past {
    fn write<S: AsFd + Write>(
        &mut self,
        output: &mut Output<S>,
        records: &[u8],
        patience: Duration,
        json: bool,
    ) {
        let patience = if self.lost == 0 {
            patience
        } else {
            Duration::ZERO
        };
        if !self.put(output, records, patience) {
            self.lost += 1;
            return;
        }
        if self.lost > 0 && self.put(output, log::lost_line(json, self.lost).as_bytes(), patience) {
            self.lost = 0;
        }
    }

    /// Whether all of it was written, in a line of its own.
    fn put<S: AsFd + Write>(
        &mut self,
        output: &mut Output<S>,
        bytes: &[u8],
        patience: Duration,
    ) -> bool {
        if self.is_cut && output.write_within(b"\n", patience).is_err() {
            return false;
        }
        let result = output.write_within(bytes, patience);
        self.is_cut = result.as_ref().is_err_and(|failure| failure.written > 0);
        result.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, PipeWriter, Read as _};

    use super::*;

    const NONE: Past = Past {
        lost: 0,
        is_cut: false,
    };

    /// A pipe that takes nothing, and how much it holds.
    fn full() -> (PipeReader, Output<PipeWriter>, usize) {
        let (reader, writer) = io::pipe().unwrap();
        let mut output = Output::new(writer);
        let page = [b'\n'; 4096];
        let mut held = 0;
        while output.write_within(&page, Duration::ZERO).is_ok() {
            held += page.len();
        }
        (reader, output, held)
    }

    fn read(reader: &mut PipeReader, count: usize) {
        reader.read_exact(&mut vec![0; count]).unwrap();
    }

    #[test]
    fn lost_records_are_told_and_leave_no_empty_line() {
        let (mut reader, mut output, held) = full();
        let mut past = NONE;
        for _ in 0..3 {
            past.write(&mut output, b"{}\n", Duration::ZERO, true);
        }
        read(&mut reader, held);
        past.write(&mut output, b"{\"a\":1}\n", Duration::ZERO, true);
        past.write(&mut output, b"{\"a\":2}\n", Duration::ZERO, true);
        drop(output);
        let text = io::read_to_string(reader).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            (lines.len(), &lines[0]["a"], &lines[2]["a"]),
            (3, &1.into(), &2.into())
        );
        assert_eq!(lines[1]["event"], "log_lost");
        let message = lines[1]["message"].as_str().unwrap();
        assert!(message.starts_with("3 records "), "{message}");
    }

    #[test]
    fn what_follows_a_record_that_was_cut_has_a_line_of_its_own() {
        let (mut reader, mut output, held) = full();
        read(&mut reader, 4096);
        let mut past = NONE;
        let long = [[b'x'; 9000].as_slice(), b"\n"].concat();
        past.write(&mut output, &long, Duration::ZERO, false);
        past.write(&mut output, b"lost\n", Duration::ZERO, false);
        read(&mut reader, held - 4096);
        past.write(&mut output, b"next\n", Duration::ZERO, false);
        drop(output);
        let text = io::read_to_string(reader).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "x".repeat(4096));
        assert_eq!((lines[1], lines.len()), ("next", 3));
        assert!(lines[2].contains(" warning  2 records of the log were lost"));
    }

    #[test]
    fn only_the_first_loss_is_waited_for() {
        // A wait would be longer than a test may last.
        let (reader, mut output, _) = full();
        let mut past = Past {
            lost: 1,
            is_cut: false,
        };
        past.write(&mut output, b"lost\n", Duration::from_secs(3600), false);
        assert_eq!(past.lost, 2);
        drop(reader);
    }
}
