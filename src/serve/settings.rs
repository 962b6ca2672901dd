//! What of the configuration a worker needs to serve, in the form in which it is needed.

use std::time::{Duration, Instant};

use http::HeaderValue;
use ipnet::IpNet;

use super::http::scanner::Limits;
use super::proxy::TrustedNames;
use super::reactor::Peer;
use super::websocket;
use crate::config::ServerConfig;
use crate::config::peers::Peer as Trusted;

/// Limits, time limits and headers of a worker.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What a request may be.
    pub limits: Limits,
    /// Connections of this worker at once; 0 means no limit.
    pub max_connections: usize,
    /// Requests of one connection; 0 means no limit.
    pub max_requests_per_connection: u64,
    /// Limit to receive a request head, from its first byte.
    pub header_timeout: Duration,
    /// Limit for the silence between two requests.
    pub keep_alive_timeout: Duration,
    /// Limit to receive a request body, counted while the application waits for it.
    pub request_timeout: Duration,
    /// Limit for a write that the client does not take.
    pub write_timeout: Duration,
    /// Value of the Server header; None leaves it out.
    pub server_header: Option<HeaderValue>,
    /// Whether responses have a Date.
    pub date_header: bool,
    /// Whether HTTP/2 is spoken with clients that begin with it.
    pub http2: bool,
    /// Peers whose request ids and forwarded headers are believed.
    pub trusted: TrustedPeers,
    /// Trusted proxies in front of the server; the client is this far from the right.
    pub trusted_hops: u32,
    /// Path of the health endpoint; None where there is none.
    pub health_check_path: Option<String>,
    /// The number of this worker, from 0, as the health endpoint tells it.
    pub worker_id: usize,
    /// Since when this worker runs.
    pub started: Instant,
    /// What a WebSocket may be.
    pub websocket: websocket::Settings,
}

impl Settings {
    /// The settings of one of `workers` workers.
    #[must_use]
    pub fn new(config: &ServerConfig, workers: usize) -> Self {
        let share = config.max_connections as usize;
        Self {
            limits: Limits {
                head: config.max_header_size,
                headers: config.max_headers,
                body: config.max_request_size,
            },
            // Rounded up: together the workers take at least what was configured.
            max_connections: share.div_ceil(workers.max(1)),
            max_requests_per_connection: config.max_requests_per_connection,
            header_timeout: config.header_timeout.duration(),
            keep_alive_timeout: config.keep_alive_timeout.duration(),
            request_timeout: config.request_timeout.duration(),
            write_timeout: config.write_timeout.duration(),
            server_header: HeaderValue::from_str(&config.server_header)
                .ok()
                .filter(|value| !value.is_empty()),
            date_header: config.date_header,
            http2: config.http2_enabled,
            trusted: TrustedPeers::new(config.trusted_hosts.peers()),
            trusted_hops: config.forwarded_for_trusted_hops,
            health_check_path: config
                .health_check_path
                .as_ref()
                .map(|path| path.as_str().to_owned()),
            worker_id: 0,
            started: Instant::now(),
            websocket: websocket::Settings::new(config),
        }
    }
}

/// Peers whose forwarded headers are believed.
///
/// Host names are resolved by whoever starts the worker: see [`TrustedPeers::resolve_by`].
#[derive(Debug, Clone, Default)]
pub struct TrustedPeers {
    everyone: bool,
    unix: bool,
    networks: Vec<IpNet>,
    names: Option<TrustedNames>,
}

impl TrustedPeers {
    /// Addresses, networks, `unix:` and `*` of the configuration.
    #[must_use]
    pub fn new(peers: &[Trusted]) -> Self {
        let mut trusted = Self::default();
        for peer in peers {
            match peer {
                Trusted::Everyone => trusted.everyone = true,
                Trusted::Unix => trusted.unix = true,
                Trusted::Network(network) => trusted.networks.push(*network),
                Trusted::Name(_) => {}
            }
        }
        trusted
    }

    /// Believes those that the names stand for, too.
    pub fn resolve_by(&mut self, names: Option<TrustedNames>) {
        self.names = names;
    }

    /// Whether this peer is believed. An IPv4 peer of an IPv6 socket counts by its IPv4 address.
    #[must_use]
    pub fn contains(&self, peer: &Peer) -> bool {
        match peer {
            Peer::Tcp(address) => {
                let address = address.ip().to_canonical();
                self.everyone
                    || self
                        .networks
                        .iter()
                        .any(|network| network.contains(&address))
                    || self
                        .names
                        .as_ref()
                        .is_some_and(|names| names.contain(address))
            }
            Peer::Unix => self.everyone || self.unix,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_has_its_share_of_the_connections() {
        let config = ServerConfig {
            max_connections: 10,
            ..ServerConfig::default()
        };
        assert_eq!(Settings::new(&config, 4).max_connections, 3);
        assert_eq!(Settings::new(&config, 0).max_connections, 10);
        let endless = ServerConfig {
            max_connections: 0,
            server_header: String::new(),
            ..config
        };
        let settings = Settings::new(&endless, 4);
        assert_eq!(
            (settings.max_connections, settings.server_header),
            (0, None)
        );
    }

    #[test]
    fn trust_is_by_network_socket_and_wildcard() {
        let peer = |text: &str| Peer::Tcp(text.parse().unwrap());
        let network = |text: &str| Trusted::Network(text.parse().unwrap());
        let some = TrustedPeers::new(&[network("10.0.0.0/8"), network("::1/128")]);
        assert!(some.contains(&peer("10.1.2.3:4")));
        assert!(some.contains(&peer("[::ffff:10.1.2.3]:4")));
        assert!(some.contains(&peer("[::1]:4")));
        assert!(!some.contains(&peer("11.0.0.1:4")));
        assert!(!some.contains(&Peer::Unix));
        assert!(!TrustedPeers::default().contains(&peer("127.0.0.1:4")));
        assert!(TrustedPeers::new(&[Trusted::Unix]).contains(&Peer::Unix));
        assert!(!TrustedPeers::new(&[Trusted::Unix]).contains(&peer("127.0.0.1:4")));
        assert!(TrustedPeers::new(&[Trusted::Everyone]).contains(&Peer::Unix));
    }
}
