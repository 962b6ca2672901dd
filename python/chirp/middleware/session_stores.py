"""Where sessions are kept: in the signed cookie itself, or in Redis with the cookie as the key."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import secrets
from typing import TYPE_CHECKING, Any, Protocol

from pounce_rs.probe.session import current

from chirp.errors import ChirpError
from chirp.middleware.session_config import SessionConfig, require_secret
from chirp.middleware.settings import Mistakes
from chirp.middleware.step import AnyResponse, Request

if TYPE_CHECKING:
    from itsdangerous import URLSafeTimedSerializer

#: Most bytes of name and value that browsers keep of one cookie (RFC 6265, section 6.1).
_MOST_COOKIE = 4096


class SessionStore(Protocol):
    """What `SessionConfig.store` takes."""

    async def load(self, request: Request) -> dict[str, Any]:
        """The data of the request's session; empty where there is none that is valid."""

    async def save(
        self, request: Request, response: AnyResponse, session: dict[str, Any], *, rotate: bool
    ) -> AnyResponse:
        """Keep the data; give the response with the cookie.

        Args:
            request: The request.
            response: The response so far.
            session: The data; where it is empty the session ends.
            rotate: Whether the session gets another id, and the earlier one ends.
        """


class _Cookie:
    """The signed cookie of a session, whatever it carries."""

    def __init__(self, config: SessionConfig) -> None:
        self.config = config
        self._serializer: URLSafeTimedSerializer | None = None

    def _signer(self) -> URLSafeTimedSerializer:
        if self._serializer is None:
            # Only here: a preflight has no need of it.
            from itsdangerous import URLSafeTimedSerializer  # noqa: PLC0415

            digest = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
            self._serializer = URLSafeTimedSerializer(
                self.config.secret_key,
                salt="chirp.session",
                signer_kwargs={
                    "digest_method": digest[self.config.signer_digest],
                    "key_derivation": "hmac",
                },
            )
        return self._serializer

    def read(self, request: Request) -> Any:
        """What the cookie carries; None where it is absent, forged or too old."""
        from itsdangerous import BadData  # noqa: PLC0415

        text = request.cookies.get(self.config.cookie_name)
        if not text:
            return None
        try:
            return self._signer().loads(text, max_age=self.config.max_age)
        except BadData:
            return None

    def send(self, request: Request, response: AnyResponse, value: object) -> AnyResponse:
        """Set the cookie.

        Raises:
            ChirpError: Browsers would drop it, as it is too large.
        """
        config = self.config
        text = self._signer().dumps(value)
        signed = text.decode("ascii") if isinstance(text, bytes) else text
        if len(config.cookie_name) + len(signed) > _MOST_COOKIE:
            raise ChirpError(
                f"the session makes a cookie of {len(signed)} bytes, and browsers keep no more "
                f"than {_MOST_COOKIE}: keep less in it, or use a RedisSessionStore"
            )
        return self._set(request, response, signed, config.max_age).with_vary("Cookie")

    def forget(self, request: Request, response: AnyResponse) -> AnyResponse:
        """Delete the cookie, if the browser has one."""
        if self.config.cookie_name not in request.cookies:
            return response
        return self._set(request, response, "", 0)

    def _set(
        self, request: Request, response: AnyResponse, value: str, max_age: int
    ) -> AnyResponse:
        # What deletes it has the same attributes: browsers drop a `__Host-` or `__Secure-` cookie
        # that is not secure, and would keep the one that they have.
        config = self.config
        secure = config.secure
        return response.with_cookie(
            config.cookie_name,
            value,
            max_age=max_age,
            path=config.path,
            domain=config.domain,
            secure=request.config.env != "development" if secure == "auto" else bool(secure),
            httponly=config.httponly,
            samesite=config.samesite,
        )


