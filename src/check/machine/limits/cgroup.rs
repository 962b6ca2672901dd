//! Limits that control groups put on this process, version 1 and 2, from the group up to its root.

use std::fs;
use std::path::{Path, PathBuf};

/// What the groups above a process grant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct CgroupFacts {
    /// CPUs' worth of time; the smallest quota on the way up.
    pub(super) cpus: Option<f64>,
    /// Bytes of memory; the smallest limit on the way up.
    pub(super) memory: Option<u64>,
}

/// Version 1 spells "no limit" as the largest multiple of a page; nothing real comes near.
const UNLIMITED_V1: u64 = 1 << 60;

/// Which hierarchy a mount shows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Hierarchy {
    V2,
    /// With its controllers: `cpu`, `cpuacct`.
    V1(Vec<String>),
}

/// A mounted hierarchy.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    hierarchy: Hierarchy,
    /// The group that the mount point shows; a container often sees only its own.
    group: PathBuf,
    at: PathBuf,
}

/// Reads the limits under a root directory (`/`, or a made-up one in tests).
pub(super) fn examine(root: &Path) -> CgroupFacts {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let mounts: Vec<Mount> = read("proc/self/mountinfo")
        .lines()
        .filter_map(mount)
        .collect();
    let memberships: Vec<(Hierarchy, PathBuf)> = read("proc/self/cgroup")
        .lines()
        .filter_map(membership)
        .collect();

    let mut facts = CgroupFacts::default();
    for (hierarchy, group) in &memberships {
        for folder in folders(root, &mounts, hierarchy, group) {
            let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
            let (cpus, memory) = match hierarchy {
                Hierarchy::V2 => (
                    read("cpu.max").and_then(|text| quota_v2(&text)),
                    read("memory.max").and_then(|text| text.trim().parse().ok()),
                ),
                Hierarchy::V1(_) => (
                    quota_v1(read("cpu.cfs_quota_us"), read("cpu.cfs_period_us")),
                    read("memory.limit_in_bytes").and_then(|text| limit_v1(&text)),
                ),
            };
            facts.cpus = [facts.cpus, cpus].into_iter().flatten().reduce(f64::min);
            facts.memory = [facts.memory, memory].into_iter().flatten().min();
        }
    }
    facts
}

/// The folders of a group and of those above it, as far as they are mounted.
fn folders(root: &Path, mounts: &[Mount], hierarchy: &Hierarchy, group: &Path) -> Vec<PathBuf> {
    let Some(mount) = mounts
        .iter()
        .find(|mount| same(&mount.hierarchy, hierarchy))
    else {
        return Vec::new();
    };
    // Where the group is not below what the mount shows (a container without its own namespace that
    // has only its own group mounted), the mount point is the group.
    let below = group.strip_prefix(&mount.group).unwrap_or(Path::new(""));
    let at = mount.at.strip_prefix("/").unwrap_or(&mount.at);
    below
        .ancestors()
        .map(|part| root.join(at).join(part))
        .collect()
}

fn same(mounted: &Hierarchy, wanted: &Hierarchy) -> bool {
    match (mounted, wanted) {
        (Hierarchy::V2, Hierarchy::V2) => true,
        (Hierarchy::V1(mounted), Hierarchy::V1(wanted)) => {
            !wanted.is_empty() && wanted.iter().all(|controller| mounted.contains(controller))
        }
        _ => false,
    }
}

/// `4:memory:/group` (version 1) or `0::/group` (version 2).
fn membership(line: &str) -> Option<(Hierarchy, PathBuf)> {
    let mut columns = line.splitn(3, ':');
    let number = columns.next()?;
    let controllers = columns.next()?;
    let group = PathBuf::from(columns.next()?);
    if number == "0" && controllers.is_empty() {
        return Some((Hierarchy::V2, group));
    }
    Some((
        Hierarchy::V1(controllers.split(',').map(str::to_owned).collect()),
        group,
    ))
}

