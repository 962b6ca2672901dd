"""A nonce for every request, so that a page's own inline scripts pass its policy."""

from __future__ import annotations

from chirp.middleware.settings import Mistakes

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

    def __repr__(self) -> str:
        """Show the settings."""
        return (
            f"CSPNonceMiddleware({self.base_csp!r}, unsafe_eval={self.unsafe_eval}, "
            f"style_unsafe_inline={self.style_unsafe_inline})"
        )
