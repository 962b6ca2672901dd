# Generated from the fields declared in src/config by `make generate`; do not edit.

from asyncio import AbstractEventLoop, Task
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import Field
from os import PathLike
from typing import Any, ClassVar, Literal, TypedDict, final, type_check_only

from typing_extensions import Self, Unpack

__all__ = [
    "AppConfig",
    "Listening",
    "ServerConfig",
    "Startup",
    "Worker",
    "__version__",
    "check_snapshot",
    "implicit_app_config",
    "listen",
    "main",
    "serve_again",
    "serve_target",
    "server_settings",
    "worker_count",
    "write_error",
]

__version__: str

def write_error(records: str, /, *, json: bool) -> None:
    """Write records to standard error, without waiting long for who reads it.

    Once it is read again, a line tells how many were lost: an object with ``json``.
    """

def main(command: str, arguments: list[str], /) -> int: ...
def check_snapshot(snapshot: str, *, deploy: bool, warnings_as_errors: bool) -> tuple[str, str]: ...
def implicit_app_config() -> AppConfig: ...
def listen(config: ServerConfig, app: str, /) -> Listening: ...
def serve_again(config: ServerConfig, app: str, /, *, arguments: list[str]) -> int: ...
def serve_target(config: ServerConfig, target: str, /, *, app_dir: str | PathLike[str]) -> int: ...
def server_settings(config: AppConfig, /) -> str: ...
def worker_count(config: ServerConfig, /) -> int: ...

@final
class Listening:
    @property
    def document(self) -> str: ...

@final
class Startup:
    def __new__(
        cls,
        listeners: Sequence[tuple[int, bool]],
        *,
        config: str,
        workers: int,
        worker_id: int,
        certificate: tuple[str, str] | None = None,
    ) -> Self: ...
    def close(self) -> None: ...

@final
class Worker:
    def __new__(
        cls,
        app: object,
        *,
        event_loop: AbstractEventLoop,
        context: Context,
        config: str,
        workers: int,
        worker_id: int,
        state: dict[str, Any],
        journal: Callable[[str, str, str, str, BaseException | None], None],
        report: Callable[[str, bool], None],
        awaiting: Callable[[Any], Coroutine[Any, Any, None]],
        startup: Startup | None = None,
        certificate: tuple[str, str] | None = None,
    ) -> Self: ...
    @property
    def connections(self) -> int:
        """Open connections."""
    @property
    def tasks(self) -> list[Task[Any]]:
        """Tasks of requests that are not at their end."""
    def start(self, listeners: Sequence[tuple[int, bool]]) -> None: ...
    def turn(self) -> None: ...
    def go_on(self) -> None: ...
    def ring(self) -> None: ...
    def announce_end(self) -> None: ...
    def drain(self) -> None: ...
    def retire(self, patience: float) -> None: ...
    def adopt(self, slot: int, listeners: Sequence[tuple[int, bool]]) -> None: ...
    def release(self, slot: int) -> None: ...
    def close(self) -> None: ...

