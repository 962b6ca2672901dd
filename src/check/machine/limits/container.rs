//! Whether this is a container, by the signs that runtimes leave.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What shows that we are in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ContainerSign {
    /// A file that a runtime puts at the root.
    File {
        /// Its path.
        path: String,
    },
    /// Kubernetes mounts a service account's token.
    Kubernetes,
    /// The control group is named as a runtime names them.
    Cgroup {
        /// The word that was found.
        word: String,
    },
}

pub(super) fn examine(root: &Path) -> Option<ContainerSign> {
    if root
        .join("var/run/secrets/kubernetes.io/serviceaccount")
        .exists()
    {
        return Some(ContainerSign::Kubernetes);
    }
    let left = ["/.dockerenv", "/run/.containerenv"]
        .into_iter()
        .find(|path| root.join(path.trim_start_matches('/')).exists());
    if let Some(path) = left {
        return Some(ContainerSign::File {
            path: path.to_owned(),
        });
    }
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    runtime_in(&groups).map(|word| ContainerSign::Cgroup {
        word: word.to_owned(),
    })
}

/// The name of a runtime in the text of `/proc/self/cgroup`.
fn runtime_in(groups: &str) -> Option<&'static str> {
    ["kubepods", "docker", "libpod", "containerd", "lxc"]
        .into_iter()
        .find(|word| {
            groups.lines().any(|line| {
                line.rsplit(':').next().is_some_and(|group| {
                    group.split(['/', '-', '.', '_']).any(|part| part == *word)
                })
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtimes_are_known_by_their_groups() {
        assert_eq!(
            runtime_in("0::/kubepods.slice/kubepods-besteffort.slice"),
            Some("kubepods")
        );
        assert_eq!(runtime_in("4:memory:/docker/0123abc\n"), Some("docker"));
        assert_eq!(
            runtime_in("0::/system.slice/docker-0123.scope"),
            Some("docker")
        );
        assert_eq!(runtime_in("0::/user.slice/user-1000.slice"), None);
        assert_eq!(runtime_in("0::/home/dockery"), None);
    }

    #[test]
    fn files_of_runtimes_are_signs() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(examine(root.path()), None);
        fs::write(root.path().join(".dockerenv"), "").unwrap();
        let path = "/.dockerenv".to_owned();
        assert_eq!(examine(root.path()), Some(ContainerSign::File { path }));
    }
}
