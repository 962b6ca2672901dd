"""Which Host headers an app answers to."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chirp.http.response import TEXT, Response
from chirp.middleware.settings import Mistakes, texts
from chirp.middleware.step import AnyResponse, Next, Request

#: A host name or an IPv6 address in brackets, and perhaps a port (RFC 9110, section 7.2).
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::[0-9]*)?")
#: What such a host is compared with: a name, with a dot in front for all below it, or an address.
_PATTERN = re.compile(r"\[[0-9a-f:.]+\]|(?!\.+$)[^\s:/*\[\]\"'?#@${}<>()|;&!\\,~^`=+]+")


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
            host.lower() for host in texts(mistakes, "allowed_hosts", allowed_hosts)
        )
        for host in self.allowed_hosts:
            mistakes.expect(
                host == "*" or _PATTERN.fullmatch(host) is not None,
                f"allowed_hosts: {host!r} must be a host name without scheme, port or path; "
                ".example.com stands for all below it",
            )
        mistakes.expect_flag("debug", debug)
        mistakes.raise_if_any()
        self.debug = debug

    async def __call__(self, request: Request, next: Next) -> AnyResponse:  # noqa: A002
        """Answer 400 to a foreign host, else go on."""
        if self.allows(request.host):
            return await next(request)
        words = "this host is not served here"
        if self.debug:
            words += f": {request.host!r} is none of allowed_hosts {', '.join(self.allowed_hosts)}"
        return Response(words, 400, TEXT)

    def allows(self, host: str) -> bool:
        """Whether a Host header, with or without port, names a host of the app."""
        if "*" in self.allowed_hosts:
            return True
        found = _HOST.fullmatch(host.lower())
        name = found[1].removesuffix(".") if found else ""
        return bool(name) and any(
            known == name or (known.startswith(".") and (name == known[1:] or name.endswith(known)))
            for known in self.allowed_hosts
        )

    def __repr__(self) -> str:
        """Show the settings."""
        return f"AllowedHostsMiddleware({self.allowed_hosts!r}, debug={self.debug})"
