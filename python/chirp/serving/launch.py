"""`App.run`: the server's settings, derived from the app's."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from pounce_rs._native import AppConfig, ServerConfig

from chirp.errors import ConfigurationError

if TYPE_CHECKING:
    from chirp.app import App

logger = logging.getLogger("chirp")

#: Fields of `AppConfig` that are the server's, by the name that they have there.
#:
#: `lifecycle_logging` is not among them: it is on by default here, and where the server cannot
#: honour it yet every launch would be refused.
_SERVER_FIELDS: dict[str, str] = {
    "trusted_proxies": "trusted_hosts",
    "max_request_body_size": "max_request_size",
    **{
        name: name
        for name in (
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
        )
    },
}


def server_config(config: AppConfig) -> ServerConfig:
    """The server's settings for an app; what they do not name stays at the server's default.

    The app answers its own probes, so `health_check_path` stays unset. With `debug` there is one
    worker, whatever `workers` says.

    Raises:
        ValueError: The server does not take a value.
    """
    defaults = ServerConfig()
    settings: dict[str, Any] = {}
    for name, theirs in _SERVER_FIELDS.items():
        value = getattr(config, name)
        # A default that is told would count as asked for.
        if value != getattr(defaults, theirs):
            settings[theirs] = value
    if config.debug:
        settings["workers"] = 1
    return ServerConfig(**settings)


def run(app: App, config: AppConfig) -> None:
    """Serve an app until the server is told to stop.

    Args:
        app: The app.
        config: Its settings, with what `App.run` was given.

    Raises:
        ConfigurationError: Worker hooks are registered, and workers are sync.
        SystemExit: The server did not start or did not end well; the reason is on standard error.
    """
    # Only here: a preflight has no need of the server.
    import pounce  # noqa: PLC0415
    from pounce_rs.role import is_worker  # noqa: PLC0415

    if config.worker_mode == "sync" and any(
        app._chirp_hooks[moment] for moment in ("worker_startup", "worker_shutdown")
    ):
        raise ConfigurationError(
            "worker hooks are registered, and workers that are sync do not run them: "
            'set worker_mode="async"'
        )
    if config.debug and not is_worker():
        logger.warning("debug is on: one worker; this version does not reload changed code")
    pounce.run(app, config=server_config(config))