@type_check_only
class _ServerConfigKeywords(TypedDict, total=False):
    host: str | PathLike[str]
    port: int
    uds: str | PathLike[str] | None
    uds_permissions: int | str
    backlog: int
    root_path: str | PathLike[str]
    workers: int
    worker_mode: Literal["auto", "async", "subinterpreter", "sync"] | str
    worker_startup_failure: Literal["ignore", "shutdown"] | str
    executor_threads_per_worker: int
    cpu_affinity: bool
    startup_timeout: float
    header_timeout: float
    request_timeout: float
    write_timeout: float
    keep_alive_timeout: float
    drain_delay: float
    shutdown_timeout: float
    reload_timeout: float
    max_connections: int
    max_header_size: int
    max_headers: int
    max_request_size: int
    max_requests_per_connection: int
    h11_max_incomplete_event_size: int | None
    ssl_certfile: str | PathLike[str] | None
    ssl_keyfile: str | PathLike[str] | None
    http2_enabled: bool
    http3_enabled: bool
    http3_idle_timeout: float
    http3_max_connections: int
    http3_qpack_max_table_capacity: int
    http3_zero_rtt_enabled: bool
    websocket_compression: bool
    websocket_max_message_size: int
    trusted_hosts: Iterable[str | PathLike[str]]
    forwarded_for_trusted_hops: int
    compression: bool
    compression_min_size: int
    server_header: str | PathLike[str]
    date_header: bool
    server_timing: bool
    static_files: Mapping[str, str | PathLike[str]]
    static_cache_control: str | PathLike[str]
    static_index_file: str | PathLike[str] | None
    static_follow_symlinks: bool
    static_precompressed: bool
    health_check_path: str | None
    introspection_enabled: bool
    introspection_path: str
    introspection_bind: str | PathLike[str]
    metrics_enabled: bool
    metrics_path: str
    otel_endpoint: str | PathLike[str] | None
    otel_service_name: str | PathLike[str]
    sentry_dsn: str | PathLike[str] | None
    sentry_environment: str | PathLike[str] | None
    sentry_release: str | PathLike[str] | None
    sentry_traces_sample_rate: float
    sentry_profiles_sample_rate: float
    rate_limit_enabled: bool
    rate_limit_requests_per_second: float
    rate_limit_burst: int
    rate_limit_max_tracked_ips: int
    request_queue_enabled: bool
    request_queue_max_depth: int
    access_log: bool
    log_format: Literal["auto", "json", "text"] | str
    log_level: Literal["critical", "debug", "error", "info", "warning"] | str
    log_slow_requests_threshold: float
    lifecycle_logging: bool
    debug: bool
    reload: bool
    reload_dirs: Iterable[str | PathLike[str]]
    reload_include: Iterable[str | PathLike[str]]
    app_name: str | PathLike[str] | None
    app_tagline: str | PathLike[str] | None
    app_version: str | PathLike[str] | None
    signage: Literal["full", "minimal", "off"] | str | None

