//! `bind`: the server can listen where it is told to, now.

mod socket;

use crate::check::finding::{Finding, Severity};
use crate::check::machine::bind::{Attempt, BindOutcome, Holder, Resolution, TcpFacts};
use crate::check::machine::{Listening, Machine, accounts};
use crate::check::rule::{Context, Rule, Scope, Tool};
use crate::config::{Resolved, ServerConfig};

const ID: &str = "bind";

pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "the address, port or Unix socket can be listened on now",
    scope: Scope::Machine,
    tools: &[Tool::Pounce],
    severities: "error; info where this pounce holds it",
    fatal: true,
    page: include_str!("../../../docs/rules/bind.md"),
    check,
};

fn check(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let (Some(server), Some(machine)) = (cx.server, cx.machine) else {
        return;
    };
    match &machine.listening {
        Some(Listening::Tcp(facts)) => {
            if let Some(finding) = resolution(facts, server) {
                findings.push(finding);
            }
            findings.extend(port(facts, server, machine));
        }
        Some(Listening::Unix(facts)) => findings.extend(socket::judge(facts, server, machine)),
        None => {}
    }
}

fn resolution(facts: &TcpFacts, server: &Resolved<ServerConfig>) -> Option<Finding> {
    let host = &facts.host;
    match &facts.resolution {
        Resolution::Address | Resolution::Name => None,
        Resolution::Bracketed { address } => Some(
            Finding::of_setting(
                ID,
                server,
                "host",
                Severity::Error,
                "host has brackets",
                "brackets belong into URLs only",
            )
            .help(format!("write it without them: host = \"{address}\"")),
        ),
        Resolution::Failed { message } => Some(
            Finding::of_setting(
                ID,
                server,
                "host",
                Severity::Error,
                &format!("host {host:?} does not resolve"),
                message.clone(),
            )
            .why("the server listens on addresses; a name must stand for one of this machine's")
            .help(
                "use an address: 127.0.0.1 for this machine only, 0.0.0.0 or :: for all networks",
            ),
        ),
        Resolution::TimedOut => Some(
            Finding::of_setting(
                ID,
                server,
                "host",
                Severity::Error,
                &format!("host {host:?} does not resolve"),
                "the resolver gave no answer within 5 seconds",
            )
            .help("use an address, or look at /etc/resolv.conf"),
        ),
    }
}

/// One finding for all addresses of the host: the first reason that stands in the way.
fn port(facts: &TcpFacts, server: &Resolved<ServerConfig>, machine: &Machine) -> Option<Finding> {
    let taken: Vec<&Holder> = facts
        .attempts
        .iter()
        .filter_map(|attempt| match &attempt.outcome {
            BindOutcome::Taken { holders } => Some(holders),
            _ => None,
        })
        .flatten()
        .collect();
    let is_taken = |attempt: &Attempt| matches!(attempt.outcome, BindOutcome::Taken { .. });
    if facts.attempts.iter().any(is_taken) {
        return Some(port_taken(facts.port, &taken, server, machine));
    }
    let denied = facts
        .attempts
        .iter()
        .find_map(|attempt| match attempt.outcome {
            BindOutcome::PermissionDenied { uid } => Some(uid),
            _ => None,
        });
    if let Some(uid) = denied {
        return Some(port_denied(facts, uid, server));
    }
    // A name may stand for an IPv6 address on a machine without IPv6: one that works is enough.
    if facts
        .attempts
        .iter()
        .any(|attempt| attempt.outcome == BindOutcome::Free)
    {
        return None;
    }
    facts
        .attempts
        .first()
        .and_then(|attempt| unusable_address(attempt, server))
}

fn port_taken(
    port: u16,
    holders: &[&Holder],
    server: &Resolved<ServerConfig>,
    machine: &Machine,
) -> Finding {
    let field = if server.place("port").is_none() && server.place("host").is_some() {
        "host"
    } else {
        "port"
    };
    let said = match holders.first() {
        Some(holder) => describe(holder),
        None => "another process listens there".to_owned(),
    };
    let mut finding = Finding::of_setting(
        ID,
        server,
        field,
        Severity::Error,
        &format!("port {port} is taken"),
        said,
    );
    if holders.iter().all(|holder| !holder.listening) && !holders.is_empty() {
        return finding.help(
            "a port of the range that connections take by themselves can be lost at any time: choose one below 32768",
        );
    }
    if this_pounce(holders, machine) {
        finding.severity = Severity::Info;
        return finding
            .why("this server is already running here: a second one cannot start beside it");
    }
    finding.help("stop it, or choose another port")
}

