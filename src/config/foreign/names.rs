//! The names, in rows: what other servers call it, and what it is here.

use super::Foreign;

const fn renamed(here: &'static [&'static str], names: &'static [&'static str]) -> Foreign {
    Foreign {
        names,
        here,
        flag: None,
        note: "",
    }
}

const fn changed(
    here: &'static [&'static str],
    names: &'static [&'static str],
    note: &'static str,
) -> Foreign {
    Foreign {
        names,
        here,
        flag: None,
        note,
    }
}

const fn absent(names: &'static [&'static str], note: &'static str) -> Foreign {
    Foreign {
        names,
        here: &[],
        flag: None,
        note,
    }
}

const fn flag(flag: &'static str, names: &'static [&'static str]) -> Foreign {
    Foreign {
        names,
        here: &[],
        flag: Some(flag),
        note: "",
    }
}

const PROXIES: &[&str] = &[
    "forwarded_allow_ips",
    "proxy_headers",
    "proxy_allow_ips",
    "proxy_allow_from",
    "trusted_proxy",
    "set_real_ip_from",
    "proxies",
    "behind_proxy",
    "proxy_mode",
    "secure_scheme_headers",
];
const PROXIES_NOTE: &str =
    "forwarded headers are believed from the peers that it lists, and from nobody else";

/// Of two rows with one name, the first whose fields the product has.
pub(super) static FOREIGN: &[Foreign] = &[
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
            "ssl_protocol_min",
            "ssl_client_verify",
            "ssl_crl",
            "verify_mode",
            "verify_flags",
            "alpn_protocols",
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
            "http1_keep_alive",
        ],
    ),
    renamed(
        &["shutdown_timeout"],
        &[
            "timeout_graceful_shutdown",
            "graceful_timeout",
            "graceful_shutdown_timeout",
            "workers_kill_timeout",
        ],
    ),
    renamed(
        &["header_timeout"],
        &[
            "client_header_timeout",
            "read_timeout",
            "http1_header_read_timeout",
            "ssl_handshake_timeout",
        ],
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
            "concurrency",
        ],
    ),
    renamed(
        &["max_request_size"],
        &[
            "client_max_body_size",
            "limit_request_body",
            "max_body_size",
            "body_limit",
            "request_body_limit",
            "max_request_body_size",
        ],
    ),
    renamed(
        &["max_header_size"],
        &[
            "limit_request_line",
            "limit_request_field_size",
            "large_client_header_buffers",
            "h11_max_header_size",
            "h11_max_incomplete_size",
            "http2_max_headers_size",
            "h2_max_header_list_size",
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
            "limit_max_requests_jitter",
            "workers_lifetime",
            "workers_max_rss",
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
            "log_access_format",
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
            "task_impl",
            "http1_pipeline_flush",
            "h11_pass_raw_headers",
        ],
        "leave it out: the server brings its own HTTP and WebSocket, and takes uvloop where it is installed",
    ),
    flag("lifespan", &["lifespan"]),
    flag("fd", &["fd"]),
    flag("pid-file", &["pid", "pidfile", "pid_file", "pid_path"]),
    flag("color", &["use_colors", "use_colours", "log_colors"]),
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
            "runtime_blocking_threads",
            "threads_per_worker",
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
            "max_workers",
        ],
    ),
    absent(
        &["preload", "preload_app"],
        "every worker loads the app by itself, so that a reload loads new code",
    ),
    absent(
        &[
            "daemon",
            "user",
            "group",
            "initgroups",
            "process_name",
            "proc_name",
        ],
        "systemd or the container does that",
    ),
    absent(
        &["env_file", "env_files", "raw_env"],
        "variables come from outside: EnvironmentFile= of systemd, docker run --env-file",
    ),
    absent(&["factory"], "write the target as module:factory()"),
    absent(
        &["chdir", "working_dir", "working_directory", "pythonpath"],
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
            "static_dir",
            "static_root",
            "static_folder",
        ],
    ),
    renamed(&["reload_dirs"], &["reload_paths", "reload_extra_files"]),
    renamed(&["reload_include"], &["reload_includes"]),
    renamed(&["reload"], &["use_reloader", "auto_reload", "autoreload"]),
    absent(
        &[
            "reload_excludes",
            "reload_ignore_dirs",
            "reload_ignore_patterns",
        ],
        "name what is watched instead: reload_dirs and reload_include",
    ),
    absent(
        &[
            "reload_delay",
            "reload_engine",
            "reload_ignore_worker_failure",
        ],
        "leave it out: changes are noticed as they happen",
    ),
    renamed(&["debug"], &["debug_mode"]),
    renamed(&["request_queue_max_depth"], &["max_app_queue_size"]),
    renamed(&["date_header"], &["include_date_header"]),
    renamed(
        &["server_header"],
        &["include_server_header", "server_tokens"],
    ),
    renamed(
        &["static_cache_control"],
        &["static_path_expires", "expires"],
    ),
    absent(
        &["interface"],
        "leave it out: every app here is an ASGI app",
    ),
    absent(
        &["respawn_failed_workers", "respawn_interval"],
        "leave it out: a worker that crashed is always replaced, after a while that grows",
    ),
    absent(
        &["reuse_port", "so_reuseport"],
        "leave it out: every worker has a socket of its own already",
    ),
    absent(
        &[
            "ws_ping_interval",
            "ws_ping_timeout",
            "websocket_ping_interval",
            "websocket_ping_timeout",
            "ws_max_queue",
        ],
        "leave it out: the server pings a silent client by itself",
    ),
    absent(
        &["proxy_protocol", "proxy_protocols"],
        "the PROXY protocol is not spoken: let the proxy send X-Forwarded-For, and name it in trusted_hosts",
    ),
    absent(
        &["statsd_host", "statsd_prefix", "dogstatsd_tags"],
        "figures are a Prometheus endpoint here: metrics_enabled",
    ),
    absent(
        &["metrics_port", "metrics_address", "metrics_host"],
        "the endpoint is served on the port of the app: metrics_enabled and metrics_path",
    ),
    absent(
        &["server_name", "server_names"],
        "the server answers every Host: the app, or the proxy in front, chooses among them",
    ),
    absent(
        &[
            "cors",
            "cors_origins",
            "cors_allow_origins",
            "allow_origins",
        ],
        "the app answers CORS, with a middleware of its framework",
    ),
    absent(
        &["redirect_https", "force_https", "https_redirect"],
        "the proxy in front, or the app, redirects",
    ),
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
        &[
            "health_path",
            "healthcheck_path",
            "health",
            "healthz",
            "healthcheck",
            "health_check",
        ],
    ),
    renamed(
        &["health_path"],
        &["health_check_path", "healthcheck_path", "health"],
    ),
];
