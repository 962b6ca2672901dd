"""Which Host headers an app answers to."""

from __future__ import annotations

from collections.abc import Iterable

from chirp.middleware.settings import Mistakes, texts


class AllowedHostsMiddleware:
    """Refuses requests for hosts that are not the app's.

    Args:
        allowed_hosts: Host names without port; `.example.com` stands for the domain and all below
            it, `*` for every host.
        debug: Whether the refusal says what is allowed.

    Raises:
        ConfigurationError: Names every setting that is wrong.
    """

    def __init__(self, allowed_hosts: Iterable[str] = ("*",), *, debug: bool = False) -> None:
        mistakes = Mistakes("AllowedHostsMiddleware")
        self.allowed_hosts = tuple(
            host.lower() if isinstance(host, str) else host
            for host in texts(mistakes, "allowed_hosts", allowed_hosts)
        )
        for host in self.allowed_hosts:
            mistakes.expect(
                not isinstance(host, str) or "/" not in host,
                f"allowed_hosts: {host!r} must be a host name without scheme or path",
            )
        mistakes.expect_flag("debug", debug)
        mistakes.raise_if_any()
        self.debug = debug

    def __repr__(self) -> str:
        """Show the settings."""
        return f"AllowedHostsMiddleware({self.allowed_hosts!r}, debug={self.debug})"
