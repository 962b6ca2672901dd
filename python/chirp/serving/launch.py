"""`App.run`: the server's settings, derived from the app's."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from pounce_rs._native import AppConfig, ServerConfig, server_settings

from chirp.errors import ConfigurationError

if TYPE_CHECKING:
    from chirp.app import App

logger = logging.getLogger("chirp")


def server_config(config: AppConfig) -> ServerConfig:
    """The server's settings for an app; what they do not name stays at the server's default.

    The app answers its own probes, so `health_check_path` stays unset. With `debug` there is one
    worker, whatever `workers` says.

    Raises:
        ValueError: The server does not take a value.
    """
    return ServerConfig(**json.loads(server_settings(config)))


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
