//! `AppConfig`: every setting of a Chirp app that has a text form, declared once.
//!
//! The two that hold live Python objects (`extra_loaders`, `static_context`) exist in Python only.

use std::collections::BTreeMap;

use super::address::Host;
use super::host_patterns::HostPatterns;
use super::model::config_model;
use super::peers::PeerSet;
use super::types::{Env, LogFormat, LogLevel, Seconds, Tier, UrlPath, WorkerMode};

const ANY: i64 = i64::MAX;
/// Fields of the Python class that no file, variable or flag can give.
pub const PYTHON_ONLY: [&str; 2] = ["extra_loaders", "static_context"];
/// Default of both limits of a request's size.
pub const DEFAULT_BODY_SIZE: i64 = 16 * 1024 * 1024;

config_model! {
    /// The configuration of a Chirp app: chirp.toml, `[tool.chirp]`, `CHIRP_*`, the flags of
    /// `chirp run` and `chirp check`, and the keywords of `chirp.AppConfig`.
    pub struct AppConfig of CHIRP {
        ["Posture"]
        /// What the app is deployed as; the preflight judges by it.
        env: Env = Field::choice(Env::CHOICES, "development");
        /// Run one reloading worker with error pages: for development only.
        debug: bool = Field::switch(false);
        /// Named features that are on or off; CHIRP_FEATURE_<NAME> sets one.
        feature_flags: BTreeMap<String, bool> = Field::flags();

        ["Listening"]
        /// Address to listen on.
        host: Host = Field::name("127.0.0.1").flag("host");
        /// TCP port to listen on; 0 picks a free one.
        port: u16 = Field::integer(8000, 0, 65535).flag("port");
        /// Connections that the kernel keeps waiting until a worker accepts them.
        backlog: u32 = Field::integer(2048, 1, 2_147_483_647).unit("connections");
        /// Certificate chain in PEM form, the server's own certificate first.
        ssl_certfile: Option<String> = Field::optional_name().example("\"cert.pem\"").block("tls");
        /// Private key of the certificate in PEM form, not encrypted.
        ssl_keyfile: Option<String> = Field::optional_name().example("\"key.pem\"").block("tls");

        ["Security"]
        /// Key that signs sessions and CSRF tokens; needed outside development.
        ///
        /// Give it by CHIRP_SECRET_KEY, at least 16 characters from a random source.
        secret_key: String = Field::text("").secret();
        /// Host names that the app answers to; * means every one.
        ///
        /// Without scheme and port; .shop.example stands for that name and all below it.
        allowed_hosts: HostPatterns = Field::list(&["*"]);
        /// Give every response a Content-Security-Policy nonce.
        csp_nonce_enabled: bool = Field::switch(false);
        /// Strict-Transport-Security header; unset leaves it out.
        strict_transport_security: Option<String> = Field::optional_text().example("\"max-age=31536000; includeSubDomains\"");
        /// Where security events are recorded: log, none, or a sink of your own; empty means none.
        audit_sink: Option<String> = Field::text("log").or_none();
        /// Inject the passkeys bridge into pages.
        passkeys: bool = Field::switch(false);
        /// Version of the passkeys bridge.
        passkeys_version: String = Field::text("1");

        ["Proxies"]
        /// Peers whose forwarded headers are believed: addresses, networks, host names, unix: or *.
        trusted_proxies: PeerSet = Field::list(&[]);
        /// Which address of X-Forwarded-For is the client's, counted from the right.
        forwarded_for_trusted_hops: u32 = Field::integer(1, 1, 255).unit("hops");

        ["Request limits"]
        /// Largest request body of any kind.
        max_request_body_size: u64 = Field::integer(DEFAULT_BODY_SIZE, 1, ANY).unit("bytes");
        /// Largest sum of the parts of an upload; at most max_request_body_size.
        ///
        /// Left at its default it follows a smaller max_request_body_size.
        max_upload_size: u64 = Field::integer(DEFAULT_BODY_SIZE, 1, ANY).unit("bytes");
        /// Size from which an uploaded file is kept on disk instead of in memory.
        upload_spool_threshold: u64 = Field::integer(1_048_576, 0, ANY).unit("bytes");
        /// Most parts of an upload.
        max_upload_parts: u64 = Field::integer(1000, 1, ANY).unit("parts");
        /// Compress WebSocket messages (permessage-deflate).
        websocket_compression: bool = Field::switch(true);
        /// Largest WebSocket message; beyond it the connection is closed with 1009.
        websocket_max_message_size: u64 = Field::integer(10_485_760, 1, ANY).unit("bytes");

        ["Workers"]
        /// Worker processes; 0 means as many as the container may use CPUs.
        workers: u32 = Field::integer(0, 0, 4096).flag("workers");
        /// How a worker runs the app; worker hooks need async.
        worker_mode: WorkerMode = Field::choice(WorkerMode::CHOICES, "auto");
        /// Most connections of the whole server; 0 means no limit.
        max_connections: u32 = Field::integer(1000, 0, 4_294_967_295).unit("connections");
        /// Limit for the silence between two requests of a connection.
        keep_alive_timeout: Seconds = Field::seconds(5.0);
        /// Limit to receive a request body.
        request_timeout: Seconds = Field::seconds(30.0);
        /// Limit for old workers to finish their requests in a graceful reload.
        reload_timeout: Seconds = Field::seconds(30.0);

        ["Health and metrics"]
        /// Path of the liveness probe.
        health_path: UrlPath = Field::url_path("/health");
        /// Path of the readiness probe.
        ready_path: UrlPath = Field::url_path("/ready");
        /// Serve a Prometheus endpoint.
        metrics_enabled: bool = Field::switch(false).flag("metrics");
        /// Path of the Prometheus endpoint.
        metrics_path: UrlPath = Field::url_path("/metrics");

        ["Load"]
        /// Limit the rate of requests by client address.
        rate_limit_enabled: bool = Field::switch(false).flag("rate-limit");
        /// Requests that an address may make on average.
        rate_limit_requests_per_second: f64 = Field::positive(100.0).unit("requests per second");
        /// Requests that an address may make at once.
        rate_limit_burst: u32 = Field::integer(200, 1, 4_294_967_295).unit("requests");
        /// Addresses that are remembered; the one seen longest ago goes first.
        rate_limit_max_tracked_ips: u32 = Field::integer(100_000, 1, 4_294_967_295).unit("addresses");
        /// Queue requests under load.
        request_queue_enabled: bool = Field::switch(false).flag("queue");
        /// Most requests in the queue; 0 means no limit.
        request_queue_max_depth: u32 = Field::integer(1000, 0, 4_294_967_295).unit("requests");

        ["Error tracking and tracing"]
        /// Sentry DSN that errors are sent to; unset means none.
        sentry_dsn: Option<String> = Field::optional_text().secret().flag("sentry-dsn").example("\"https://public@sentry.example/1\"");
        /// Sentry environment.
        sentry_environment: Option<String> = Field::optional_text().example("\"production\"");
        /// Sentry release.
        sentry_release: Option<String> = Field::optional_text().example("\"1.0.0\"");
        /// Share of traces that are sent to Sentry.
        sentry_traces_sample_rate: f64 = Field::share(0.1);
        /// OTLP endpoint that traces are sent to; unset means none.
        otel_endpoint: Option<String> = Field::optional_text().secret_user_information().example("\"http://127.0.0.1:4318\"");
        /// Name of this service in traces.
        otel_service_name: String = Field::text("chirp-app");

        ["Logging"]
        /// Form of the log; auto is text on a terminal and JSON elsewhere.
        log_format: LogFormat = Field::choice(LogFormat::CHOICES, "auto");
        /// Least level that is logged.
        log_level: LogLevel = Field::choice(LogLevel::CHOICES, "info");
        /// Log the life of workers and connections as structured events.
        lifecycle_logging: bool = Field::switch(true);

        ["Templates"]
        /// Folder of the templates.
        template_dir: String = Field::text("templates");
        /// Further folders of templates, for components and partials.
        component_dirs: Vec<String> = Field::list(&[]);
        /// Escape values in templates.
        autoescape: bool = Field::switch(true);
        /// Remove the line break behind a block tag.
        trim_blocks: bool = Field::switch(true);
        /// Remove the white space before a block tag.
        lstrip_blocks: bool = Field::switch(true);
        /// Make an unknown name in a template an error.
        strict_undefined: bool = Field::switch(true);
        /// Template with the block that stands in for a deferred value that failed.
        suspense_error_template: Option<String> = Field::optional_text().example("\"errors.html\"");
        /// Name of that block.
        suspense_error_block: String = Field::text("fallback");
        /// Load pages when they are first asked for.
        lazy_pages: bool = Field::switch(false);

        ["Static files"]
        /// Folder of static files; empty means none.
        static_dir: Option<String> = Field::text("static").or_none();
        /// URL prefix of static files.
        static_url: UrlPath = Field::url_path("/static");
        /// Size from which a file is streamed instead of read at once.
        static_stream_threshold: u64 = Field::integer(1_048_576, 0, ANY).unit("bytes");

        ["Pages and browser features"]
        /// Path of the Model Context Protocol endpoint.
        mcp_path: UrlPath = Field::url_path("/mcp");
        /// Give event-driven htmx elements a target of their own.
        safe_target: bool = Field::switch(true);
        /// Tell pages the state of their event stream.
        sse_lifecycle: bool = Field::switch(true);
        /// Silence after which an event stream sends a comment.
        sse_heartbeat_interval: Seconds = Field::seconds(15.0);
        /// Delay that browsers wait before they reconnect an event stream; unset leaves it to them.
        sse_retry_ms: Option<u64> = Field::optional_integer(0, ANY).unit("milliseconds").example("3000");
        /// Event that ends an event stream for good.
        sse_close_event: Option<String> = Field::optional_text().example("\"close\"");
        /// View transitions: false or off, true or htmx, full.
        view_transitions: Tier = Field::tier(&["off", "htmx", "full"]);
        /// Speculation rules: false or off, true or conservative, moderate, eager.
        speculation_rules: Tier = Field::tier(&["off", "conservative", "moderate", "eager"]);
        /// Delegate copy buttons and comparison switches to the document.
        delegation: bool = Field::switch(false);
        /// Inject Alpine.js into pages.
        alpine: bool = Field::switch(false);
        /// Version of Alpine.js.
        alpine_version: String = Field::text("3.15.8");
        /// Use Alpine's build that needs no inline scripts.
        alpine_csp: bool = Field::switch(false);
        /// Inject htmx into pages.
        htmx: bool = Field::switch(false);
        /// Version of htmx.
        htmx_version: String = Field::text("2.0.10");
        /// Inject the islands runtime into pages.
        islands: bool = Field::switch(false);
        /// Version of the islands runtime.
        islands_version: String = Field::text("1");
        /// Check the metadata of islands.
        islands_contract_strict: bool = Field::switch(false);

        ["Caching and shared state"]
        /// Where cached values live.
        cache_backend: String = Field::text("memory");
        /// How long a cached value lives.
        cache_default_ttl: u64 = Field::integer(300, 0, ANY).unit("seconds");
        /// Cache responses.
        cache_middleware_enabled: bool = Field::switch(false);
        /// Redis that workers share; unset means none.
        redis_url: Option<String> = Field::optional_text().secret().example("\"redis://127.0.0.1:6379/0\"");

        ["Languages"]
        /// Translate pages.
        i18n_enabled: bool = Field::switch(false);
        /// Language where nothing else is asked for.
        i18n_default_locale: String = Field::text("en");
        /// Languages that the app speaks.
        i18n_supported_locales: Vec<String> = Field::list(&["en"]);
        /// Folder of the translations.
        i18n_directory: String = Field::text("locales");
        /// Cookie that remembers the language.
        i18n_cookie_name: String = Field::text("chirp_locale");
        /// Put the language in front of the path.
        i18n_url_prefix: bool = Field::switch(false);

        ["Outgoing requests"]
        /// Limit for a request that the app makes.
        http_timeout: Seconds = Field::seconds(30.0);
        /// How often such a request is tried again.
        http_retries: u32 = Field::integer(0, 0, 4_294_967_295).unit("tries");

        ["Start-up and development"]
        /// Do not check contracts when the app starts.
        skip_contract_checks: bool = Field::switch(false);
        /// Do not run migrations when the app starts.
        skip_migrations: bool = Field::switch(false);
        /// Reload the browser when files change; unset follows debug.
        dev_browser_reload: Option<bool> = Field::optional_switch().example("true");
        /// File extensions that reload the browser and the server.
        reload_include: Vec<String> = Field::list(&[".html", ".css", ".md"]);
        /// Further folders to watch.
        reload_dirs: Vec<String> = Field::list(&[]);
        /// Warn about fragments that hold a whole page (debug only).
        debug_fragment_validator: bool = Field::switch(true);
    }
}