class CookieSessionStore:
    """Keeps the session's data in the signed cookie itself: the client can read it, not change it.

    Args:
        config: Settings of the cookie.

    Raises:
        ConfigurationError: The secret key is empty.
    """

    def __init__(self, config: SessionConfig) -> None:
        require_secret(config, "CookieSessionStore")
        self._config = config
        self._cookie = _Cookie(config)

    async def load(self, request: Request) -> dict[str, Any]:
        """The data of the cookie."""
        data = self._cookie.read(request)
        return data if isinstance(data, dict) else {}

    async def save(
        self,
        request: Request,
        response: AnyResponse,
        session: dict[str, Any],
        *,
        rotate: bool,  # noqa: ARG002 # the cookie is the session: a new one is another
    ) -> AnyResponse:
        """Put the data into the cookie.

        Raises:
            ChirpError: It is too much for a cookie.
            TypeError: JSON has no form for a value.
        """
        if not session:
            return self._cookie.forget(request, response)
        return self._cookie.send(request, response, session)

    def __repr__(self) -> str:
        """Show the settings, without secrets."""
        return f"CookieSessionStore({self._config!r})"


class RedisSessionStore:
    """Keeps the session's data in Redis; the signed cookie carries its id. Needs `redis`.

    Args:
        config: Settings of the cookie.
        redis_url: `redis://`, `rediss://` or `unix://` URL of the server. May hold a password, so
            it is never shown.
        key_prefix: Put in front of the session id to make the Redis key.

    Raises:
        ConfigurationError: The secret key is empty, the URL has another scheme, or the package
            `redis` is not installed.
    """

    def __init__(
        self, config: SessionConfig, redis_url: str, key_prefix: str = "chirp:session:"
    ) -> None:
        require_secret(config, "RedisSessionStore")
        mistakes = Mistakes("RedisSessionStore")
        mistakes.expect(
            isinstance(redis_url, str)
            and redis_url.startswith(("redis://", "rediss://", "unix://")),
            "redis_url must start with redis://, rediss:// or unix://",
        )
        mistakes.expect_text("key_prefix", key_prefix, empty=True)
        # A preflight may look at the app where its dependencies are not whole.
        mistakes.expect(
            current() is not None or importlib.util.find_spec("redis") is not None,
            "the package redis is not installed: pip install 'pounce-rs[redis]'",
        )
        mistakes.raise_if_any()
        self._config = config
        self._redis_url = redis_url
        self._key_prefix = key_prefix
        self._cookie = _Cookie(config)
        self._connection: Any = None

    def _client(self) -> Any:
        """The client of this worker; made on its event loop."""
        if self._connection is None:
            from redis import asyncio as redis  # noqa: PLC0415 # it can be absent

            self._connection = redis.from_url(self._redis_url)
        return self._connection

    async def load(self, request: Request) -> dict[str, Any]:
        """The data that Redis has for the cookie's id."""
        key = self._key(self._cookie.read(request))
        text = None if key is None else await self._client().get(key)
        data = {} if text is None else json.loads(text)
        return data if isinstance(data, dict) else {}

    async def save(
        self, request: Request, response: AnyResponse, session: dict[str, Any], *, rotate: bool
    ) -> AnyResponse:
        """Put the data into Redis, where it lives as long as the cookie.

        Raises:
            TypeError: JSON has no form for a value.
        """
        known = self._cookie.read(request)
        key = self._key(known)
        if key is not None and (rotate or not session):
            await self._client().delete(key)
        if not session:
            return self._cookie.forget(request, response)
        # An id that Redis does not know is not taken over: it may be another's earlier one.
        if key is None or rotate or not await self._client().exists(key):
            known = secrets.token_urlsafe(32)
            key = self._key_prefix + known
        await self._client().set(key, json.dumps(session), ex=self._config.max_age)
        return self._cookie.send(request, response, known)

    def _key(self, session_id: object) -> str | None:
        return self._key_prefix + session_id if isinstance(session_id, str) else None

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        if self._connection is not None:
            await self._connection.aclose()
            self._connection = None

    def __repr__(self) -> str:
        """Show the settings, without secrets."""
        return f"RedisSessionStore({self._config!r}, redis_url_set=True)"
