"""Who a request is from: a user of the session, or the bearer of a token."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast, runtime_checkable
from urllib.parse import quote

from chirp.context import get_request
from chirp.errors import ConfigurationError, HTTPError
from chirp.http.response import Redirect
from chirp.middleware.sessions import regenerate_session
from chirp.middleware.settings import Mistakes, Settings, kind, paths
from chirp.middleware.step import AnyResponse, Next, Request

Handler = TypeVar("Handler", bound=Callable[..., Any])

#: Where the request's state keeps the settings that hold for it.
_KEY = "chirp.auth_config"


@runtime_checkable
class User(Protocol):
    """What Chirp needs to know of a user; any object with these attributes will do."""

    @property
    def id(self) -> str:
        """Identifies the user in the session."""

    @property
    def is_authenticated(self) -> bool:
        """Whether this is a known user."""


@dataclass(frozen=True)
class AnonymousUser:
    """Nobody that the app knows."""

    id: str = ""
    is_authenticated: bool = False


ANONYMOUS = AnonymousUser()


class TokenRevocationStore(Protocol):
    """Knows the tokens that were taken back."""

    async def is_token_revoked(self, token_id: str) -> bool:
        """Whether the token with this id (claim `jti`) was taken back."""

    async def user_revoked_at(self, user_id: str) -> float | None:
        """Time (seconds since the epoch) up to which a user's tokens (claim `iat`) are void."""


@dataclass(frozen=True, repr=False)
class AuthConfig(Settings):
    """Settings of authentication.

    Attributes:
        session_key: Key of the user's id in the session.
        token_header: Request header that carries a token.
        token_scheme: Scheme in front of the token (RFC 6750).
        load_user: Finds a user by the id in the session; async.
        verify_token: Finds a user by a token; async.
        session_version: Gives a user's version; sessions of an older one end.
        session_version_key: Key of that version in the session.
        login_url: Where browsers without a user are sent; None answers 401.
        exclude_paths: Paths without authentication; each starts with `/`.
        token_revocation_store: Knows the tokens that were taken back.
        token_claims: Reads the claims of a token, for that store.

    Raises:
        ConfigurationError: Names every setting that is wrong.
    """

    session_key: str = "user_id"
    token_header: str = "Authorization"  # noqa: S105
    token_scheme: str = "Bearer"  # noqa: S105
    load_user: Callable[[str], Awaitable[User | None]] | None = None
    verify_token: Callable[[str], Awaitable[User | None]] | None = None
    session_version: Callable[[User], str | int | None] | None = None
    session_version_key: str = "_session_version"
    login_url: str | None = "/login"
    exclude_paths: frozenset[str] = frozenset()
    token_revocation_store: object | None = None
    token_claims: Callable[[str], Mapping[str, Any] | Awaitable[Mapping[str, Any]]] | None = None

    def __post_init__(self) -> None:
        mistakes = Mistakes("AuthConfig")
        for name in ("session_key", "token_header", "token_scheme", "session_version_key"):
            mistakes.expect_text(name, getattr(self, name))
        for name in ("load_user", "verify_token", "session_version", "token_claims"):
            value = getattr(self, name)
            mistakes.expect(
                value is None or callable(value), f"{name} must be callable, not {kind(value)}"
            )
        if self.login_url is not None:
            mistakes.expect_text("login_url", self.login_url)
        self._normalize("exclude_paths", paths(mistakes, "exclude_paths", self.exclude_paths))
        mistakes.raise_if_any()


