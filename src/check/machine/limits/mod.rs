//! How much of the machine the server may use: CPUs, memory, open files, and as whom it runs.

mod cgroup;
mod container;

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use container::ContainerSign;

/// What limits a process started here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LimitFacts {
    /// CPUs and CPU time.
    pub cpu: CpuFacts,
    /// Memory.
    pub memory: MemoryFacts,
    /// Open files; `None` where the system has no such limit.
    pub open_files: Option<OpenFiles>,
    /// Our effective user id; `None` on Windows.
    pub uid: Option<u32>,
    /// What shows that this is a container, if anything does.
    pub container: Option<ContainerSign>,
}

/// CPUs as the scheduler would give them to us.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CpuFacts {
    /// CPUs that we may run on (the affinity mask); at least 1.
    pub schedulable: usize,
    /// CPUs' worth of time that the cgroup grants, `1.5`; `None` without a quota.
    pub quota: Option<f64>,
}

impl CpuFacts {
    /// The smaller of the two, in CPUs.
    #[must_use]
    pub fn available(&self) -> f64 {
        // A count of CPUs is far below the integers that an f64 cannot hold.
        let schedulable = u32::try_from(self.schedulable.max(1)).map_or(f64::MAX, f64::from);
        self.quota
            .map_or(schedulable, |quota| quota.min(schedulable))
    }

    /// As many workers as keep the CPUs busy: [`CpuFacts::available`] rounded up, at least 1.
    #[must_use]
    pub fn workers(&self) -> usize {
        let schedulable = self.schedulable.max(1);
        let wanted = self.available().ceil();
        (1..schedulable)
            .find(|count| u32::try_from(*count).is_ok_and(|count| f64::from(count) >= wanted))
            .unwrap_or(schedulable)
    }
}

/// Memory, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryFacts {
    /// What the machine has; `None` where that cannot be seen.
    pub machine: Option<u64>,
    /// The limit of our cgroup or of one above it, the smallest; `None` without one.
    pub cgroup: Option<u64>,
}

impl MemoryFacts {
    /// The smaller of the two, in bytes.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        [self.machine, self.cgroup].into_iter().flatten().min()
    }
}

/// Limits on open files (`ulimit -n`); `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFiles {
    /// The limit in force.
    pub soft: Option<u64>,
    /// How far a process may raise it by itself.
    pub hard: Option<u64>,
}

/// Looks at the limits of this process, which one started from here inherits.
#[must_use]
pub fn examine() -> LimitFacts {
    let root = Path::new("/");
    let cgroup = cgroup::examine(root);
    LimitFacts {
        cpu: CpuFacts {
            schedulable: schedulable(),
            quota: cgroup.cpus,
        },
        memory: MemoryFacts {
            machine: machine_memory(root),
            cgroup: cgroup.memory,
        },
        open_files: open_files(),
        uid: uid(),
        container: container::examine(root),
    }
}

#[cfg(target_os = "linux")]
fn schedulable() -> usize {
    rustix::thread::sched_getaffinity(None)
        .ok()
        .and_then(|set| usize::try_from(set.count()).ok())
        .filter(|count| *count > 0)
        .unwrap_or_else(counted)
}

#[cfg(not(target_os = "linux"))]
fn schedulable() -> usize {
    counted()
}

fn counted() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

fn machine_memory(root: &Path) -> Option<u64> {
    meminfo_total(&fs::read_to_string(root.join("proc/meminfo")).ok()?)
}

/// `MemTotal:  16384000 kB`, in bytes.
fn meminfo_total(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(unix)]
fn open_files() -> Option<OpenFiles> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    Some(OpenFiles {
        soft: limit.current,
        hard: limit.maximum,
    })
}

#[cfg(not(unix))]
fn open_files() -> Option<OpenFiles> {
    None
}

#[cfg(unix)]
fn uid() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn uid() -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_limit_counts() {
        let cpu = CpuFacts {
            schedulable: 4,
            quota: Some(1.5),
        };
        assert!((cpu.available() - 1.5).abs() < f64::EPSILON);
        assert_eq!(cpu.workers(), 2);
        assert_eq!(
            CpuFacts {
                schedulable: 4,
                quota: None
            }
            .workers(),
            4
        );
        assert_eq!(
            CpuFacts {
                schedulable: 4,
                quota: Some(64.0)
            }
            .workers(),
            4
        );
        assert_eq!(
            CpuFacts {
                schedulable: 4,
                quota: Some(0.1)
            }
            .workers(),
            1
        );
        assert_eq!(CpuFacts::default().workers(), 1);
        assert_eq!(
            MemoryFacts {
                machine: Some(8),
                cgroup: Some(2)
            }
            .limit(),
            Some(2)
        );
        assert_eq!(
            MemoryFacts {
                machine: Some(8),
                cgroup: None
            }
            .limit(),
            Some(8)
        );
        assert_eq!(MemoryFacts::default().limit(), None);
    }

    #[test]
    fn memory_of_the_machine_is_in_bytes() {
        assert_eq!(
            meminfo_total("MemTotal:       2048 kB\nMemFree: 1 kB\n"),
            Some(2_097_152)
        );
        assert_eq!(meminfo_total("MemFree: 1 kB\n"), None);
        assert_eq!(meminfo_total("MemTotal: many kB\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_has_limits() {
        let facts = examine();
        assert!(facts.cpu.schedulable >= 1);
        assert!(facts.memory.machine.is_some_and(|bytes| bytes > 1 << 20));
        assert!(
            facts
                .open_files
                .is_some_and(|files| files.soft.is_none_or(|soft| soft > 0))
        );
    }
}