/// `id parent major:minor root mount-point options ... - type source super-options`.
fn mount(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ');
    let group = unescaped(before.nth(3)?);
    let at = unescaped(before.next()?);
    let mut after = after.split(' ');
    let hierarchy = match after.next()? {
        "cgroup2" => Hierarchy::V2,
        "cgroup" => Hierarchy::V1(after.nth(1)?.split(',').map(str::to_owned).collect()),
        _ => return None,
    };
    Some(Mount {
        hierarchy,
        group: group.into(),
        at: at.into(),
    })
}

/// The kernel writes a space in a path as `\040`.
fn unescaped(path: &str) -> String {
    path.replace("\\040", " ")
}

/// `150000 100000`: microseconds in each period, or `max`.
fn quota_v2(text: &str) -> Option<f64> {
    let mut words = text.split_whitespace();
    ratio(words.next()?, words.next()?)
}

/// The same in two files; -1 is no quota.
fn quota_v1(quota: Option<String>, period: Option<String>) -> Option<f64> {
    ratio(quota?.trim(), period?.trim())
}

fn ratio(quota: &str, period: &str) -> Option<f64> {
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (quota > 0.0 && period > 0.0).then_some(quota / period)
}

fn limit_v1(text: &str) -> Option<u64> {
    text.trim()
        .parse()
        .ok()
        .filter(|bytes| *bytes < UNLIMITED_V1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    #[test]
    fn version_2_takes_the_smallest_on_the_way_up() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, "proc/self/cgroup", "0::/web.slice/shop.service\n");
        write(
            root,
            "proc/self/mountinfo",
            "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
        );
        write(root, "sys/fs/cgroup/web.slice/cpu.max", "150000 100000\n");
        write(root, "sys/fs/cgroup/web.slice/memory.max", "max\n");
        write(
            root,
            "sys/fs/cgroup/web.slice/shop.service/cpu.max",
            "max 100000\n",
        );
        write(
            root,
            "sys/fs/cgroup/web.slice/shop.service/memory.max",
            "536870912\n",
        );
        assert_eq!(
            examine(root),
            CgroupFacts {
                cpus: Some(1.5),
                memory: Some(536_870_912)
            }
        );
    }

    #[test]
    fn version_1_has_a_hierarchy_for_each_controller() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(
            root,
            "proc/self/cgroup",
            "4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n0::/\n",
        );
        write(
            root,
            "proc/self/mountinfo",
            "1 0 0:1 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n\
             2 0 0:2 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n",
        );
        write(
            root,
            "sys/fs/cgroup/memory/memory.limit_in_bytes",
            "268435456\n",
        );
        write(
            root,
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us",
            "50000\n",
        );
        write(
            root,
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us",
            "100000\n",
        );
        assert_eq!(
            examine(root),
            CgroupFacts {
                cpus: Some(0.5),
                memory: Some(268_435_456)
            }
        );
    }

    #[test]
    fn no_limit_is_none() {
        assert_eq!(limit_v1("9223372036854771712\n"), None);
        assert_eq!(
            quota_v1(Some("-1\n".to_owned()), Some("100000\n".to_owned())),
            None
        );
        assert_eq!(quota_v2("max 100000\n"), None);
        assert_eq!(quota_v2(""), None);
        let root = tempfile::tempdir().unwrap();
        assert_eq!(examine(root.path()), CgroupFacts::default());
    }

    #[test]
    fn mount_points_may_have_spaces() {
        let line = "1 0 0:1 / /mnt/my\\040groups rw - cgroup2 none rw";
        let at = PathBuf::from("/mnt/my groups");
        let expected = Mount {
            hierarchy: Hierarchy::V2,
            group: "/".into(),
            at,
        };
        assert_eq!(mount(line), Some(expected));
        assert_eq!(mount("1 0 0:1 / / rw - ext4 /dev/vda rw"), None);
    }
}
