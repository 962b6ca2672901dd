"""Sessions: data that stays with a visitor from one request to the next."""

from __future__ import annotations

import json
import time
from typing import Any, Literal, cast

from chirp.context import get_request
from chirp.errors import ConfigurationError
from chirp.middleware.session_config import SessionConfig, require_secret
from chirp.middleware.session_stores import CookieSessionStore, RedisSessionStore, SessionStore
from chirp.middleware.step import AnyResponse, Next, Request

__all__ = [
    "CookieSessionStore",
    "RedisSessionStore",
    "SessionConfig",
    "SessionMiddleware",
    "SessionStore",
    "get_session",
    "regenerate_session",
]

#: Where the request's state keeps that the session gets another id.
_ROTATE = "chirp.session_rotate"


class SessionMiddleware:
    """Gives every request its session, as `request.session`.

    The cookie is sent when the data has changed, and deleted when nothing is left of it. Responses
    for which the session was looked at are marked `Vary: Cookie`, so that no cache gives one
    visitor's page to another.

    Args:
        config: Settings of the cookie; its `store` decides where sessions are kept.

    Raises:
        ConfigurationError: The secret key is empty: anyone could forge sessions.
    """

    def __init__(self, config: SessionConfig) -> None:
        if not isinstance(config, SessionConfig):
            raise ConfigurationError(
                f"SessionMiddleware takes a SessionConfig, not {type(config).__name__}"
            )
        require_secret(config, "SessionMiddleware")
        self._config = config
        self._store: SessionStore = (
            cast("SessionStore", config.store)
            if config.store is not None
            else CookieSessionStore(config)
        )

    @property
    def config(self) -> SessionConfig:
        """The settings that it was made with."""
        return self._config

    @property
    def configured_secure(self) -> bool | Literal["auto"]:
        """The `secure` setting of the cookie that is sent, which is the store's, unresolved."""
        inner = getattr(self._store, "_config", None)
        return inner.secure if isinstance(inner, SessionConfig) else self._config.secure

    async def __call__(self, request: Request, next: Next) -> AnyResponse:  # noqa: A002
        """Load the session, go on, and keep what has changed."""
        loaded = await self._store.load(request)
        before = json.dumps(loaded, sort_keys=True)
        request._session = self._alive(loaded)
        response = await next(request)
        if request._session_used:
            response = response.with_vary("Cookie")
        session = request._session
        rotate = bool(request.state.get(_ROTATE))
        if session:
            self._mark(session)
        if not rotate and json.dumps(session, sort_keys=True) == before:
            return response
        return await self._store.save(request, response, session, rotate=rotate)

    def _alive(self, session: dict[str, Any]) -> dict[str, Any]:
        """The session, or an empty one where its time is over."""
        config, now = self._config, time.time()
        for limit, key in (
            (config.absolute_timeout_seconds, config.created_at_key),
            (config.idle_timeout_seconds, config.last_seen_at_key),
        ):
            if limit is None or not session:
                continue
            since = session.get(key)
            # Without its time nobody knows how old it is.
            if not isinstance(since, (int, float)) or now - since > limit:
                return {}
        return session

    def _mark(self, session: dict[str, Any]) -> None:
        """Note the times that the limits are counted from."""
        now = int(time.time())
        if self._config.absolute_timeout_seconds is not None:
            session.setdefault(self._config.created_at_key, now)
        if self._config.idle_timeout_seconds is not None:
            session[self._config.last_seen_at_key] = now

    async def aclose(self) -> None:
        """Let the store close its connections."""
        close = getattr(self._store, "aclose", None)
        if close is not None:
            await close()

    def __repr__(self) -> str:
        """Show the settings, without secrets."""
        return f"SessionMiddleware({self._config!r})"


def get_session() -> dict[str, Any]:
    """The session of the request that is being answered.

    Raises:
        LookupError: There is no request, or no `SessionMiddleware` around it.
    """
    return get_request().session


def regenerate_session() -> dict[str, Any]:
    """Empty the session and give it another id, so that one that was planted is worth nothing.

    Raises:
        LookupError: There is no request, or no `SessionMiddleware` around it.
    """
    request = get_request()
    session = request.session
    session.clear()
    request.state[_ROTATE] = True
    return session