@final
class ServerConfig:
    __match_args__ = ()
    def __new__(cls, **settings: Unpack[_ServerConfigKeywords]) -> Self: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: object, /) -> Self: ...
    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]: ...
    def __replace__(self, **changes: Unpack[_ServerConfigKeywords]) -> Self: ...
    def replace(self, **changes: Unpack[_ServerConfigKeywords]) -> Self: ...
    @property
    def host(self) -> str:
        """Address to listen on: an IPv4 or IPv6 address, or a name that resolves to one.

        127.0.0.1 is reached from this machine only, 0.0.0.0 and :: from everywhere.
        """
    @property
    def port(self) -> int:
        """TCP port to listen on; 0 picks a free one."""
    @property
    def uds(self) -> str | None:
        """Unix domain socket to listen on, instead of host and port."""
    @property
    def uds_permissions(self) -> int:
        """Permission bits of the Unix socket's file.

        Write TOML's 0o660, or the text "660": a bare decimal 660 would be another mode.
        """
    @property
    def backlog(self) -> int:
        """Connections that the kernel keeps waiting until a worker accepts them."""
    @property
    def root_path(self) -> str:
        """Path under which the app is mounted behind a proxy; ASGI's root_path."""
    @property
    def workers(self) -> int:
        """Worker processes; 0 means as many as the container may use CPUs."""
    @property
    def worker_mode(self) -> Literal["auto", "async", "subinterpreter", "sync"]:
        """How a worker runs the app.

        async: in the worker's event loop. sync: on a pool of threads, each with an event loop of
        its own, for apps that block; WebSocket and worker hooks need async. auto: async with the
        GIL, sync on free-threaded Python. subinterpreter: accepted and served as async.
        """
    @property
    def worker_startup_failure(self) -> Literal["ignore", "shutdown"]:
        """What a failing worker-startup hook does: ignore logs it and serves, shutdown ends the server."""
    @property
    def executor_threads_per_worker(self) -> int:
        """Threads behind asyncio.to_thread in each worker; 0 means min(32, CPUs + 4)."""
    @property
    def cpu_affinity(self) -> bool:
        """Pin each worker to a CPU of its own (Linux)."""
    @property
    def startup_timeout(self) -> float:
        """Limit for the app's lifespan startup."""
    @property
    def header_timeout(self) -> float:
        """Limit to receive a request head, from its first byte, and to finish a TLS handshake."""
    @property
    def request_timeout(self) -> float:
        """Limit to receive a request body; the app's own time does not count."""
    @property
    def write_timeout(self) -> float:
        """Limit for a response write that the client does not take."""
    @property
    def keep_alive_timeout(self) -> float:
        """Limit for the silence between two requests of a connection."""
    @property
    def drain_delay(self) -> float:
        """Time to go on serving when the server is told to stop, while health already answers 503.

        Long enough for load balancers to notice; shutdown_timeout counts from its end.
        """
    @property
    def shutdown_timeout(self) -> float:
        """Limit to finish requests in flight when the server stops."""
    @property
    def reload_timeout(self) -> float:
        """Limit for old workers to finish their requests in a graceful reload."""
    @property
    def max_connections(self) -> int:
        """Connections of the whole server, shared out evenly over the workers; 0 means no limit.

        A connection beyond it is answered 503 with Retry-After: 5.
        """
    @property
    def max_header_size(self) -> int:
        """Largest request head; beyond it the answer is 431."""
    @property
    def max_headers(self) -> int:
        """Most header lines of a request; beyond it the answer is 431."""
    @property
    def max_request_size(self) -> int:
        """Largest request body; beyond it the answer is 413."""
    @property
    def max_requests_per_connection(self) -> int:
        """Requests of one connection before it is closed; 0 means no limit."""
    @property
    def h11_max_incomplete_event_size(self) -> int | None:
        """Limit of an incomplete request head, accepted for compatibility.

        max_header_size is the limit that counts.
        """
    @property
    def ssl_certfile(self) -> str | None:
        """Certificate chain in PEM form, the server's own certificate first."""
    @property
    def ssl_keyfile(self) -> str | None:
        """Private key of the certificate in PEM form, not encrypted."""
    @property
    def http2_enabled(self) -> bool:
        """Offer HTTP/2 to TLS clients (ALPN)."""
    @property
    def http3_enabled(self) -> bool:
        """Serve HTTP/3 over QUIC; needs a certificate and a key."""
    @property
    def http3_idle_timeout(self) -> float:
        """Limit for a silent QUIC connection."""
    @property
    def http3_max_connections(self) -> int:
        """Most QUIC connections."""
    @property
    def http3_qpack_max_table_capacity(self) -> int:
        """Size of the QPACK dynamic table; 0 keeps to the static one."""
    @property
    def http3_zero_rtt_enabled(self) -> bool:
        """Accept 0-RTT data for safe methods."""
    @property
    def websocket_compression(self) -> bool:
        """Compress WebSocket messages (permessage-deflate)."""
    @property
    def websocket_max_message_size(self) -> int:
        """Largest WebSocket message; beyond it the connection is closed with 1009."""
    @property
    def trusted_hosts(self) -> tuple[str, ...]:
        """Peers whose forwarded headers are believed: addresses, networks, host names, unix: or *.

        unix: is every peer of the Unix socket. * believes everyone: any client can then choose
        the address that the app sees.
        """
    @property
    def trusted_hosts_wildcard(self) -> bool:
        """Whether trusted_hosts holds *; derived, not settable."""
    @property
    def forwarded_for_trusted_hops(self) -> int:
        """Which address of X-Forwarded-For is the client's, counted from the right."""
    @property
    def compression(self) -> bool:
        """Compress responses as the client accepts it; never text/event-stream."""
    @property
    def compression_min_size(self) -> int:
        """Smallest body that is compressed."""
    @property
    def server_header(self) -> str:
        """Value of the Server response header; empty leaves it out."""
    @property
    def date_header(self) -> bool:
        """Send a Date response header."""
    @property
    def server_timing(self) -> bool:
        """Add a Server-Timing response header."""
    @property
    def static_files(self) -> Mapping[str, str]:
        """Folders served without the app, by URL prefix."""
    @property
    def static_cache_control(self) -> str:
        """Cache-Control header of static files."""
    @property
    def static_index_file(self) -> str | None:
        """Index file of a folder; empty means none."""
    @property
    def static_follow_symlinks(self) -> bool:
        """Follow symbolic links that lead out of the folder."""
    @property
    def static_precompressed(self) -> bool:
        """Serve a .zst, .br or .gz file beside the one that was asked for."""
    @property
    def health_check_path(self) -> str | None:
        """Path of the health endpoint, answered before the app; unset means none."""
    @property
    def introspection_enabled(self) -> bool:
        """Serve the introspection endpoint."""
    @property
    def introspection_path(self) -> str:
        """Path of the introspection endpoint."""
    @property
    def introspection_bind(self) -> str:
        """Address of the introspection endpoint's own listener."""
    @property
    def metrics_enabled(self) -> bool:
        """Serve a Prometheus endpoint."""
    @property
    def metrics_path(self) -> str:
        """Path of the Prometheus endpoint."""
    @property
    def otel_endpoint(self) -> str | None:
        """OTLP endpoint that traces are sent to; unset means none."""
    @property
    def otel_service_name(self) -> str:
        """Name of this service in traces."""
    @property
    def sentry_dsn(self) -> str | None:
        """Sentry DSN that errors are sent to; unset means none."""
    @property
    def sentry_environment(self) -> str | None:
        """Sentry environment."""
    @property
    def sentry_release(self) -> str | None:
        """Sentry release."""
    @property
    def sentry_traces_sample_rate(self) -> float:
        """Share of traces that are sent to Sentry."""
    @property
    def sentry_profiles_sample_rate(self) -> float:
        """Share of profiles that are sent to Sentry."""
    @property
    def rate_limit_enabled(self) -> bool:
        """Limit the rate of requests by client address; beyond it the answer is 429."""
    @property
    def rate_limit_requests_per_second(self) -> float:
        """Requests that an address may make on average."""
    @property
    def rate_limit_burst(self) -> int:
        """Requests that an address may make at once."""
    @property
    def rate_limit_max_tracked_ips(self) -> int:
        """Addresses that are remembered; the one seen longest ago goes first."""
    @property
    def request_queue_enabled(self) -> bool:
        """Queue requests under load and answer 503 beyond the queue."""
    @property
    def request_queue_max_depth(self) -> int:
        """Most requests in the queue; 0 means no limit."""
    @property
    def access_log(self) -> bool:
        """Log every request."""
    @property
    def log_format(self) -> Literal["auto", "json", "text"]:
        """Form of the log; auto is text on a terminal and JSON elsewhere."""
    @property
    def log_level(self) -> Literal["critical", "debug", "error", "info", "warning"]:
        """Least level that is logged."""
    @property
    def log_slow_requests_threshold(self) -> float:
        """Requests that take longer are logged as slow.

        Counted up to the beginning of the response; part of the access log.
        """
    @property
    def lifecycle_logging(self) -> bool:
        """Log the life of workers and connections as structured events, at level info."""
    @property
    def debug(self) -> bool:
        """Show error pages with source code: for development only."""
    @property
    def reload(self) -> bool:
        """Restart when source files change: for development only."""
    @property
    def reload_dirs(self) -> tuple[str, ...]:
        """Further folders to watch."""
    @property
    def reload_include(self) -> tuple[str, ...]:
        """Further file extensions to watch."""
    @property
    def app_name(self) -> str | None:
        """Name in the start-up banner."""
    @property
    def app_tagline(self) -> str | None:
        """Line under the name."""
    @property
    def app_version(self) -> str | None:
        """Version behind the name."""
    @property
    def signage(self) -> Literal["full", "minimal", "off"] | None:
        """Layout of the banner."""

