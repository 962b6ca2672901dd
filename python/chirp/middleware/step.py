"""What stands inside of a middleware: the next step, and what it gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from chirp.http.request import Request
from chirp.http.response import AnyResponse

Next = Callable[[Request], Awaitable[AnyResponse]]
"""The next step: an inner middleware, or the handler behind them all."""

__all__ = ["AnyResponse", "Next", "Request"]