/// Whether a pounce that was started in this folder holds it: the server that is being checked.
fn this_pounce(holders: &[&Holder], machine: &Machine) -> bool {
    let own = |holder: &&Holder| {
        holder
            .processes
            .iter()
            .any(|process| process.is_pounce && process.folder == machine.folder)
    };
    machine.folder.is_some() && !holders.is_empty() && holders.iter().all(own)
}

/// `python3 (pid 4711, /srv/old/app.py) listens on 127.0.0.1:8000`.
fn describe(holder: &Holder) -> String {
    let verb = if holder.listening {
        "listens on"
    } else {
        "has a connection from"
    };
    let address = &holder.address;
    let Some(process) = holder.processes.first() else {
        return match (&holder.user, holder.uid) {
            (Some(user), _) => format!("a process of user {user} {verb} {address}"),
            (None, Some(uid)) => format!("a process of user id {uid} {verb} {address}"),
            (None, None) => format!("a process {verb} {address}"),
        };
    };
    let what = match (&process.script, process.command.get(1..)) {
        (Some(script), _) => format!(", {}", script.display()),
        (None, Some(words)) if !words.is_empty() => format!(", {}", words.join(" ")),
        _ => String::new(),
    };
    format!(
        "{} (pid {}{what}) {verb} {address}",
        process.program, process.pid
    )
}

fn port_denied(facts: &TcpFacts, uid: u32, server: &Resolved<ServerConfig>) -> Finding {
    let port = facts.port;
    let user = user(uid);
    let Some(first) = facts.unprivileged_from.filter(|first| port < *first) else {
        return Finding::of_setting(
            ID,
            server,
            "port",
            Severity::Error,
            &format!("port {port} may not be used"),
            format!("the system refuses it to {user}"),
        )
        .help("look at the rules of the sandbox or of SELinux that this process runs under");
    };
    Finding::of_setting(
        ID,
        server,
        "port",
        Severity::Error,
        &format!("port {port} needs a privilege"),
        format!("{user} may use ports from {first}"),
    )
    .help(format!(
        "choose a port from {first}, with a proxy or a port mapping in front"
    ))
    .help("or, with systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE")
}

fn user(uid: u32) -> String {
    accounts::user_name(uid).map_or_else(|| format!("user id {uid}"), |name| format!("user {name}"))
}