@type_check_only
class _AppConfigKeywords(TypedDict, total=False):
    env: Literal["development", "staging", "production"] | str
    debug: bool
    feature_flags: Mapping[str, bool] | Iterable[tuple[str, bool]]
    host: str | PathLike[str]
    port: int
    backlog: int
    ssl_certfile: str | PathLike[str] | None
    ssl_keyfile: str | PathLike[str] | None
    secret_key: str | PathLike[str]
    allowed_hosts: Iterable[str | PathLike[str]]
    csp_nonce_enabled: bool
    strict_transport_security: str | PathLike[str] | None
    audit_sink: str | PathLike[str] | None
    passkeys: bool
    passkeys_version: str | PathLike[str]
    trusted_proxies: Iterable[str | PathLike[str]]
    forwarded_for_trusted_hops: int
    max_request_body_size: int
    max_upload_size: int
    upload_spool_threshold: int
    max_upload_parts: int
    websocket_compression: bool
    websocket_max_message_size: int
    workers: int
    worker_mode: Literal["auto", "async", "subinterpreter", "sync"] | str
    max_connections: int
    keep_alive_timeout: float
    request_timeout: float
    reload_timeout: float
    health_path: str
    ready_path: str
    metrics_enabled: bool
    metrics_path: str
    rate_limit_enabled: bool
    rate_limit_requests_per_second: float
    rate_limit_burst: int
    rate_limit_max_tracked_ips: int
    request_queue_enabled: bool
    request_queue_max_depth: int
    sentry_dsn: str | PathLike[str] | None
    sentry_environment: str | PathLike[str] | None
    sentry_release: str | PathLike[str] | None
    sentry_traces_sample_rate: float
    otel_endpoint: str | PathLike[str] | None
    otel_service_name: str | PathLike[str]
    log_format: Literal["auto", "json", "text"] | str
    log_level: Literal["critical", "debug", "error", "info", "warning"] | str
    lifecycle_logging: bool
    template_dir: str | PathLike[str]
    component_dirs: Iterable[str | PathLike[str]]
    autoescape: bool
    trim_blocks: bool
    lstrip_blocks: bool
    strict_undefined: bool
    suspense_error_template: str | PathLike[str] | None
    suspense_error_block: str | PathLike[str]
    lazy_pages: bool
    static_dir: str | PathLike[str] | None
    static_url: str
    static_stream_threshold: int
    mcp_path: str
    safe_target: bool
    sse_lifecycle: bool
    sse_heartbeat_interval: float
    sse_retry_ms: int | None
    sse_close_event: str | PathLike[str] | None
    view_transitions: bool | Literal["off", "htmx", "full"] | str
    speculation_rules: bool | Literal["off", "conservative", "moderate", "eager"] | str
    delegation: bool
    alpine: bool
    alpine_version: str | PathLike[str]
    alpine_csp: bool
    htmx: bool
    htmx_version: str | PathLike[str]
    islands: bool
    islands_version: str | PathLike[str]
    islands_contract_strict: bool
    cache_backend: str | PathLike[str]
    cache_default_ttl: int
    cache_middleware_enabled: bool
    redis_url: str | PathLike[str] | None
    i18n_enabled: bool
    i18n_default_locale: str | PathLike[str]
    i18n_supported_locales: Iterable[str | PathLike[str]]
    i18n_directory: str | PathLike[str]
    i18n_cookie_name: str | PathLike[str]
    i18n_url_prefix: bool
    http_timeout: float
    http_retries: int
    skip_contract_checks: bool
    skip_migrations: bool
    dev_browser_reload: bool | None
    reload_include: Iterable[str | PathLike[str]]
    reload_dirs: Iterable[str | PathLike[str]]
    debug_fragment_validator: bool
    extra_loaders: Iterable[Any]
    static_context: Mapping[str, Any] | None

