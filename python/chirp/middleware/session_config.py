"""Settings of sessions: which cookie carries them, how it is signed and how long it lives."""

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
        max_age: Lifetime of a session from its last change, in seconds.
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
        store: Where sessions are kept, a `SessionStore`; None means in the signed cookie itself.

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


def require_secret(config: SessionConfig, owner: str) -> None:
    """Refuse an empty key, by which anyone could forge sessions.

    Raises:
        ConfigurationError: It is empty.
    """
    # A preflight judges the key by its own rule, together with everything else.
    if not config.secret_key and current() is None:
        raise ConfigurationError(
            f"{owner} signs cookies with secret_key, which is empty: pass "
            "SessionConfig(secret_key=app.config.secret_key) and set CHIRP_SECRET_KEY"
        )
