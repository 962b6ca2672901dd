//! The supervisor's own log lines, on standard error: text on a terminal, JSON elsewhere.

use std::io::{self, IsTerminal as _};
use std::time::SystemTime;

use serde_json::{Map, Value as Json, json};

use super::Supervisor;
use super::records;
use super::worker::Worker;
use crate::config::types::{LogFormat, LogLevel};
use crate::serve::access::Stamp;

/// Where and what is logged.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    json: bool,
    least: u8,
}

impl Log {
    /// A log in the configured form.
    #[must_use]
    pub fn new(format: LogFormat, level: LogLevel) -> Self {
        let json = match format {
            LogFormat::Json => true,
            LogFormat::Text => false,
            LogFormat::Auto => !io::stderr().is_terminal(),
        };
        Self {
            json,
            least: rank(level),
        }
    }

    /// Whether lines are JSON objects.
    #[must_use]
    pub fn is_json(self) -> bool {
        self.json
    }

    /// Logs an event: `event` names it for programs, `message` for people.
    pub fn write(self, level: LogLevel, event: &str, message: &str, fields: Map<String, Json>) {
        if rank(level) < self.least {
            return;
        }
        let line = self.line(level, event, message, fields, &now());
        records::write_error(line.as_bytes(), self.json);
    }

    fn line(
        self,
        level: LogLevel,
        event: &str,
        message: &str,
        fields: Map<String, Json>,
        now: &str,
    ) -> String {
        if !self.json {
            let message = one_line(message);
            return format!("{now} {:<8} {message}\n", level.as_str());
        }
        let mut object = Map::new();
        object.insert("timestamp".into(), now.into());
        object.insert("level".into(), level.as_str().into());
        object.insert("event".into(), event.into());
        object.insert("message".into(), message.into());
        object.extend(fields);
        format!("{}\n", Json::Object(object))
    }
}

/// The line that tells of records that were lost.
pub(super) fn lost_line(json: bool, count: u64) -> String {
    let message = format!("{count} records of the log were lost: standard error did not take them");
    Log { json, least: 0 }.line(LogLevel::Warning, "log_lost", &message, Map::new(), &now())
}

fn now() -> String {
    let mut text = Vec::new();
    Stamp::default().append(SystemTime::now(), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// A worker's text cannot make a second line or drive the terminal.
fn one_line(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let escaped = character.is_control();
            escaped
                .then(|| character.escape_default())
                .into_iter()
                .flatten()
                .chain((!escaped).then_some(character))
        })
        .collect()
}

fn rank(level: LogLevel) -> u8 {
    match level {
        LogLevel::Debug => 0,
        LogLevel::Info => 1,
        LogLevel::Warning => 2,
        LogLevel::Error => 3,
        LogLevel::Critical => 4,
    }
}

impl Supervisor<'_> {
    /// What the life of workers is worth.
    pub(super) fn life(&self) -> LogLevel {
        if self.launch.config.lifecycle_logging {
            LogLevel::Info
        } else {
            LogLevel::Debug
        }
    }

    pub(super) fn tell(&self, level: LogLevel, event: &str, message: &str) {
        self.log.write(level, event, message, Map::new());
    }

    pub(super) fn say(&self, level: LogLevel, event: &str, message: &str, worker: &Worker) {
        let pid = worker.pid.as_raw_nonzero();
        let mut fields = Map::new();
        fields.insert("worker_id".into(), json!(worker.slot));
        fields.insert("pid".into(), json!(pid));
        fields.insert("generation".into(), Json::from(worker.generation));
        let message = format!("worker {} (pid {pid}) {message}", worker.slot);
        self.log.write(level, event, &message, fields);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line() {
        let text = Log {
            json: false,
            least: 0,
        };
        let line = text.line(LogLevel::Error, "e", "a\nb\u{1b}[2J", Map::new(), "T");
        assert_eq!(line, "T error    a\\nb\\u{1b}[2J\n");
        let json = Log {
            json: true,
            least: 0,
        };
        let mut fields = Map::new();
        fields.insert("pid".into(), 4.into());
        let line = json.line(LogLevel::Info, "up", "a\nb", fields, "T");
        assert_eq!(
            line,
            "{\"timestamp\":\"T\",\"level\":\"info\",\"event\":\"up\",\"message\":\"a\\nb\",\"pid\":4}\n"
        );
    }

    #[test]
    fn levels_stand_in_order() {
        let order = [
            LogLevel::Debug,
            LogLevel::Info,
            LogLevel::Warning,
            LogLevel::Error,
            LogLevel::Critical,
        ];
        assert!(order.windows(2).all(|pair| rank(pair[0]) < rank(pair[1])));
    }
}