@final
class AppConfig:
    __match_args__ = ()
    def __new__(cls, **settings: Unpack[_AppConfigKeywords]) -> Self: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: object, /) -> Self: ...
    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]: ...
    def __replace__(self, **changes: Unpack[_AppConfigKeywords]) -> Self: ...
    def replace(self, **changes: Unpack[_AppConfigKeywords]) -> Self: ...
    @classmethod
    def from_env(
        cls,
        prefix: str = "CHIRP_",
        *,
        env_file: str | PathLike[str] | None = None,
        **overrides: Unpack[_AppConfigKeywords],
    ) -> Self: ...
    def feature(self, name: str, default: bool = False) -> bool: ...
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    _chirp_fields: ClassVar[tuple[str, ...]]
    _chirp_secret_fields: ClassVar[tuple[str, ...]]
    @property
    def _chirp_created_at(self) -> Any: ...
    @property
    def _chirp_explicit(self) -> dict[str, object]: ...
    @property
    def _chirp_from_env(self) -> bool: ...
    @property
    def _chirp_env_prefix(self) -> str | None: ...
    @property
    def _chirp_problems(self) -> list[tuple[str | None, str]]: ...
    @property
    def env(self) -> Literal["development", "staging", "production"]:
        """What the app is deployed as; the preflight judges by it."""
    @property
    def debug(self) -> bool:
        """Run one reloading worker with error pages: for development only."""
    @property
    def feature_flags(self) -> tuple[tuple[str, bool], ...]:
        """Named features that are on or off; CHIRP_FEATURE_<NAME> sets one."""
    @property
    def host(self) -> str:
        """Address to listen on."""
    @property
    def port(self) -> int:
        """TCP port to listen on; 0 picks a free one."""
    @property
    def backlog(self) -> int:
        """Connections that the kernel keeps waiting until a worker accepts them."""
    @property
    def ssl_certfile(self) -> str | None:
        """Certificate chain in PEM form, the server's own certificate first."""
    @property
    def ssl_keyfile(self) -> str | None:
        """Private key of the certificate in PEM form, not encrypted."""
    @property
    def secret_key(self) -> str:
        """Key that signs sessions and CSRF tokens; needed outside development.

        Give it by CHIRP_SECRET_KEY, at least 16 characters from a random source.
        """
    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Host names that the app answers to; * means every one.

        Without scheme and port; .shop.example stands for that name and all below it.
        """
    @property
    def csp_nonce_enabled(self) -> bool:
        """Give every response a Content-Security-Policy nonce."""
    @property
    def strict_transport_security(self) -> str | None:
        """Strict-Transport-Security header; unset leaves it out."""
    @property
    def audit_sink(self) -> str | None:
        """Where security events are recorded: log, none, or a sink of your own; empty means none."""
    @property
    def passkeys(self) -> bool:
        """Inject the passkeys bridge into pages."""
    @property
    def passkeys_version(self) -> str:
        """Version of the passkeys bridge."""
    @property
    def trusted_proxies(self) -> tuple[str, ...]:
        """Peers whose forwarded headers are believed: addresses, networks, host names, unix: or *."""
    @property
    def forwarded_for_trusted_hops(self) -> int:
        """Which address of X-Forwarded-For is the client's, counted from the right."""
    @property
    def max_request_body_size(self) -> int:
        """Largest request body of any kind."""
    @property
    def max_upload_size(self) -> int:
        """Largest sum of the parts of an upload; at most max_request_body_size.

        Left at its default it follows a smaller max_request_body_size.
        """
    @property
    def upload_spool_threshold(self) -> int:
        """Size from which an uploaded file is kept on disk instead of in memory."""
    @property
    def max_upload_parts(self) -> int:
        """Most parts of an upload."""
    @property
    def websocket_compression(self) -> bool:
        """Compress WebSocket messages (permessage-deflate)."""
    @property
    def websocket_max_message_size(self) -> int:
        """Largest WebSocket message; beyond it the connection is closed with 1009."""
    @property
    def workers(self) -> int:
        """Worker processes; 0 means as many as the container may use CPUs."""
    @property
    def worker_mode(self) -> Literal["auto", "async", "subinterpreter", "sync"]:
        """How a worker runs the app; worker hooks need async."""
    @property
    def max_connections(self) -> int:
        """Most connections of the whole server; 0 means no limit."""
    @property
    def keep_alive_timeout(self) -> float:
        """Limit for the silence between two requests of a connection."""
    @property
    def request_timeout(self) -> float:
        """Limit to receive a request body."""
    @property
    def reload_timeout(self) -> float:
        """Limit for old workers to finish their requests in a graceful reload."""
    @property
    def health_path(self) -> str:
        """Path of the liveness probe."""
    @property
    def ready_path(self) -> str:
        """Path of the readiness probe."""
    @property
    def metrics_enabled(self) -> bool:
        """Serve a Prometheus endpoint."""
    @property
    def metrics_path(self) -> str:
        """Path of the Prometheus endpoint."""
    @property
    def rate_limit_enabled(self) -> bool:
        """Limit the rate of requests by client address."""
    @property
    def rate_limit_requests_per_second(self) -> float:
        """Requests that an address may make on average."""
    @property
    def rate_limit_burst(self) -> int:
        """Requests that an address may make at once."""
    @property
    def rate_limit_max_tracked_ips(self) -> int:
        """Addresses that are remembered; the one seen longest ago goes first."""
    @property
    def request_queue_enabled(self) -> bool:
        """Queue requests under load."""
    @property
    def request_queue_max_depth(self) -> int:
        """Most requests in the queue; 0 means no limit."""
    @property
    def sentry_dsn(self) -> str | None:
        """Sentry DSN that errors are sent to; unset means none."""
    @property
    def sentry_environment(self) -> str | None:
        """Sentry environment."""
    @property
    def sentry_release(self) -> str | None:
        """Sentry release."""
    @property
    def sentry_traces_sample_rate(self) -> float:
        """Share of traces that are sent to Sentry."""
    @property
    def otel_endpoint(self) -> str | None:
        """OTLP endpoint that traces are sent to; unset means none."""
    @property
    def otel_service_name(self) -> str:
        """Name of this service in traces."""
    @property
    def log_format(self) -> Literal["auto", "json", "text"]:
        """Form of the log; auto is text on a terminal and JSON elsewhere."""
    @property
    def log_level(self) -> Literal["critical", "debug", "error", "info", "warning"]:
        """Least level that is logged."""
    @property
    def lifecycle_logging(self) -> bool:
        """Log the life of workers and connections as structured events."""
    @property
    def template_dir(self) -> str:
        """Folder of the templates."""
    @property
    def component_dirs(self) -> tuple[str, ...]:
        """Further folders of templates, for components and partials."""
    @property
    def autoescape(self) -> bool:
        """Escape values in templates."""
    @property
    def trim_blocks(self) -> bool:
        """Remove the line break behind a block tag."""
    @property
    def lstrip_blocks(self) -> bool:
        """Remove the white space before a block tag."""
    @property
    def strict_undefined(self) -> bool:
        """Make an unknown name in a template an error."""
    @property
    def suspense_error_template(self) -> str | None:
        """Template with the block that stands in for a deferred value that failed."""
    @property
    def suspense_error_block(self) -> str:
        """Name of that block."""
    @property
    def lazy_pages(self) -> bool:
        """Load pages when they are first asked for."""
    @property
    def static_dir(self) -> str | None:
        """Folder of static files; empty means none."""
    @property
    def static_url(self) -> str:
        """URL prefix of static files."""
    @property
    def static_stream_threshold(self) -> int:
        """Size from which a file is streamed instead of read at once."""
    @property
    def mcp_path(self) -> str:
        """Path of the Model Context Protocol endpoint."""
    @property
    def safe_target(self) -> bool:
        """Give event-driven htmx elements a target of their own."""
    @property
    def sse_lifecycle(self) -> bool:
        """Tell pages the state of their event stream."""
    @property
    def sse_heartbeat_interval(self) -> float:
        """Silence after which an event stream sends a comment."""
    @property
    def sse_retry_ms(self) -> int | None:
        """Delay that browsers wait before they reconnect an event stream; unset leaves it to them."""
    @property
    def sse_close_event(self) -> str | None:
        """Event that ends an event stream for good."""
    @property
    def view_transitions(self) -> bool | Literal["off", "htmx", "full"]:
        """View transitions: false or off, true or htmx, full."""
    @property
    def speculation_rules(self) -> bool | Literal["off", "conservative", "moderate", "eager"]:
        """Speculation rules: false or off, true or conservative, moderate, eager."""
    @property
    def delegation(self) -> bool:
        """Delegate copy buttons and comparison switches to the document."""
    @property
    def alpine(self) -> bool:
        """Inject Alpine.js into pages."""
    @property
    def alpine_version(self) -> str:
        """Version of Alpine.js."""
    @property
    def alpine_csp(self) -> bool:
        """Use Alpine's build that needs no inline scripts."""
    @property
    def htmx(self) -> bool:
        """Inject htmx into pages."""
    @property
    def htmx_version(self) -> str:
        """Version of htmx."""
    @property
    def islands(self) -> bool:
        """Inject the islands runtime into pages."""
    @property
    def islands_version(self) -> str:
        """Version of the islands runtime."""
    @property
    def islands_contract_strict(self) -> bool:
        """Check the metadata of islands."""
    @property
    def cache_backend(self) -> str:
        """Where cached values live."""
    @property
    def cache_default_ttl(self) -> int:
        """How long a cached value lives."""
    @property
    def cache_middleware_enabled(self) -> bool:
        """Cache responses."""
    @property
    def redis_url(self) -> str | None:
        """Redis that workers share; unset means none."""
    @property
    def i18n_enabled(self) -> bool:
        """Translate pages."""
    @property
    def i18n_default_locale(self) -> str:
        """Language where nothing else is asked for."""
    @property
    def i18n_supported_locales(self) -> tuple[str, ...]:
        """Languages that the app speaks."""
    @property
    def i18n_directory(self) -> str:
        """Folder of the translations."""
    @property
    def i18n_cookie_name(self) -> str:
        """Cookie that remembers the language."""
    @property
    def i18n_url_prefix(self) -> bool:
        """Put the language in front of the path."""
    @property
    def http_timeout(self) -> float:
        """Limit for a request that the app makes."""
    @property
    def http_retries(self) -> int:
        """How often such a request is tried again."""
    @property
    def skip_contract_checks(self) -> bool:
        """Do not check contracts when the app starts."""
    @property
    def skip_migrations(self) -> bool:
        """Do not run migrations when the app starts."""
    @property
    def dev_browser_reload(self) -> bool | None:
        """Reload the browser when files change; unset follows debug."""
    @property
    def reload_include(self) -> tuple[str, ...]:
        """File extensions that reload the browser and the server."""
    @property
    def reload_dirs(self) -> tuple[str, ...]:
        """Further folders to watch."""
    @property
    def debug_fragment_validator(self) -> bool:
        """Warn about fragments that hold a whole page (debug only)."""
    @property
    def extra_loaders(self) -> tuple[Any, ...]:
        """Template loaders that are asked before the folders."""
    @property
    def static_context(self) -> Mapping[str, Any] | None:
        """Values that every template sees."""
