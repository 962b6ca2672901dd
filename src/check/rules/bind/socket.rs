//! The part of `bind` about Unix sockets.

use std::path::Path;

use super::{ID, describe, this_pounce, user};
use crate::check::finding::{Finding, Severity};
use crate::check::machine::Machine;
use crate::check::machine::bind::{Holder, PathProblem, UnixFacts, UnixOutcome};
use crate::config::{Resolved, ServerConfig};

pub(super) fn judge(
    facts: &UnixFacts,
    server: &Resolved<ServerConfig>,
    machine: &Machine,
) -> Option<Finding> {
    let error = |message: &str, label: String| {
        Finding::of_setting(ID, server, "uds", Severity::Error, message, label)
    };
    match &facts.outcome {
        UnixOutcome::Free => None,
        UnixOutcome::Stale {
            removable: true, ..
        } => {
            let mut finding = error(
                "a stale socket file is there",
                "no server answers on it".to_owned(),
            )
            .why("a server that was killed leaves its file behind; the next one replaces it");
            finding.severity = Severity::Info;
            Some(finding)
        }
        UnixOutcome::Stale {
            uid,
            removable: false,
        } => Some(
            error(
                "a stale socket file is there and cannot be replaced",
                format!("it belongs to {}", user(*uid)),
            )
            .help(format!(
                "remove it as its owner: rm {}",
                facts.path.display()
            )),
        ),
        UnixOutcome::Live { holders } => {
            let holders: Vec<&Holder> = holders.iter().collect();
            let said = match holders.first() {
                Some(holder) => describe(holder),
                None => "a server answers on it".to_owned(),
            };
            let mut finding = error("the Unix socket is taken", said);
            if this_pounce(&holders, machine) {
                finding.severity = Severity::Info;
                return Some(finding.why(
                    "this server is already running here: a second one cannot start beside it",
                ));
            }
            Some(finding.help("stop that server, or choose another path"))
        }
        UnixOutcome::Closed { uid, mode } => Some(
            error(
                "a socket is there that may not be looked at",
                format!("it belongs to {} and has mode {mode:o}", user(*uid)),
            )
            .why("a server may be listening on it, and then its clients would be cut off")
            .help("run the check as the user that serves, or choose another path"),
        ),
        UnixOutcome::Unusable { problem } => Some(path_problem(problem, &facts.path, server)),
    }
}

fn path_problem(problem: &PathProblem, path: &Path, server: &Resolved<ServerConfig>) -> Finding {
    let error = |message: &str, label: String| {
        Finding::of_setting(ID, server, "uds", Severity::Error, message, label)
    };
    match problem {
        PathProblem::TooLong { bytes, limit } => error(
            "the path of the Unix socket is too long",
            format!("{bytes} bytes; the system takes {limit}"),
        )
        .help("use a short one: /run/pounce/app.sock"),
        PathProblem::FolderMissing { folder } if folder.starts_with("~") => error(
            "the folder of the Unix socket does not exist",
            format!("there is no {}", folder.display()),
        )
        .help("~ is a word of shells only: write the whole path"),
        PathProblem::FolderMissing { folder } => error(
            "the folder of the Unix socket does not exist",
            format!("there is no {}", folder.display()),
        )
        .help(format!("mkdir -p {}", folder.display()))
        .help("or, with systemd: RuntimeDirectory= makes one below /run"),
        PathProblem::FolderIsFile { file } => error(
            "the path of the Unix socket leads through a file",
            format!("{} is no folder", file.display()),
        )
        .help("choose a path in a folder"),
        PathProblem::FolderNotWritable { folder, uid } => error(
            "no socket can be made in this folder",
            format!("{} may not write to {}", user(*uid), folder.display()),
        )
        .help("choose a folder of the user that serves, for instance below /run"),
        PathProblem::ReadOnly { folder } => error(
            "no socket can be made in this folder",
            format!("{} is on a read-only file system", folder.display()),
        )
        .help("choose a folder on a writable one; in a container: a tmpfs or a volume"),
        PathProblem::NotASocket { what } => error(
            "something else is at the path of the Unix socket",
            format!("a {what} is there"),
        )
        .why("the server replaces stale sockets, and never anything else")
        .help(format!(
            "move {} away, or choose another path",
            path.display()
        )),
        PathProblem::NoName => error(
            "the path of the Unix socket has no file name",
            "it names a folder".to_owned(),
        )
        .help("name a file in it: app.sock"),
        PathProblem::Unsupported => error(
            "this system has no such Unix sockets",
            "not available here".to_owned(),
        )
        .help("use host and port"),
        PathProblem::Other { message } => {
            error("the Unix socket cannot be made", message.clone()).help("choose another path")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::RULE;
    use super::super::tests::{case, holder};
    use super::*;
    use crate::check::machine::Listening;

    #[test]
    fn sockets_are_judged_by_what_is_there() {
        let folder = "/run/none".into();
        for (outcome, severity, message) in [
            (
                UnixOutcome::Stale {
                    uid: 0,
                    removable: true,
                },
                Severity::Info,
                "a stale socket file is there",
            ),
            (
                UnixOutcome::Stale {
                    uid: 0,
                    removable: false,
                },
                Severity::Error,
                "a stale socket file is there and cannot be replaced",
            ),
            (
                UnixOutcome::Live {
                    holders: vec![holder(false, "/")],
                },
                Severity::Error,
                "the Unix socket is taken",
            ),
            (
                UnixOutcome::Live {
                    holders: vec![holder(true, "/srv/shop")],
                },
                Severity::Info,
                "the Unix socket is taken",
            ),
            (
                UnixOutcome::Unusable {
                    problem: PathProblem::FolderMissing { folder },
                },
                Severity::Error,
                "the folder of the Unix socket does not exist",
            ),
            (
                UnixOutcome::Unusable {
                    problem: PathProblem::NotASocket {
                        what: "file".to_owned(),
                    },
                },
                Severity::Error,
                "something else is at the path of the Unix socket",
            ),
        ] {
            let case = case(Some(Listening::Unix(UnixFacts {
                path: "a".into(),
                outcome,
            })));
            let findings = case.judge(&RULE);
            assert_eq!(findings.len(), 1, "{message}");
            assert_eq!(
                (findings[0].severity, findings[0].message.as_str()),
                (severity, message)
            );
            assert_eq!(case.labels(&findings[0])[0].0, "uds = \"a\"");
        }
    }
}
