"""Protection against cross-site request forgery by a token in the session."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from html import escape

from chirp.context import get_request
from chirp.errors import ConfigurationError, HTTPError
from chirp.middleware.settings import Mistakes, Settings, paths
from chirp.middleware.step import AnyResponse, Next, Request

#: Methods that change nothing (RFC 9110, section 9.2.1) need no token.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
#: Where the request's state keeps the settings that hold for it.
_KEY = "chirp.csrf_config"


@dataclass(frozen=True, repr=False)
class CSRFConfig(Settings):
    """Settings of the token.

    Attributes:
        field_name: Form field that carries it.
        header_name: Request header that carries it where there is no form.
        session_key: Key of the token in the session.
        token_length: Random bytes of a token, at least 16.
        exempt_paths: Paths that are not checked, such as webhooks; each starts with `/`.

    Raises:
        ConfigurationError: Names every setting that is wrong.
    """

    field_name: str = "_csrf_token"
    header_name: str = "X-CSRF-Token"
    session_key: str = "_csrf_token"
    token_length: int = 32
    exempt_paths: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        mistakes = Mistakes("CSRFConfig")
        for name in ("field_name", "header_name", "session_key"):
            mistakes.expect_text(name, getattr(self, name))
        mistakes.expect_count("token_length", self.token_length, 16, "bytes")
        self._normalize("exempt_paths", paths(mistakes, "exempt_paths", self.exempt_paths))
        mistakes.raise_if_any()


class CSRFMiddleware:
    """Refuses mutating requests without the session's token; stands inside `SessionMiddleware`.

    Args:
        config: Its settings; by default `CSRFConfig()`.
    """

    def __init__(self, config: CSRFConfig | None = None) -> None:
        if config is not None and not isinstance(config, CSRFConfig):
            raise ConfigurationError(
                f"CSRFMiddleware takes a CSRFConfig, not {type(config).__name__}"
            )
        self._config = config if config is not None else CSRFConfig()

    @property
    def config(self) -> CSRFConfig:
        """The settings that it was made with."""
        return self._config

    async def __call__(self, request: Request, next: Next) -> AnyResponse:  # noqa: A002
        """Go on, if the request changes nothing or brings the session's token.

        Raises:
            HTTPError: 403, the token is missing or another one.
            LookupError: No session stands around this middleware.
        """
        request._existing_session()
        request.state[_KEY] = self._config
        if request.method not in _SAFE and request.path not in self._config.exempt_paths:
            known = request.session.get(self._config.session_key)
            given = await self._given(request)
            if not given:
                raise HTTPError(403, "the CSRF token is missing")
            if not known or not secrets.compare_digest(given.encode(), str(known).encode()):
                raise HTTPError(403, "the CSRF token is not the one of this session")
        return await next(request)

    async def _given(self, request: Request) -> str | None:
        given = request.headers.get(self._config.header_name)
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        if given is None and kind in _FORMS:
            given = (await request.form()).get(self._config.field_name)
        return given

    def __repr__(self) -> str:
        """Show the settings."""
        return f"CSRFMiddleware({self._config!r})"


def csrf_token() -> str:
    """The token of this request's session, made when it is first asked for.

    Raises:
        LookupError: There is no request, or no `CSRFMiddleware` around it.
    """
    request = get_request()
    config = request.state.get(_KEY)
    if not isinstance(config, CSRFConfig):
        raise LookupError("there is no CSRF token: add CSRFMiddleware inside of SessionMiddleware")
    token = request.session.get(config.session_key)
    if not token:
        token = request.session[config.session_key] = secrets.token_hex(config.token_length)
    return str(token)


def csrf_field() -> str:
    """The hidden field that a form needs, as HTML.

    Raises:
        LookupError: There is no request, or no `CSRFMiddleware` around it.
    """
    token = csrf_token()
    name = escape(get_request().state[_KEY].field_name)
    return f'<input type="hidden" name="{name}" value="{escape(token)}">'