fn unusable_address(attempt: &Attempt, server: &Resolved<ServerConfig>) -> Option<Finding> {
    let address = attempt.address.ip();
    let (label, help) = match &attempt.outcome {
        BindOutcome::NotLocal => (
            "no network interface here has it".to_owned(),
            "use an address of this machine, or 0.0.0.0 or :: for all of them",
        ),
        BindOutcome::NoSuchFamily => (
            "this machine has no IPv6".to_owned(),
            "use an IPv4 address: 127.0.0.1 or 0.0.0.0",
        ),
        BindOutcome::Failed { message } => (message.clone(), "choose another address or port"),
        BindOutcome::Free | BindOutcome::Taken { .. } | BindOutcome::PermissionDenied { .. } => {
            return None;
        }
    };
    Some(
        Finding::of_setting(
            ID,
            server,
            "host",
            Severity::Error,
            &format!("cannot listen on {address}"),
            label,
        )
        .help(help),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::machine_cases::Case;
    use super::*;
    use crate::check::machine::bind::{Process, UnixFacts, UnixOutcome};

    fn tcp(resolution: Resolution, outcomes: &[(&str, BindOutcome)]) -> Option<Listening> {
        let attempts = outcomes.iter().map(|(address, outcome)| Attempt {
            address: address.parse().unwrap(),
            outcome: outcome.clone(),
        });
        Some(Listening::Tcp(TcpFacts {
            host: "shop.internal".to_owned(),
            port: 80,
            resolution,
            attempts: attempts.collect(),
            unprivileged_from: Some(1024),
        }))
    }

    pub(super) fn holder(is_pounce: bool, folder: &str) -> Holder {
        Holder {
            address: "127.0.0.1:80".to_owned(),
            listening: true,
            uid: Some(0),
            user: Some("root".to_owned()),
            processes: vec![Process {
                pid: 4711,
                parent: Some(1),
                program: "python3".to_owned(),
                command: vec!["python3".to_owned(), "app.py".to_owned()],
                script: Some("/srv/old/app.py".into()),
                folder: Some(folder.into()),
                uid: Some(0),
                is_pounce,
            }],
        }
    }

    pub(super) fn case(listening: Option<Listening>) -> Case {
        let settings = [
            ("host", json!("shop.internal")),
            ("port", json!(80)),
            ("uds", json!("a")),
        ];
        let mut case = Case::new(&settings);
        case.machine.listening = listening;
        case.machine.folder = Some("/srv/shop".into());
        case
    }

    fn taken(holders: Vec<Holder>) -> Option<Listening> {
        tcp(
            Resolution::Address,
            &[("127.0.0.1:80", BindOutcome::Taken { holders })],
        )
    }

    #[test]
    fn a_free_port_and_a_free_path_are_silent() {
        let free = tcp(Resolution::Address, &[("127.0.0.1:80", BindOutcome::Free)]);
        assert_eq!(case(free).judge(&RULE), []);
        let one_of_two = [
            ("[::1]:80", BindOutcome::NotLocal),
            ("127.0.0.1:80", BindOutcome::Free),
        ];
        assert_eq!(case(tcp(Resolution::Name, &one_of_two)).judge(&RULE), []);
        let outcome = UnixOutcome::Free;
        let path = Some(Listening::Unix(UnixFacts {
            path: "a".into(),
            outcome,
        }));
        assert_eq!(case(path).judge(&RULE), []);
        assert_eq!(case(None).judge(&RULE), []);
    }

    #[test]
    fn the_holder_of_a_port_is_named() {
        let case = case(taken(vec![holder(false, "/srv/old")]));
        let findings = case.judge(&RULE);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].severity, Severity::Error);
        assert_eq!(findings[0].message, "port 80 is taken");
        assert_eq!(
            case.labels(&findings[0]),
            [(
                "port = 80",
                "python3 (pid 4711, /srv/old/app.py) listens on 127.0.0.1:80"
            )]
        );
    }

    #[test]
    fn only_this_pounce_is_no_error() {
        for (is_pounce, folder, severity) in [
            (true, "/srv/shop", Severity::Info),
            (true, "/srv/other", Severity::Error),
            (false, "/srv/shop", Severity::Error),
        ] {
            let findings = case(taken(vec![holder(is_pounce, folder)])).judge(&RULE);
            assert_eq!(findings[0].severity, severity, "{is_pounce} {folder}");
        }
        let unknown = case(taken(Vec::new())).judge(&RULE);
        assert_eq!(unknown[0].severity, Severity::Error);
    }

    #[test]
    fn without_a_place_the_message_says_it_all() {
        let mut case = Case::new(&[]);
        case.machine.listening = taken(vec![Holder {
            processes: vec![],
            ..holder(false, "/")
        }]);
        let findings = case.judge(&RULE);
        assert!(findings[0].labels.is_empty());
        let said = "port 80 is taken: a process of user root listens on 127.0.0.1:80";
        assert_eq!(findings[0].message, said);
    }

    #[test]
    fn other_reasons_are_told_apart() {
        for (resolution, outcomes, message, label) in [
            (
                Resolution::Failed {
                    message: "Name or service not known".to_owned(),
                },
                vec![],
                "host \"shop.internal\" does not resolve",
                ("host = \"shop.internal\"", "Name or service not known"),
            ),
            (
                Resolution::Address,
                vec![("192.0.2.1:80", BindOutcome::NotLocal)],
                "cannot listen on 192.0.2.1",
                (
                    "host = \"shop.internal\"",
                    "no network interface here has it",
                ),
            ),
            (
                Resolution::Address,
                vec![(
                    "127.0.0.1:80",
                    BindOutcome::PermissionDenied { uid: 4_000_000_000 },
                )],
                "port 80 needs a privilege",
                ("port = 80", "user id 4000000000 may use ports from 1024"),
            ),
            (
                Resolution::Bracketed {
                    address: "::1".to_owned(),
                },
                vec![("[::1]:80", BindOutcome::Free)],
                "host has brackets",
                ("host = \"shop.internal\"", "brackets belong into URLs only"),
            ),
        ] {
            let case = case(tcp(resolution, &outcomes));
            let findings = case.judge(&RULE);
            assert_eq!(findings.len(), 1, "{message}");
            assert_eq!(findings[0].message, message);
            assert_eq!(findings[0].severity, Severity::Error);
            assert_eq!(case.labels(&findings[0]), [label]);
            assert!(!findings[0].help.is_empty());
        }
    }
}
