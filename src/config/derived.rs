//! The server's settings that a Chirp app's own configuration holds.

use super::keywords::Keyword;
use super::value::Value;
use super::{AppConfig, Inputs, Model as _, Origin, Resolved, ServerConfig};

/// Fields of an app that the server has under another name.
const RENAMED: [(&str, &str); 2] = [
    ("trusted_proxies", "trusted_hosts"),
    ("max_request_body_size", "max_request_size"),
];

/// Fields of an app that the server has under the same name. `debug` and what reloads are not among
/// them: they are the app's own.
const SHARED: [&str; 31] = [
    "host",
    "port",
    "backlog",
    "ssl_certfile",
    "ssl_keyfile",
    "forwarded_for_trusted_hops",
    "websocket_compression",
    "websocket_max_message_size",
    "workers",
    "worker_mode",
    "max_connections",
    "keep_alive_timeout",
    "request_timeout",
    "reload_timeout",
    "metrics_enabled",
    "metrics_path",
    "rate_limit_enabled",
    "rate_limit_requests_per_second",
    "rate_limit_burst",
    "rate_limit_max_tracked_ips",
    "request_queue_enabled",
    "request_queue_max_depth",
    "sentry_dsn",
    "sentry_environment",
    "sentry_release",
    "sentry_traces_sample_rate",
    "otel_endpoint",
    "otel_service_name",
    "log_format",
    "log_level",
    "lifecycle_logging",
];

/// The server's settings for the values of an app, which `value` gives by name: those that differ from
/// the server's defaults, since a default that is told would count as asked for. With `debug` there is
/// one worker, whatever `workers` says.
pub fn server_settings<'a>(value: impl Fn(&str) -> Option<&'a Value>) -> Vec<(Names, Value)> {
    let shared = SHARED.iter().map(|name| (*name, *name));
    let debug = value("debug") == Some(&Value::Bool(true));
    RENAMED
        .into_iter()
        .chain(shared)
        .filter_map(|(app, server)| {
            let found = match app {
                "workers" if debug => Value::Integer(1),
                _ => value(app)?.clone(),
            };
            let default = ServerConfig::field(server)?.default.value();
            (found != default).then_some((Names { app, server }, found))
        })
        .collect()
}

/// A field by its two names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// In `AppConfig`.
    pub app: &'static str,
    /// In `ServerConfig`.
    pub server: &'static str,
}

/// What an app says about its server, for `resolve`; every value points at its place in the app's
/// configuration.
#[must_use]
pub fn server_inputs(app: &Resolved<AppConfig>) -> Inputs {
    let known = |name: &str| AppConfig::field(name).map(|_| &app.setting(name).value);
    let keywords = server_settings(known)
        .into_iter()
        .map(|(names, value)| {
            let Origin { name, place, .. } = &app.setting(names.app).origin;
            Keyword {
                name: names.server.to_owned(),
                value: value.to_json(),
                place: place.clone(),
                from: name.clone(),
            }
        })
        .collect();
    Inputs {
        keywords,
        ..Inputs::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, resolve};

    fn of(keywords: &[(&str, serde_json::Value)]) -> ServerConfig {
        let inputs = Inputs {
            keywords: keywords
                .iter()
                .map(|(name, value)| Keyword {
                    name: (*name).to_owned(),
                    value: value.clone(),
                    place: None,
                    from: "shop.py:1".to_owned(),
                })
                .collect(),
            ..Inputs::default()
        };
        let app: Resolved<AppConfig> = resolve(&inputs, &mut Sources::default());
        assert!(app.is_valid(), "{:?}", app.problems);
        let server: Resolved<ServerConfig> = resolve(&server_inputs(&app), &mut Sources::default());
        assert!(server.is_valid(), "{:?}", server.problems);
        server.config
    }

    #[test]
    fn every_name_is_a_field_of_both() {
        let shared = SHARED.iter().map(|name| (*name, *name));
        for (app, server) in RENAMED.into_iter().chain(shared) {
            assert!(AppConfig::field(app).is_some(), "{app}");
            assert!(ServerConfig::field(server).is_some(), "{server}");
        }
    }

    #[test]
    fn an_app_says_what_its_server_does() {
        let plain = of(&[]);
        assert_eq!((plain.workers, plain.max_connections), (0, 1000));
        assert_eq!(plain.health_check_path, None);
        let own = of(&[
            ("port", 9.into()),
            ("workers", 4.into()),
            ("trusted_proxies", serde_json::json!(["10.0.0.0/8"])),
            ("max_request_body_size", 7.into()),
            ("max_upload_size", 7.into()),
        ]);
        assert_eq!((own.port, own.workers), (9, 4));
        assert_eq!(own.max_request_size, 7);
        assert_ne!(own.trusted_hosts, plain.trusted_hosts);
        assert_eq!(
            of(&[("debug", true.into()), ("workers", 4.into())]).workers,
            1
        );
    }
}
