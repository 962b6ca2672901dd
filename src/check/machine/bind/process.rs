//! Processes that hold a socket, as far as we may look at them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Who holds a socket that is in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Where it listens: `127.0.0.1:8000`, `[::]:8000`, or the path of a Unix socket.
    pub address: String,
    /// Whether it listens; otherwise the port is the local end of a connection.
    pub listening: bool,
    /// The user that owns the socket.
    pub uid: Option<u32>,
    /// That user's name, where the machine knows it.
    pub user: Option<String>,
    /// The processes that have it open, parents before their children. Empty where we may not look
    /// (another user's process, or one outside our container).
    pub processes: Vec<Process>,
}

impl Holder {
    /// Whether a server of this project holds the socket.
    #[must_use]
    pub fn is_pounce(&self) -> bool {
        self.processes.iter().any(|process| process.is_pounce)
    }
}

/// One process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its parent's id.
    pub parent: Option<u32>,
    /// Name of the program, `python3`.
    pub program: String,
    /// First words of its command line, without options: those may carry secrets.
    pub command: Vec<String>,
    /// The script it runs, absolute, where it is an interpreter with a script.
    pub script: Option<PathBuf>,
    /// Its working directory, where we may see it.
    pub folder: Option<PathBuf>,
    /// The user it runs as.
    pub uid: Option<u32>,
    /// Whether it is a server of this project, by its command line.
    pub is_pounce: bool,
}

#[cfg(target_os = "linux")]
pub(super) use linux::holding;

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::Path;

    use super::super::command;
    use super::Process;

    /// Finds the processes that have one of these sockets open, by the inode of the socket.
    pub(in super::super) fn holding(inodes: &BTreeSet<u64>) -> BTreeMap<u64, Vec<Process>> {
        let mut found: BTreeMap<u64, Vec<Process>> = BTreeMap::new();
        let Ok(entries) = fs::read_dir("/proc") else {
            return found;
        };
        for entry in entries.flatten() {
            let Some(pid) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            let Ok(descriptors) = fs::read_dir(entry.path().join("fd")) else {
                continue;
            };
            let open: BTreeSet<u64> = descriptors
                .flatten()
                .filter_map(|each| fs::read_link(each.path()).ok())
                .filter_map(|target| socket_inode(&target))
                .filter(|inode| inodes.contains(inode))
                .collect();
            if open.is_empty() {
                continue;
            }
            let Some(process) = describe(pid) else {
                continue;
            };
            for inode in open {
                found.entry(inode).or_default().push(process.clone());
            }
        }
        for processes in found.values_mut() {
            parents_first(processes);
        }
        found
    }

    fn socket_inode(target: &Path) -> Option<u64> {
        target
            .to_str()?
            .strip_prefix("socket:[")?
            .strip_suffix(']')?
            .parse()
            .ok()
    }

    /// What is to be seen of a process; `None` when it is gone.
    fn describe(pid: u32) -> Option<Process> {
        let root = Path::new("/proc").join(pid.to_string());
        let status = fs::read_to_string(root.join("status")).ok()?;
        let line = fs::read(root.join("cmdline")).unwrap_or_default();
        let arguments: Vec<String> = line
            .split(|byte| *byte == 0)
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        // The kernel ends each word with a zero byte, so the last piece is empty.
        let arguments = arguments
            .strip_suffix(&[String::new()])
            .unwrap_or(&arguments);
        let folder = fs::read_link(root.join("cwd")).ok();
        let program = match arguments.first() {
            Some(word) if !word.is_empty() => command::base(word).to_owned(),
            _ => field(&status, "Name:").unwrap_or_default().to_owned(),
        };
        Some(Process {
            pid,
            parent: field(&status, "PPid:").and_then(|text| text.parse().ok()),
            program,
            command: command::headline(arguments),
            script: command::script(arguments, folder.as_deref()),
            folder,
            // Real, effective, saved and file system user, in this order.
            uid: field(&status, "Uid:")
                .and_then(|text| text.split_whitespace().nth(1))
                .and_then(|text| text.parse().ok()),
            is_pounce: command::is_pounce(arguments),
        })
    }

    fn field<'text>(status: &'text str, name: &str) -> Option<&'text str> {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    }

    /// A supervisor before its workers: those whose parent is not among them come first.
    fn parents_first(processes: &mut [Process]) {
        let pids: BTreeSet<u32> = processes.iter().map(|process| process.pid).collect();
        processes.sort_by_key(|process| {
            (
                process.parent.is_some_and(|parent| pids.contains(&parent)),
                process.pid,
            )
        });
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn our_own_process_is_described() {
            let own = describe(std::process::id()).unwrap();
            assert!(own.command[0].ends_with(&own.program));
            assert_eq!(own.folder, std::env::current_dir().ok());
            assert!(!own.is_pounce);
            assert_eq!(own.parent, Some(std::os::unix::process::parent_id()));
        }

        #[test]
        fn parents_come_before_their_children() {
            let process = |pid, parent| Process {
                pid,
                parent: Some(parent),
                program: String::new(),
                command: Vec::new(),
                script: None,
                folder: None,
                uid: None,
                is_pounce: false,
            };
            let mut all = vec![process(5, 90), process(7, 90), process(90, 1)];
            parents_first(&mut all);
            assert_eq!(
                all.iter().map(|each| each.pid).collect::<Vec<_>>(),
                [90, 5, 7]
            );
        }

        #[test]
        fn socket_links_carry_an_inode() {
            assert_eq!(socket_inode(Path::new("socket:[4711]")), Some(4711));
            assert_eq!(socket_inode(Path::new("pipe:[4711]")), None);
        }
    }
}
