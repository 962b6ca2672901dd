"""Sessions: which cookie carries them, how it is signed and how long it lives."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from pounce_rs.probe.session import current

from chirp.errors import ConfigurationError
from chirp.middleware.settings import SECRET, Mistakes, Settings

#: A cookie name is a token (RFC 6265, section 4.1.1).
_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_SAME_SITE = ("lax", "strict", "none")
_DIGESTS = ("sha256", "sha512")


@dataclass(frozen=True, repr=False)
class SessionConfig(Settings):
    """Settings of the session cookie.

    Attributes:
        secret_key: Signs the cookie; usually `app.config.secret_key`.
        cookie_name: Name of the cookie.
        max_age: Lifetime of the cookie, in seconds.
        path: Path that the cookie is sent for.
        domain: Domain that the cookie is sent to; None means this host only.
        secure: Whether it goes over HTTPS only; `"auto"` means outside development.
        httponly: Whether scripts are kept from reading it.
        samesite: `"lax"`, `"strict"` or `"none"`; the last one needs a Secure cookie.
        signer_digest: Digest of the signature, `"sha256"` or `"sha512"`.
        idle_timeout_seconds: Ends a session without requests for so long; None means never.
        absolute_timeout_seconds: Ends a session of that age; None means never.
        created_at_key: Key of the session's start time in its data.
        last_seen_at_key: Key of its last request's time in its data.
        store: Where sessions are kept; None means in the signed cookie itself.

    Raises:
        ConfigurationError: Names every setting that is wrong.
    """

    secret_key: str = field(metadata=SECRET)
    cookie_name: str = "chirp_session"
    max_age: int = 86400
    path: str = "/"
    domain: str | None = None
    secure: bool | Literal["auto"] = "auto"
    httponly: bool = True
    samesite: str = "lax"
    signer_digest: Literal["sha256", "sha512"] = "sha256"
    idle_timeout_seconds: int | None = None
    absolute_timeout_seconds: int | None = None
    created_at_key: str = "__created_at"
    last_seen_at_key: str = "__last_seen_at"
    store: object | None = None

    def __post_init__(self) -> None:
        mistakes = Mistakes("SessionConfig")
        mistakes.expect(isinstance(self.secret_key, str), "secret_key must be a string")
        if mistakes.expect_text("cookie_name", self.cookie_name):
            mistakes.expect(
                _COOKIE_NAME.fullmatch(self.cookie_name) is not None,
                f"cookie_name {self.cookie_name!r} has a character that cookie names may not have",
            )
        mistakes.expect_count("max_age", self.max_age, 1, "seconds")
        if mistakes.expect_text("path", self.path):
            mistakes.expect(
                self.path.startswith("/") and ";" not in self.path,
                f"path {self.path!r} must start with / and hold no ;",
            )
        if self.domain is not None and mistakes.expect_text("domain", self.domain):
            mistakes.expect(
                re.search(r"[;/\s]", self.domain) is None,
                f"domain {self.domain!r} must be a host name without scheme or path",
            )
        mistakes.expect(
            isinstance(self.secure, bool) or self.secure == "auto",
            f"secure must be True, False or 'auto', not {self.secure!r}",
        )
        mistakes.expect_flag("httponly", self.httponly)
        if isinstance(self.samesite, str):
            self._normalize("samesite", self.samesite.lower())
        mistakes.expect(
            self.samesite in _SAME_SITE,
            f"samesite must be one of {', '.join(_SAME_SITE)}, not {self.samesite!r}",
        )
        mistakes.expect(
            self.signer_digest in _DIGESTS,
            f"signer_digest must be one of {', '.join(_DIGESTS)}, not {self.signer_digest!r}",
        )
        for name in ("idle_timeout_seconds", "absolute_timeout_seconds"):
            value = getattr(self, name)
            if value is not None:
                mistakes.expect_count(name, value, 1, "seconds")
        for name in ("created_at_key", "last_seen_at_key"):
            mistakes.expect_text(name, getattr(self, name))
        mistakes.raise_if_any()


class CookieSessionStore:
    """Keeps the session's data in the signed cookie itself.

    Args:
        config: Settings of the cookie.

    Raises:
        ConfigurationError: The secret key is empty.
    """

    def __init__(self, config: SessionConfig) -> None:
        _require_secret(config, "CookieSessionStore")
        self._config = config

    def __repr__(self) -> str:
        """Show the settings, without secrets."""
        return f"CookieSessionStore({self._config!r})"


class RedisSessionStore:
    """Keeps the session's data in Redis; the signed cookie carries its id.

    Args:
        config: Settings of the cookie.
        redis_url: `redis://`, `rediss://` or `unix://` URL of the server. May hold a password, so
            it is never shown.
        key_prefix: Put in front of the session id to make the Redis key.

    Raises:
        ConfigurationError: The secret key is empty or the URL has another scheme.
    """

    def __init__(
        self, config: SessionConfig, redis_url: str, key_prefix: str = "chirp:session:"
    ) -> None:
        _require_secret(config, "RedisSessionStore")
        mistakes = Mistakes("RedisSessionStore")
        mistakes.expect(
            isinstance(redis_url, str)
            and redis_url.startswith(("redis://", "rediss://", "unix://")),
            "redis_url must start with redis://, rediss:// or unix://",
        )
        mistakes.expect_text("key_prefix", key_prefix, empty=True)
        mistakes.raise_if_any()
        self._config = config
        self._redis_url = redis_url
        self._key_prefix = key_prefix

    def __repr__(self) -> str:
        """Show the settings, without secrets."""
        return f"RedisSessionStore({self._config!r}, redis_url_set=True)"


class SessionMiddleware:
    """Gives every request its session.

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
        _require_secret(config, "SessionMiddleware")
        self._config = config
        self._store = config.store if config.store is not None else CookieSessionStore(config)

    @property
    def config(self) -> SessionConfig:
        """The settings that it was made with."""
        return self._config

    @property
    def configured_secure(self) -> bool | Literal["auto"]:
        """The `secure` setting of the cookie that is sent, which is the store's, unresolved."""
        inner = getattr(self._store, "_config", None)
        return inner.secure if isinstance(inner, SessionConfig) else self._config.secure

    def __repr__(self) -> str:
        """Show the settings, without secrets."""
        return f"SessionMiddleware({self._config!r})"


def _require_secret(config: SessionConfig, owner: str) -> None:
    # A preflight judges the key by its own rule, together with everything else.
    if not config.secret_key and current() is None:
        raise ConfigurationError(
            f"{owner} signs cookies with secret_key, which is empty: pass "
            "SessionConfig(secret_key=app.config.secret_key) and set CHIRP_SECRET_KEY"
        )
