//! Workers that have ended: noticed, told, and replaced where nobody asked them to.

use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitOptions, WaitStatus};

use super::ending::{self, Failure};
use super::worker::Worker;
use super::{Stage, Supervisor};
use crate::config::types::LogLevel;

impl Supervisor<'_> {
    /// Notes which children have ended.
    pub(super) fn reap(&mut self) {
        // As the first process of a container we are everybody's parent. Otherwise children that are
        // not ours (pounce.run() in somebody's program) are left for those who wait for them.
        if std::process::id() == 1 {
            while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
                self.ended(pid, status);
            }
            return;
        }
        for worker in &mut self.workers {
            if let Ok(Some((_, status))) =
                rustix::process::waitpid(Some(worker.pid), WaitOptions::NOHANG)
            {
                worker.status = Some(status);
            }
        }
    }

    fn ended(&mut self, pid: Pid, status: WaitStatus) {
        let worker = self.workers.iter_mut().find(|worker| worker.pid == pid);
        if let Some(worker) = worker {
            worker.status = Some(status);
        }
    }

    /// Draws the consequences of every end that was noted.
    pub(super) fn bury(&mut self, now: Instant) {
        let mut index = 0;
        while index < self.workers.len() {
            if self.workers[index].status.is_none() {
                index += 1;
                continue;
            }
            let mut worker = self.workers.remove(index);
            // What it said last may have come after the look at its report.
            worker.listen(now);
            self.mourn(&worker, now);
        }
    }

    fn mourn(&mut self, worker: &Worker, now: Instant) {
        let how = ending::describe(worker.status);
        if worker.dismissed || matches!(self.stage, Stage::Stopping(_)) {
            if worker.broke_down() {
                let message = format!("{how} while it was to finish");
                self.say(LogLevel::Warning, "worker_crashed", &message, worker);
            } else {
                let asked = worker.status.and_then(WaitStatus::exit_status) == Some(0);
                let how = if asked { "ended" } else { &how };
                self.say(self.life(), "worker_ended", how, worker);
            }
            return;
        }
        let why = worker.reason().unwrap_or_else(|| how.clone());
        match self.stage {
            Stage::Launching => {
                let code = worker.status.and_then(WaitStatus::exit_status);
                let failure = Failure::NotUp {
                    slot: worker.slot,
                    why,
                    code,
                };
                self.stop(Err(failure), now);
            }
            Stage::Reloading if worker.generation == self.newest => self.keep_old(&why, now),
            _ => self.crashed(worker, &why, now),
        }
    }

    fn crashed(&mut self, worker: &Worker, why: &str, now: Instant) {
        let slot = &mut self.slots[worker.slot];
        match slot.crashes.count(worker.started, now) {
            Some(pause) => {
                slot.refill = Some(now + pause);
                let next = match pause {
                    Duration::ZERO => "starting another".to_owned(),
                    pause => format!("starting another in {} s", pause.as_secs_f64()),
                };
                let message = format!("{why}; {next}");
                self.say(LogLevel::Error, "worker_crashed", &message, worker);
            }
            None => {
                let times = slot.crashes.row();
                self.say(LogLevel::Error, "worker_crashed", why, worker);
                let failure = Failure::CrashLoop {
                    slot: worker.slot,
                    times,
                    why: why.to_owned(),
                };
                self.stop(Err(failure), now);
            }
        }
    }
}
