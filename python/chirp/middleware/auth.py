"""Who a request is from: a user of the session, or the bearer of a token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from chirp.errors import ConfigurationError
from chirp.middleware.settings import Mistakes, Settings, kind, texts


@runtime_checkable
class User(Protocol):
    """What Chirp needs to know of a user; any object with these attributes will do."""

    @property
    def id(self) -> str:
        """Identifies the user in the session."""

    @property
    def is_authenticated(self) -> bool:
        """Whether this is a known user."""


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
        self._normalize(
            "exclude_paths", frozenset(texts(mistakes, "exclude_paths", self.exclude_paths))
        )
        for path in sorted(self.exclude_paths):
            mistakes.expect(path.startswith("/"), f"exclude_paths: {path!r} must start with /")
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

    def __repr__(self) -> str:
        """Show the settings."""
        return f"AuthMiddleware({self._config!r})"
