"""A nonce for every request, so that a page's own inline scripts pass its policy."""

from __future__ import annotations

import secrets

from chirp.context import get_request
from chirp.middleware.settings import Mistakes
from chirp.middleware.step import AnyResponse, Next, Request

#: Where the request's state keeps the nonce.
_KEY = "chirp.csp_nonce"
#: Where scripts may come from beside the app itself: htmx and Alpine are there.
_SOURCES = "https://unpkg.com https://cdn.jsdelivr.net"

#: The policy that the nonce's script-src is added to.
DEFAULT_BASE = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "base-uri 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)


class CSPNonceMiddleware:
    """Sends a Content-Security-Policy whose script-src holds the request's nonce.

    Args:
        base_csp: Policy without script-src; None means `DEFAULT_BASE`.
        unsafe_eval: Whether scripts may evaluate strings, as the standard Alpine build does.
        style_unsafe_inline: Whether inline style attributes are allowed, as Alpine's x-show needs.

    Raises:
        ConfigurationError: Names every setting that is wrong.
    """

    def __init__(
        self,
        base_csp: str | None = None,
        *,
        unsafe_eval: bool = False,
        style_unsafe_inline: bool = False,
    ) -> None:
        mistakes = Mistakes("CSPNonceMiddleware")
        if base_csp is not None and mistakes.expect_text("base_csp", base_csp):
            names = [part.split()[0].lower() for part in base_csp.split(";") if part.strip()]
            mistakes.expect(
                "script-src" not in names,
                "base_csp must not hold script-src: the nonce's own one is added to it",
            )
        mistakes.expect_flag("unsafe_eval", unsafe_eval)
        mistakes.expect_flag("style_unsafe_inline", style_unsafe_inline)
        mistakes.raise_if_any()
        self.base_csp = DEFAULT_BASE if base_csp is None else base_csp
        self.unsafe_eval = unsafe_eval
        self.style_unsafe_inline = style_unsafe_inline

    async def __call__(self, request: Request, next: Next) -> AnyResponse:  # noqa: A002
        """Make the nonce, go on, and send the policy with it."""
        nonce = request.state[_KEY] = secrets.token_urlsafe(24)
        response = await next(request)
        return response.replacing_header("Content-Security-Policy", self._policy(nonce))

    def _policy(self, nonce: str) -> str:
        scripts = f"script-src 'self' 'nonce-{nonce}' {_SOURCES}"
        if self.unsafe_eval:
            scripts += " 'unsafe-eval'"
        parts = [self.base_csp.rstrip("; "), scripts]
        if self.style_unsafe_inline:
            parts.append("style-src 'self' 'unsafe-inline'")
        return "; ".join(parts)

    def __repr__(self) -> str:
        """Show the settings."""
        return (
            f"CSPNonceMiddleware({self.base_csp!r}, unsafe_eval={self.unsafe_eval}, "
            f"style_unsafe_inline={self.style_unsafe_inline})"
        )


def csp_nonce() -> str:
    """The nonce of this request, for `<script nonce="...">`; empty where none is sent."""
    try:
        return str(get_request().state.get(_KEY, ""))
    except LookupError:
        return ""
