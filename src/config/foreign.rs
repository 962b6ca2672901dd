//! Names that other servers give to what is a setting here, and to what is none.
//!
//! People come with the settings of uvicorn, gunicorn, hypercorn, granian or nginx; the nearest name
//! by letters would often send them to the wrong one (`bind` to `introspection_bind`).

use super::field::Field;

/// A setting of other servers.
#[derive(Debug)]
struct Foreign {
    names: &'static [&'static str],
    here: &'static [&'static str],
    note: &'static str,
}

/// What to say about a name.
#[derive(Debug, Clone)]
pub struct Counterpart {
    /// The settings that do it here; none where there is no such setting.
    pub fields: Vec<&'static Field>,
    /// What differs, or why there is none; empty where the names say it all.
    pub note: &'static str,
}

impl Counterpart {
    /// One line: what the name is here, with each field spelled by `spell`.
    #[must_use]
    pub fn said(&self, spell: impl Fn(&Field) -> String) -> String {
        let names: Vec<_> = self.fields.iter().map(|field| spell(field)).collect();
        if names.is_empty() {
            "another server's setting, none of this one's".into()
        } else {
            format!("called {} here", names.join(" and "))
        }
    }
}

/// Looks up a name, in whatever way words are joined: `root-path`, `ROOT_PATH`, `--root-path`. The
/// names of this product's own flags count too: `metrics` is `metrics_enabled`.
#[must_use]
pub fn counterpart(name: &str, fields: &'static [Field]) -> Option<Counterpart> {
    let name = name
        .trim_start_matches('-')
        .replace('-', "_")
        .to_ascii_lowercase();
    let own = fields.iter().find(|field| {
        field.name != name
            && field
                .flag
                .is_some_and(|flag| flag.name.replace('-', "_") == name)
    });
    if let Some(field) = own {
        return Some(Counterpart {
            fields: vec![field],
            note: "",
        });
    }
    FOREIGN
        .iter()
        .filter(|foreign| foreign.names.contains(&name.as_str()))
        .find_map(|foreign| {
            let here: Option<Vec<_>> = foreign
                .here
                .iter()
                .map(|here| fields.iter().find(|field| field.name == *here))
                .collect();
            here.map(|fields| Counterpart {
                fields,
                note: foreign.note,
            })
        })
}

const fn renamed(here: &'static [&'static str], names: &'static [&'static str]) -> Foreign {
    Foreign {
        names,
        here,
        note: "",
    }
}

const fn changed(
    here: &'static [&'static str],
    names: &'static [&'static str],
    note: &'static str,
) -> Foreign {
    Foreign { names, here, note }
}

const fn absent(names: &'static [&'static str], note: &'static str) -> Foreign {
    Foreign {
        names,
        here: &[],
        note,
    }
}

const PROXIES: &[&str] = &[
    "forwarded_allow_ips",
    "proxy_headers",
    "proxy_allow_ips",
    "proxy_allow_from",
    "trusted_proxy",
    "set_real_ip_from",
];
const PROXIES_NOTE: &str =
    "forwarded headers are believed from the peers that it lists, and from nobody else";

