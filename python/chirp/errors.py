"""Exceptions that Chirp raises, and those that handlers raise to answer with a status."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class ChirpError(Exception):
    """Base of every exception that is Chirp's own."""


class ConfigurationError(ChirpError, ValueError):
    """A setting, a route or a middleware is declared wrongly.

    The message names every mistake of the call, one a line. It is a `ValueError` too, as
    `pounce.ServerConfig` raises.
    """


class HTTPError(ChirpError):
    """Ends a request with a status.

    Args:
        status: HTTP status code, 400 to 599 (RFC 9110, section 15).
        detail: What went wrong, in words for the client.
        headers: Further response headers as (name, value) pairs.

    Raises:
        ConfigurationError: The status is none of an error, or the detail no text.
    """

    def __init__(
        self, status: int, detail: str = "", headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        if not isinstance(status, int) or not 400 <= status <= 599:
            raise ConfigurationError(f"HTTPError status must be 400 to 599, not {status!r}")
        if not isinstance(detail, str):
            raise ConfigurationError(
                f"HTTPError detail is text for the client, not {type(detail).__name__}"
            )
        self.status = status
        self.detail = detail
        self.headers = tuple(headers)
        super().__init__(f"{status}: {detail}" if detail else str(status))


class NotFound(HTTPError):
    """404: nothing is here.

    Args:
        detail: What was looked for.
    """

    def __init__(self, detail: str = "Not Found") -> None:
        super().__init__(404, detail)


class MethodNotAllowed(HTTPError):
    """405: the path exists, the method does not; carries the Allow header (RFC 9110, 15.5.6).

    Args:
        allowed: The methods that the path does answer.
        detail: What to tell the client; by default the allowed methods.
    """

    def __init__(self, allowed: Iterable[str], detail: str = "") -> None:
        allow = ", ".join(sorted(allowed))
        super().__init__(405, detail or f"allowed here: {allow}", (("Allow", allow),))


class PayloadTooLarge(HTTPError):
    """413: the body is larger than the app takes.

    Args:
        detail: Which limit it passes.
    """

    def __init__(self, detail: str = "Payload Too Large") -> None:
        super().__init__(413, detail)


class ClientDisconnected(ChirpError):
    """The client went away before its request was whole; nobody is left to answer."""


#: What `App.error` answers: a status, or a class of exceptions.
What = int | type[Exception]


def check_error_handler(what: object, handler: Any = None) -> None:
    """Refuse what no error can be, or a handler that cannot be called for one.

    Raises:
        ConfigurationError: Which, and what may stand there.
    """
    status = isinstance(what, int) and not isinstance(what, bool) and 400 <= what <= 599
    if not status and not (isinstance(what, type) and issubclass(what, Exception)):
        raise ConfigurationError(
            f"error() takes a status of 400 to 599 or a class of exceptions, not {what!r}"
        )
    if handler is not None and not callable(handler):
        raise ConfigurationError(f"an error handler is callable, {type(handler).__name__} is not")