class AuthMiddleware:
    """Finds the user of a request, by session or by token; stands inside `SessionMiddleware`.

    Args:
        config: Its settings, with `load_user`, `verify_token` or both.

    Raises:
        ConfigurationError: Neither of the two is set, so that nobody could ever log in.
    """

    def __init__(self, config: AuthConfig | None = None) -> None:
        if config is not None and not isinstance(config, AuthConfig):
            raise ConfigurationError(
                f"AuthMiddleware takes an AuthConfig, not {type(config).__name__}"
            )
        self._config = config if config is not None else AuthConfig()
        if self._config.load_user is None and self._config.verify_token is None:
            raise ConfigurationError(
                "AuthMiddleware needs a way to find users: set load_user (sessions), "
                "verify_token (tokens) or both in AuthConfig"
            )

    @property
    def config(self) -> AuthConfig:
        """The settings that it was made with."""
        return self._config

    async def __call__(self, request: Request, next: Next) -> AnyResponse:  # noqa: A002
        """Find the user, by token first, and go on with or without one.

        Raises:
            LookupError: `load_user` is set and no session stands around this middleware.
        """
        config = self._config
        request.state[_KEY] = config
        if request.path not in config.exclude_paths:
            user = await self._by_token(request)
            if user is None and config.load_user is not None:
                user = await self._by_session(request, config.load_user)
            request._user = user
        return await next(request)

    async def _by_token(self, request: Request) -> User | None:
        config = self._config
        header = request.headers.get(config.token_header)
        if config.verify_token is None or header is None:
            return None
        scheme, _, token = header.partition(" ")
        token = token.strip()
        # The scheme is written in any case (RFC 9110, section 11.1).
        if scheme.lower() != config.token_scheme.lower() or not token:
            return None
        user = await config.verify_token(token)
        if user is None or await self._revoked(token, user):
            return None
        return user

    async def _revoked(self, token: str, user: User) -> bool:
        """Ask the store; where it fails the request fails, as nobody knows better."""
        store = cast("TokenRevocationStore | None", self._config.token_revocation_store)
        if store is None:
            return False
        claims: Mapping[str, Any] = {}
        if self._config.token_claims is not None:
            found = self._config.token_claims(token)
            claims = await found if inspect.isawaitable(found) else found
        token_id, issued = claims.get("jti"), claims.get("iat")
        if token_id is not None and await store.is_token_revoked(str(token_id)):
            return True
        since = await store.user_revoked_at(user.id)
        return since is not None and (issued is None or issued <= since)

    async def _by_session(
        self, request: Request, load: Callable[[str], Awaitable[User | None]]
    ) -> User | None:
        config, session = self._config, request.session
        user_id = session.get(config.session_key)
        user = await load(str(user_id)) if user_id not in (None, "") else None
        if user is None or config.session_version is None:
            return user
        version = config.session_version(user)
        known = session.get(config.session_version_key)
        return user if version is None or str(version) == str(known) else None

    def __repr__(self) -> str:
        """Show the settings."""
        return f"AuthMiddleware({self._config!r})"


def get_user() -> User:
    """The user of the request that is being answered; `AnonymousUser` where it has none.

    Raises:
        LookupError: There is no request.
    """
    return get_request().user


def login(user: User) -> None:
    """Make a user the one of the session, which gets another id.

    Raises:
        LookupError: No `AuthMiddleware` or no `SessionMiddleware` stands around the caller.
    """
    config = _config()
    session = regenerate_session()
    session[config.session_key] = user.id
    version = None if config.session_version is None else config.session_version(user)
    if version is not None:
        session[config.session_version_key] = str(version)
    get_request()._user = user


def logout() -> None:
    """End the session and forget its user.

    Raises:
        LookupError: No `AuthMiddleware` or no `SessionMiddleware` stands around the caller.
    """
    _config()
    regenerate_session()
    get_request()._user = None


def login_required(handler: Handler) -> Handler:
    """Keep a handler for known users; others are sent to `login_url`, or get 401 without one.

    Stands between `@app.route(...)` and the handler. Where the request brings a token, or asks for
    no page, the answer is 401 too.
    """

    @functools.wraps(handler)
    async def guarded(*arguments: Any, **keywords: Any) -> Any:
        request = get_request()
        if request.user.is_authenticated:
            # Only here: it needs this package's middleware to be complete.
            from chirp.serving.handlers import call  # noqa: PLC0415

            return await call(handler, *arguments, **keywords)
        config = _config()
        browses = "text/html" in request.headers.get("accept", "")
        if config.login_url is None or not browses or config.token_header in request.headers:
            raise HTTPError(401, "log in first", (("WWW-Authenticate", config.token_scheme),))
        if request.method not in ("GET", "HEAD"):
            return Redirect(config.login_url, 303)
        mark = "&" if "?" in config.login_url else "?"
        return Redirect(f"{config.login_url}{mark}next={quote(request.url, safe='/')}", 303)

    return cast("Handler", guarded)


def _config() -> AuthConfig:
    config = get_request().state.get(_KEY)
    if not isinstance(config, AuthConfig):
        raise LookupError("nobody can log in here: add AuthMiddleware inside of SessionMiddleware")
    return config