/// Of two rows with one name, the first whose fields the product has.
static FOREIGN: &[Foreign] = &[
    changed(
        &["host", "port"],
        &["bind", "listen", "insecure_bind"],
        "two settings: the address in host, the number in port; a Unix socket in uds",
    ),
    renamed(&["host"], &["address", "addr", "ip", "server_host"]),
    renamed(&["port"], &["server_port", "http_port"]),
    renamed(&["uds"], &["unix_socket", "socket", "sock", "unix"]),
    changed(
        &["uds_permissions"],
        &["umask", "uds_mode", "socket_mode", "unix_socket_perms"],
        "the permission bits themselves, such as 0o660, and not those to leave out",
    ),
    renamed(
        &["ssl_certfile"],
        &[
            "certfile",
            "cert",
            "cert_file",
            "certificate",
            "ssl_cert",
            "ssl_cert_file",
            "ssl_certificate",
            "tls_cert",
            "tls_certfile",
            "tls_certificate",
        ],
    ),
    renamed(
        &["ssl_keyfile"],
        &[
            "keyfile",
            "key_file",
            "ssl_key",
            "ssl_key_file",
            "ssl_certificate_key",
            "tls_key",
            "tls_keyfile",
        ],
    ),
    absent(
        &[
            "keyfile_password",
            "ssl_keyfile_password",
            "ssl_key_password",
        ],
        "the key is read unencrypted: openssl pkey -in key.pem -out plain.pem",
    ),
    absent(
        &[
            "ca_certs",
            "ssl_ca_certs",
            "ssl_ca",
            "cert_reqs",
            "ssl_cert_reqs",
            "ssl_version",
            "ssl_ciphers",
            "ciphers",
            "ssl_protocols",
            "verify_mode",
        ],
        "client certificates and ciphers are the business of a proxy in front",
    ),
    renamed(
        &["keep_alive_timeout"],
        &[
            "timeout_keep_alive",
            "keepalive",
            "keep_alive",
            "keepalive_timeout",
        ],
    ),
    renamed(
        &["shutdown_timeout"],
        &[
            "timeout_graceful_shutdown",
            "graceful_timeout",
            "graceful_shutdown_timeout",
        ],
    ),
    renamed(
        &["header_timeout"],
        &["client_header_timeout", "read_timeout"],
    ),
    renamed(&["request_timeout"], &["client_body_timeout"]),
    renamed(&["write_timeout"], &["send_timeout"]),
    absent(
        &["timeout", "worker_timeout"],
        "the app's own time has no limit here; those on clients are header_timeout, request_timeout \
         and write_timeout",
    ),
    renamed(
        &["max_connections"],
        &[
            "limit_concurrency",
            "worker_connections",
            "backpressure",
            "max_clients",
            "maxconn",
        ],
    ),
    renamed(
        &["max_request_size"],
        &[
            "client_max_body_size",
            "limit_request_body",
            "max_body_size",
        ],
    ),
    renamed(
        &["max_header_size"],
        &[
            "limit_request_line",
            "limit_request_field_size",
            "large_client_header_buffers",
            "h11_max_header_size",
            "http1_buffer_size",
        ],
    ),
    renamed(&["max_headers"], &["limit_request_fields"]),
    renamed(&["max_requests_per_connection"], &["keepalive_requests"]),
    absent(
        &[
            "max_requests",
            "limit_max_requests",
            "max_requests_jitter",
            "workers_lifetime",
        ],
        "workers are not replaced after a number of requests",
    ),
    changed(&["trusted_hosts"], PROXIES, PROXIES_NOTE),
    changed(&["trusted_proxies"], PROXIES, PROXIES_NOTE),
    renamed(&["trusted_hosts"], &["trusted_proxies"]),
    renamed(&["trusted_proxies"], &["trusted_hosts"]),
    changed(
        &["access_log"],
        &["access_logfile", "accesslog", "access_log_file"],
        "true or false: lines go where the log goes",
    ),
    renamed(&["log_level"], &["loglevel", "level"]),
    changed(
        &["log_format", "log_level"],
        &[
            "log_config",
            "logconfig",
            "logconfig_dict",
            "log_config_json",
            "access_log_format",
            "access_logformat",
            "access_log_fmt",
            "logger_class",
        ],
        "form and level are settings, there is no file of loggers",
    ),
    absent(
        &[
            "error_logfile",
            "errorlog",
            "error_log",
            "log_file",
            "logfile",
        ],
        "the log goes to the standard streams: systemd, Docker or a shell keeps it",
    ),
    absent(
        &[
            "loop",
            "event_loop",
            "http",
            "ws",
            "http1",
            "http1_mode",
            "ws_implementation",
        ],
        "leave it out: the server brings its own HTTP and WebSocket, and takes uvloop where it is installed",
    ),
    absent(
        &["lifespan"],
        "leave it out: the app's lifespan always runs",
    ),
    changed(
        &["worker_mode"],
        &["worker_class", "runtime_mode"],
        "leave it out: auto fits",
    ),
    changed(
        &["executor_threads_per_worker"],
        &[
            "threads",
            "worker_threads",
            "blocking_threads",
            "runtime_threads",
        ],
        "the threads behind asyncio.to_thread and sync workers",
    ),
    renamed(
        &["workers"],
        &[
            "w",
            "num_workers",
            "worker_processes",
            "processes",
            "web_concurrency",
            "worker_count",
        ],
    ),
    absent(
        &["preload", "preload_app"],
        "every worker loads the app by itself, so that a reload loads new code",
    ),
    absent(
        &["daemon", "pid", "pidfile", "pid_file", "user", "group"],
        "systemd or the container does that",
    ),
    absent(
        &["env_file", "raw_env"],
        "variables come from outside: EnvironmentFile= of systemd, docker run --env-file",
    ),
    absent(&["factory"], "write the target as module:factory()"),
    absent(
        &["chdir"],
        "app_dir is the folder that the app is imported from",
    ),
    renamed(
        &["root_path"],
        &["url_path_prefix", "script_name", "path_prefix"],
    ),
    renamed(
        &["websocket_max_message_size"],
        &["ws_max_size", "websocket_max_size"],
    ),
    renamed(&["websocket_compression"], &["ws_per_message_deflate"]),
    renamed(
        &["static_files"],
        &[
            "static",
            "static_path_mount",
            "static_path_route",
            "static_path",
        ],
    ),
    renamed(&["reload_dirs"], &["reload_paths", "reload_extra_files"]),
    renamed(&["reload_include"], &["reload_includes"]),
    absent(
        &["headers", "header"],
        "response headers are the app's, or those of a proxy in front",
    ),
    renamed(&["http2_enabled"], &["h2"]),
    renamed(&["http3_enabled"], &["h3", "quic", "quic_bind"]),
    changed(
        &["compression"],
        &["gzip", "brotli"],
        "true or false: the client says which one it takes",
    ),
    renamed(&["metrics_enabled"], &["prometheus"]),
    renamed(
        &["health_check_path"],
        &["health_path", "healthcheck_path", "health", "healthz"],
    ),
    renamed(
        &["health_path"],
        &["health_check_path", "healthcheck_path", "health"],
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FOREIGN, counterpart};
    use crate::config::field::Model;
    use crate::config::{AppConfig, ServerConfig};

    #[test]
    fn every_row_leads_to_fields_that_exist_and_hides_none() {
        let server: BTreeSet<_> = ServerConfig::fields()
            .iter()
            .map(|field| field.name)
            .collect();
        let app: BTreeSet<_> = AppConfig::fields().iter().map(|field| field.name).collect();
        for row in FOREIGN {
            let all_in = |names: &BTreeSet<&str>| row.here.iter().all(|here| names.contains(here));
            assert!(all_in(&server) || all_in(&app), "{row:?}");
            assert!(
                row.names.iter().all(|name| !row.here.contains(name)),
                "{row:?}"
            );
            assert!(!row.here.is_empty() || !row.note.is_empty(), "{row:?}");
        }
    }

    #[test]
    fn names_of_other_servers_lead_to_ours() {
        let server = |name: &str| {
            let found = counterpart(name, ServerConfig::fields()).unwrap();
            found.said(|field| field.name.to_owned())
        };
        assert_eq!(server("bind"), "called host and port here");
        assert_eq!(
            server("--timeout-keep-alive"),
            "called keep_alive_timeout here"
        );
        assert_eq!(server("FORWARDED_ALLOW_IPS"), "called trusted_hosts here");
        assert_eq!(server("metrics"), "called metrics_enabled here");
        assert_eq!(
            server("loop"),
            "another server's setting, none of this one's"
        );
        let app = counterpart("forwarded_allow_ips", AppConfig::fields()).unwrap();
        assert_eq!(app.fields[0].name, "trusted_proxies");
        assert!(counterpart("colour", ServerConfig::fields()).is_none());
        assert!(counterpart("port", ServerConfig::fields()).is_none());
    }
}
