//! Host names among the trusted peers: resolved at the start and from time to time, on a thread of their
//! own, as the system's resolver blocks.

use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use crate::config::peers::Peer;
use crate::serve::report::{Level, Report};

/// Time between two resolutions. The system's resolver does not tell how long an answer is good for.
const INTERVAL: Duration = Duration::from_secs(60);
/// Time that the start waits for the first answers. Until they are there nobody is trusted by name.
const PATIENCE: Duration = Duration::from_secs(5);

type Addresses = RwLock<Vec<IpAddr>>;

/// The addresses that trusted names stand for at present.
#[derive(Debug, Clone)]
pub struct TrustedNames(Arc<Addresses>);

impl TrustedNames {
    /// Resolves the names among these peers, and again every minute for as long as this lives; None
    /// where there are none. Waits a few seconds for the first answers. A failure is reported once, and
    /// the last answer goes on to hold.
    #[must_use]
    pub fn of(peers: &[Peer], report: &Report) -> Option<Self> {
        let names: Vec<String> = peers
            .iter()
            .filter_map(|peer| match peer {
                Peer::Name(name) => Some(name.clone()),
                Peer::Everyone | Peer::Unix | Peer::Network(_) => None,
            })
            .collect();
        (!names.is_empty()).then(|| Self::follow(&names, lookup, INTERVAL, report))
    }

    fn follow(
        names: &[String],
        resolve: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + 'static,
        interval: Duration,
        report: &Report,
    ) -> Self {
        let trusted = Self(Arc::default());
        let (answered, first) = channel();
        let resolver = Resolver {
            names: names.iter().map(|name| Name::new(name)).collect(),
            addresses: Arc::downgrade(&trusted.0),
            report: report.clone(),
        };
        let spawned = std::thread::Builder::new()
            .name("pounce-resolver".into())
            .spawn(move || resolver.run(resolve, interval, &answered));
        match spawned {
            Ok(_) => {
                if first.recv_timeout(PATIENCE).is_err() {
                    let message = "the names in trusted_hosts are not resolved yet: their peers are not trusted until they are";
                    report.tell(Level::Error, message);
                }
            }
            Err(error) => {
                let message = format!(
                    "the names in trusted_hosts cannot be resolved, their peers are not trusted: no thread could be started: {error}"
                );
                report.tell(Level::Error, &message);
            }
        }
        trusted
    }

    /// Whether one of the names stands for this address.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        let addresses = self.0.read().unwrap_or_else(PoisonError::into_inner);
        addresses.contains(&address)
    }
}

/// Every address of a name, as the system knows it.
fn lookup(name: &str) -> io::Result<Vec<IpAddr>> {
    let found = (name, 0).to_socket_addrs()?;
    Ok(found.map(|address| address.ip().to_canonical()).collect())
}

struct Name {
    name: String,
    addresses: Vec<IpAddr>,
    /// Whether the last resolution failed.
    failed: bool,
}

impl Name {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            addresses: Vec::new(),
            failed: false,
        }
    }

    /// Takes an answer; what is to be told about it.
    fn answer(&mut self, answer: io::Result<Vec<IpAddr>>) -> Option<(Level, String)> {
        let name = &self.name;
        let error = match answer {
            Ok(addresses) if !addresses.is_empty() => {
                self.addresses = addresses;
                let again = std::mem::take(&mut self.failed);
                return again.then(|| {
                    let message = format!("{name} in trusted_hosts is resolved again");
                    (Level::Info, message)
                });
            }
            Ok(_) => "it stands for no address".to_owned(),
            Err(error) => error.to_string(),
        };
        if std::mem::replace(&mut self.failed, true) {
            return None;
        }
        let then = if self.addresses.is_empty() {
            "its peers are not trusted"
        } else {
            "its last addresses stay trusted"
        };
        let message = format!("{name} in trusted_hosts cannot be resolved, {then}: {error}");
        Some((Level::Error, message))
    }
}

struct Resolver {
    names: Vec<Name>,
    addresses: Weak<Addresses>,
    report: Report,
}

impl Resolver {
    fn run(
        mut self,
        resolve: impl Fn(&str) -> io::Result<Vec<IpAddr>>,
        interval: Duration,
        answered: &Sender<()>,
    ) {
        loop {
            for name in &mut self.names {
                let answer = resolve(&name.name);
                if let Some((level, message)) = name.answer(answer) {
                    self.report.tell(level, &message);
                }
            }
            let Some(shared) = self.addresses.upgrade() else {
                return;
            };
            let addresses = self
                .names
                .iter()
                .flat_map(|name| name.addresses.iter().copied());
            *shared.write().unwrap_or_else(PoisonError::into_inner) = addresses.collect();
            drop(shared);
            // Only the first answer is waited for.
            let _ = answered.send(());
            std::thread::sleep(interval);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, sync_channel};

    use super::*;

    fn reports() -> (Report, Receiver<(Level, String)>) {
        let (sender, receiver) = channel();
        let sender = Mutex::new(sender);
        let report = Report::new(move |level, message| {
            let _ = sender.lock().unwrap().send((level, message.to_owned()));
        });
        (report, receiver)
    }

    #[test]
    fn a_name_stands_for_all_its_addresses() {
        let (report, told) = reports();
        let peers = [Peer::Everyone, Peer::Name("localhost".into())];
        let names = TrustedNames::of(&peers, &report).unwrap();
        assert!(names.contain("127.0.0.1".parse().unwrap()));
        assert!(!names.contain("192.0.2.1".parse().unwrap()));
        assert!(TrustedNames::of(&peers[..1], &report).is_none());
        assert!(told.try_recv().is_err());
    }

    #[test]
    fn a_failure_is_told_once_and_keeps_the_last_answer() {
        let (report, told) = reports();
        let (give, answers) = sync_channel(0);
        let answers = Mutex::new(answers);
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let other: IpAddr = "192.0.2.2".parse().unwrap();
        let giving = std::thread::spawn(move || {
            let failure = || Err(io::Error::other("no answer"));
            let sequence = [
                Ok(vec![one]),
                failure(),
                failure(),
                Ok(vec![other]),
                Ok(vec![other]),
            ];
            for answer in sequence {
                give.send(answer).unwrap();
            }
        });
        let resolve = move |_: &str| match answers.lock().unwrap().recv() {
            Ok(answer) => answer,
            Err(_) => Ok(vec![other]),
        };
        let names = TrustedNames::follow(&["proxy".into()], resolve, Duration::ZERO, &report);
        let (level, message) = told.recv().unwrap();
        assert_eq!(level, Level::Error);
        assert!(message.contains("stay trusted: no answer"), "{message}");
        let (level, message) = told.recv().unwrap();
        assert_eq!(
            (level, message.as_str()),
            (Level::Info, "proxy in trusted_hosts is resolved again")
        );
        giving.join().unwrap();
        // The answer before the last one is in force once the last one is asked for.
        assert!(names.contain(other));
        assert!(!names.contain(one));
    }

    #[test]
    fn a_name_that_was_never_resolved_trusts_nobody() {
        let (report, told) = reports();
        let resolve = |_: &str| Ok(Vec::new());
        let names =
            TrustedNames::follow(&["proxy".into()], resolve, Duration::from_secs(60), &report);
        let (level, message) = told.recv().unwrap();
        assert_eq!(level, Level::Error);
        assert!(
            message.contains("not trusted: it stands for no address"),
            "{message}"
        );
        assert!(!names.contain("127.0.0.1".parse().unwrap()));
    }
}
