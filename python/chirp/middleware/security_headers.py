"""Response headers that tell browsers what a page may do."""

from __future__ import annotations

from dataclasses import dataclass

from chirp.errors import ConfigurationError
from chirp.middleware.settings import Mistakes, Settings
from chirp.middleware.step import AnyResponse, Next, Request

#: Scripts from this host and the two networks that htmx and Alpine come from; nothing inline.
DEFAULT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "script-src 'self' https://unpkg.com https://cdn.jsdelivr.net",
        "base-uri 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)


@dataclass(frozen=True, repr=False)
class SecurityHeadersConfig(Settings):
    """Values of the headers.

    Attributes:
        x_frame_options: Who may frame the page: `DENY` or `SAMEORIGIN`.
        x_content_type_options: `nosniff`.
        referrer_policy: Referrer Policy keyword.
        content_security_policy: Content Security Policy (CSP level 3); None sends none.
        strict_transport_security: HSTS value (RFC 6797), as `max-age=31536000`; None sends none.

    Raises:
        ConfigurationError: Names every setting that is wrong.
    """

    x_frame_options: str = "DENY"
    x_content_type_options: str = "nosniff"
    referrer_policy: str = "strict-origin-when-cross-origin"
    content_security_policy: str | None = DEFAULT_POLICY
    strict_transport_security: str | None = None

    def __post_init__(self) -> None:
        mistakes = Mistakes("SecurityHeadersConfig")
        for name in ("x_frame_options", "x_content_type_options", "referrer_policy"):
            mistakes.expect_text(name, getattr(self, name))
        for name in ("content_security_policy", "strict_transport_security"):
            if getattr(self, name) is not None:
                mistakes.expect_text(name, getattr(self, name))
        mistakes.raise_if_any()


class SecurityHeadersMiddleware:
    """Adds security headers to HTML responses.

    Args:
        config: Values of the headers; by default `SecurityHeadersConfig()`.
    """

    def __init__(self, config: SecurityHeadersConfig | None = None) -> None:
        if config is not None and not isinstance(config, SecurityHeadersConfig):
            raise ConfigurationError(
                "SecurityHeadersMiddleware takes a SecurityHeadersConfig, "
                f"not {type(config).__name__}"
            )
        self.config = config if config is not None else SecurityHeadersConfig()

    async def __call__(self, request: Request, next: Next) -> AnyResponse:  # noqa: A002
        """Add what the response does not set itself, if it is HTML."""
        response = await next(request)
        kind = response.header("content-type", response.content_type) or ""
        if not kind.lower().startswith("text/html"):
            return response
        config = self.config
        for name, value in (
            ("X-Frame-Options", config.x_frame_options),
            ("X-Content-Type-Options", config.x_content_type_options),
            ("Referrer-Policy", config.referrer_policy),
            ("Content-Security-Policy", config.content_security_policy),
        ):
            if value is not None and response.header(name) is None:
                response = response.with_header(name, value)
        return _strict_transport(request, response, config.strict_transport_security)

    def __repr__(self) -> str:
        """Show the settings."""
        return f"SecurityHeadersMiddleware({self.config!r})"


class TransportSecurityMiddleware:
    """Adds Strict-Transport-Security to all responses over HTTPS; `AppConfig` asks for it.

    Args:
        value: Value of the header (RFC 6797), as `max-age=31536000`.
    """

    def __init__(self, value: str) -> None:
        self.value = value

    async def __call__(self, request: Request, next: Next) -> AnyResponse:  # noqa: A002
        """Add the header, unless the response has it."""
        return _strict_transport(request, await next(request), self.value)

    def __repr__(self) -> str:
        """Show the value."""
        return f"TransportSecurityMiddleware({self.value!r})"


def _strict_transport(request: Request, response: AnyResponse, value: str | None) -> AnyResponse:
    """Add the header where browsers heed it: over plain HTTP it must not be sent (section 7.2)."""
    name = "Strict-Transport-Security"
    if value is None or request.scheme != "https" or response.header(name) is not None:
        return response
    return response.with_header(name, value)
