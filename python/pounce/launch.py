"""`pounce.run`: where a program hands its app to the server."""

from __future__ import annotations

from pounce_rs._native import ServerConfig
from pounce_rs.probe.positions import call_site
from pounce_rs.probe.session import current

from pounce.errors import PounceError


def run(app: object, *, config: ServerConfig | None = None, **settings: object) -> None:
    """Serve an app; inside a preflight, hand it over and return.

    Args:
        app: An ASGI application, or its target as `"module:attribute"`.
        config: The server's settings.
        settings: The same settings as keywords; not together with `config`.

    Raises:
        ValueError: A setting is wrong; the message names every one that is.
        TypeError: Both `config` and keywords were given, or `config` is no `ServerConfig`.
        PounceError: Always outside a preflight: this build does not serve.
    """
    if config is not None and settings:
        raise TypeError("run takes config or settings as keywords, not both")
    if config is not None and not isinstance(config, ServerConfig):
        raise TypeError(f"run takes a ServerConfig, not {type(config).__name__}")
    if config is None:
        ServerConfig(**settings)  # type: ignore[arg-type]  # judged by ServerConfig itself
    session = current()
    if session is None:
        raise PounceError(
            "this build of pounce-rs has the configuration and the preflight, not the server: "
            "judge the app with `pounce check module:app`; pounce.run() comes with a later version"
        )
    session.hand_over(app, call_site(1))
