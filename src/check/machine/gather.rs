//! Which facts a configuration asks for.

use time::OffsetDateTime;

use super::{Listening, Machine, bind, limits, tls};
use crate::config::{Resolved, ServerConfig};

impl Machine {
    /// Looks at what this configuration needs of the machine, as it is `now`.
    ///
    /// Settings that could not be read are left alone: their defaults are not what the user wants, so
    /// nothing is said about them.
    #[must_use]
    pub fn gather(server: &Resolved<ServerConfig>, now: OffsetDateTime) -> Self {
        let config = &server.config;
        let readable = |names: &[&str]| names.iter().all(|name| !server.setting(name).invalid);
        let listening = match &config.uds {
            _ if !readable(&["uds"]) => None,
            Some(path) => Some(Listening::Unix(bind::examine_unix(path))),
            None if readable(&["host", "port"]) => {
                Some(Listening::Tcp(bind::examine_tcp(&config.host, config.port)))
            }
            None => None,
        };
        let tls = match (&config.ssl_certfile, &config.ssl_keyfile) {
            (Some(certificate), Some(key)) if readable(&["ssl_certfile", "ssl_keyfile"]) => {
                Some(tls::examine(certificate, key, now))
            }
            _ => None,
        };
        Self {
            folder: std::env::current_dir().ok(),
            listening,
            tls,
            limits: Some(limits::examine()),
        }
    }
}
