//! `ServerConfig`: every setting of the server, declared once.

use std::path::PathBuf;

use super::address::{Host, SocketPath};
use super::model::config_model;
use super::peers::PeerSet;
use super::types::{
    Delay, FileMode, LogFormat, LogLevel, Seconds, Signage, StartupFailure, StaticFiles, UrlPath,
    WorkerMode,
};

const ANY: i64 = i64::MAX;

config_model! {
    /// The server's configuration: pounce.toml, `[tool.pounce]`, `POUNCE_*`, the flags of
    /// `pounce serve` and `pounce check`, and the keywords of `pounce.run`.
    pub struct ServerConfig of POUNCE {
        ["Listening"]
        /// Address to listen on: an IPv4 or IPv6 address, or a name that resolves to one.
        ///
        /// 127.0.0.1 is reached from this machine only, 0.0.0.0 and :: from everywhere.
        host: Host = Field::name("127.0.0.1").flag("host").presence();
        /// TCP port to listen on; 0 picks a free one.
        port: u16 = Field::integer(8000, 0, 65535).flag("port");
        /// Unix domain socket to listen on, instead of host and port.
        uds: Option<SocketPath> = Field::optional_name().flag("uds").presence().example("\"/run/pounce.sock\"");
        /// Permission bits of the Unix socket's file.
        ///
        /// Write TOML's 0o660, or the text "660": a bare decimal 660 would be another mode.
        uds_permissions: FileMode = Field::file_mode(0o660);
        /// Connections that the kernel keeps waiting until a worker accepts them.
        backlog: u32 = Field::integer(2048, 1, 2_147_483_647).unit("connections");
        /// Path under which the app is mounted behind a proxy; ASGI's root_path.
        root_path: String = Field::text("").flag("root-path").presence();

        ["Workers"]
        /// Worker processes; 0 means as many as the container may use CPUs.
        workers: u32 = Field::integer(1, 0, 4096).flag("workers");
        /// How a worker runs the app.
        ///
        /// async: in the worker's event loop. sync: on a pool of threads, each with an event loop of
        /// its own, for apps that block; WebSocket and worker hooks need async. auto: async with the
        /// GIL, sync on free-threaded Python. subinterpreter: accepted and served as async.
        worker_mode: WorkerMode = Field::choice(WorkerMode::CHOICES, "auto").flag("worker-mode");
        /// What a failing worker-startup hook does: ignore logs it and serves, shutdown ends the server.
        worker_startup_failure: StartupFailure = Field::choice(StartupFailure::CHOICES, "ignore");
        /// Threads behind asyncio.to_thread in each worker; 0 means min(32, CPUs + 4).
        executor_threads_per_worker: u32 = Field::integer(0, 0, 65_536).unit("threads");
        /// Pin each worker to a CPU of its own (Linux).
        cpu_affinity: bool = Field::switch(false).flag("cpu-affinity");

        ["Time limits"]
        /// Limit for the app's lifespan startup.
        startup_timeout: Seconds = Field::seconds(30.0).flag("startup-timeout");
        /// Limit to receive a request head, from its first byte, and to finish a TLS handshake.
        header_timeout: Seconds = Field::seconds(10.0).flag("header-timeout");
        /// Limit to receive a request body; the app's own time does not count.
        request_timeout: Seconds = Field::seconds(30.0).flag("request-timeout");
        /// Limit for a response write that the client does not take.
        write_timeout: Seconds = Field::seconds(30.0).flag("write-timeout");
        /// Limit for the silence between two requests of a connection.
        keep_alive_timeout: Seconds = Field::seconds(5.0).flag("keep-alive-timeout");
        /// Time to go on serving when the server is told to stop, while health already answers 503.
        ///
        /// Long enough for load balancers to notice; shutdown_timeout counts from its end.
        drain_delay: Delay = Field::delay(0.0).flag("drain-delay");
        /// Limit to finish requests in flight when the server stops.
        shutdown_timeout: Seconds = Field::seconds(10.0).flag("shutdown-timeout");
        /// Limit for old workers to finish their requests in a graceful reload.
        reload_timeout: Seconds = Field::seconds(30.0);

        ["Limits"]
        /// Connections of the whole server, shared out evenly over the workers; 0 means no limit.
        ///
        /// A connection beyond it is answered 503 with Retry-After: 5.
        max_connections: u32 = Field::integer(10_000, 0, 4_294_967_295).unit("connections");
        /// Largest request head; beyond it the answer is 431.
        max_header_size: usize = Field::integer(65_536, 1, 2_147_483_647).unit("bytes");
        /// Most header lines of a request; beyond it the answer is 431.
        max_headers: usize = Field::integer(100, 1, 65_535).unit("headers");
        /// Largest request body; beyond it the answer is 413.
        max_request_size: u64 = Field::integer(1_048_576, 1, ANY).unit("bytes");
        /// Requests of one connection before it is closed; 0 means no limit.
        max_requests_per_connection: u64 = Field::integer(0, 0, ANY).flag("max-requests-per-connection").unit("requests");
        /// Limit of an incomplete request head, accepted for compatibility.
        ///
        /// max_header_size is the limit that counts.
        h11_max_incomplete_event_size: Option<usize> = Field::optional_integer(1, 2_147_483_647).unit("bytes").example("65536");

        ["TLS and protocols"]
        /// Certificate chain in PEM form, the server's own certificate first.
        ssl_certfile: Option<PathBuf> = Field::optional_name().flag("ssl-certfile").presence().example("\"cert.pem\"").block("tls");
        /// Private key of the certificate in PEM form, not encrypted.
        ssl_keyfile: Option<PathBuf> = Field::optional_name().flag("ssl-keyfile").presence().example("\"key.pem\"").block("tls");
        /// Offer HTTP/2 to TLS clients (ALPN).
        http2_enabled: bool = Field::switch(true).flag("http2");
        /// Serve HTTP/3 over QUIC; needs a certificate and a key.
        http3_enabled: bool = Field::switch(false).flag("http3").beta();
        /// Limit for a silent QUIC connection.
        http3_idle_timeout: Seconds = Field::seconds(30.0).beta();
        /// Most QUIC connections.
        http3_max_connections: u32 = Field::integer(10_000, 1, 4_294_967_295).unit("connections").beta();
        /// Size of the QPACK dynamic table; 0 keeps to the static one.
        http3_qpack_max_table_capacity: u32 = Field::integer(0, 0, 1_073_741_823).unit("bytes").beta();
        /// Accept 0-RTT data for safe methods.
        http3_zero_rtt_enabled: bool = Field::switch(false).beta();
        /// Compress WebSocket messages (permessage-deflate).
        websocket_compression: bool = Field::switch(true);
        /// Largest WebSocket message; beyond it the connection is closed with 1009.
        websocket_max_message_size: u64 = Field::integer(10_485_760, 1, ANY).unit("bytes");

        ["Proxies"]
        /// Peers whose forwarded headers are believed: addresses, networks, host names, unix: or *.
        ///
        /// unix: is every peer of the Unix socket. * believes everyone: any client can then choose
        /// the address that the app sees.
        trusted_hosts: PeerSet = Field::list(&[]).flag("trusted-hosts").presence();
        /// Whether trusted_hosts holds *; derived, not settable.
        trusted_hosts_wildcard: bool = Field::switch(false).derived();
        /// Which address of X-Forwarded-For is the client's, counted from the right.
        forwarded_for_trusted_hops: u32 = Field::integer(1, 1, 255).unit("hops");

        ["Responses"]
        /// Compress responses as the client accepts it; never text/event-stream.
        compression: bool = Field::switch(true).flag("compression");
        /// Smallest body that is compressed.
        compression_min_size: u64 = Field::integer(500, 0, ANY).unit("bytes");
        /// Value of the Server response header; empty leaves it out.
        server_header: String = Field::text("pounce").presence();
        /// Send a Date response header.
        date_header: bool = Field::switch(true);
        /// Add a Server-Timing response header.
        server_timing: bool = Field::switch(false).flag("server-timing");

        ["Static files"]
        /// Folders served without the app, by URL prefix.
        static_files: StaticFiles = Field::table().presence();
        /// Cache-Control header of static files.
        static_cache_control: String = Field::text("public, max-age=3600");
        /// Index file of a folder; empty means none.
        static_index_file: Option<String> = Field::text("index.html").or_none();
        /// Follow symbolic links that lead out of the folder.
        static_follow_symlinks: bool = Field::switch(false);
        /// Serve a .zst, .br or .gz file beside the one that was asked for.
        static_precompressed: bool = Field::switch(true);

        ["Health and introspection"]
        /// Path of the health endpoint, answered before the app; unset means none.
        health_check_path: Option<UrlPath> = Field::optional_url_path().flag("health-check-path").presence().example("\"/health\"");
        /// Serve the introspection endpoint.
        introspection_enabled: bool = Field::switch(false).beta();
        /// Path of the introspection endpoint.
        introspection_path: UrlPath = Field::url_path("/_pounce/info").presence().beta();
        /// Address of the introspection endpoint's own listener.
        introspection_bind: Host = Field::name("127.0.0.1").presence().beta();

        ["Metrics and tracing"]
        /// Serve a Prometheus endpoint.
        metrics_enabled: bool = Field::switch(false).flag("metrics").beta();
        /// Path of the Prometheus endpoint.
        metrics_path: UrlPath = Field::url_path("/metrics").presence().beta();
        /// OTLP endpoint that traces are sent to; unset means none.
        otel_endpoint: Option<String> = Field::optional_text().presence().secret_user_information().beta().example("\"http://127.0.0.1:4318\"");
        /// Name of this service in traces.
        otel_service_name: String = Field::text("pounce").beta();
        /// Sentry DSN that errors are sent to; unset means none.
        sentry_dsn: Option<String> = Field::optional_text().secret().beta().example("\"https://public@sentry.example/1\"");
        /// Sentry environment.
        sentry_environment: Option<String> = Field::optional_text().beta().example("\"production\"");
        /// Sentry release.
        sentry_release: Option<String> = Field::optional_text().beta().example("\"1.0.0\"");
        /// Share of traces that are sent to Sentry.
        sentry_traces_sample_rate: f64 = Field::share(0.1).beta();
        /// Share of profiles that are sent to Sentry.
        sentry_profiles_sample_rate: f64 = Field::share(0.1).beta();

        ["Load"]
        /// Limit the rate of requests by client address; beyond it the answer is 429.
        rate_limit_enabled: bool = Field::switch(false).beta();
        /// Requests that an address may make on average.
        rate_limit_requests_per_second: f64 = Field::positive(100.0).unit("requests per second").beta();
        /// Requests that an address may make at once.
        rate_limit_burst: u32 = Field::integer(200, 1, 4_294_967_295).unit("requests").beta();
        /// Addresses that are remembered; the one seen longest ago goes first.
        rate_limit_max_tracked_ips: u32 = Field::integer(100_000, 1, 4_294_967_295).unit("addresses").beta();
        /// Queue requests under load and answer 503 beyond the queue.
        request_queue_enabled: bool = Field::switch(false).beta();
        /// Most requests in the queue; 0 means no limit.
        request_queue_max_depth: u32 = Field::integer(1000, 0, 4_294_967_295).unit("requests").beta();

        ["Logging"]
        /// Log every request.
        access_log: bool = Field::switch(true).flag("access-log");
        /// Form of the log; auto is text on a terminal and JSON elsewhere.
        log_format: LogFormat = Field::choice(LogFormat::CHOICES, "auto").flag("log-format");
        /// Least level that is logged.
        log_level: LogLevel = Field::choice(LogLevel::CHOICES, "info").flag("log-level");
        /// Requests that take longer are logged as slow.
        ///
        /// Counted up to the beginning of the response; part of the access log.
        log_slow_requests_threshold: Seconds = Field::seconds(5.0);
        /// Log the life of workers and connections as structured events, at level info.
        lifecycle_logging: bool = Field::switch(false);

        ["Development"]
        /// Show error pages with source code: for development only.
        debug: bool = Field::switch(false).flag("debug");
        /// Restart when source files change: for development only.
        reload: bool = Field::switch(false).flag("reload");
        /// Further folders to watch.
        reload_dirs: Vec<String> = Field::list(&[]).repeated_flag("reload-dir").presence().alias("reload_dir");
        /// Further file extensions to watch.
        reload_include: Vec<String> = Field::list(&[]).repeated_flag("reload-include").presence();

        ["Banner"]
        /// Name in the start-up banner.
        app_name: Option<String> = Field::optional_text().flag("app-name").not_shown().example("\"My app\"");
        /// Line under the name.
        app_tagline: Option<String> = Field::optional_text().flag("app-tagline").not_shown().example("\"Does one thing well\"");
        /// Version behind the name.
        app_version: Option<String> = Field::optional_text().flag("app-version").not_shown().example("\"1.0.0\"");
        /// Layout of the banner.
        signage: Option<Signage> = Field::optional_choice(Signage::CHOICES).flag("signage").not_shown().example("\"full\"");
    }
}
