"""What a client gets when a handler raises: `@app.error` handlers, else a plain page."""

from __future__ import annotations

import inspect
import logging
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from chirp.errors import HTTPError, What
from chirp.http.request import Request
from chirp.http.response import TEXT, AnyResponse, Response
from chirp.serving.handlers import call
from chirp.serving.results import respond
from chirp.serving.signatures import signature

logger = logging.getLogger("chirp")


class Failures:
    """Makes responses of exceptions.

    Args:
        handlers: What `@app.error` has registered, by status or class.
        debug: Whether an unforeseen exception shows its traceback to the client.
    """

    def __init__(self, handlers: Mapping[What, Callable[..., Any]], *, debug: bool) -> None:
        self._handlers = handlers
        self._debug = debug

    def foresees(self, error: Exception) -> bool:
        """Whether an error is part of the app's answers, so that middleware sees a response."""
        return isinstance(error, HTTPError) or self._handler_for(error) is not None

    async def respond(self, request: Request, error: Exception) -> AnyResponse:
        """Make the response to an error; unforeseen ones are logged."""
        handler = self._handler_for(error)
        if isinstance(error, HTTPError):
            response: AnyResponse = Response(error.detail or str(error.status), error.status, TEXT)
            if handler is not None:
                response = await self._handled(handler, request, error, error.status)
            for name, value in error.headers:
                if response.header(name) is None:
                    response = response.with_header(name, value)
            return response
        if handler is not None:
            return await self._handled(handler, request, error, 500)
        logger.error(
            "%s %s failed (request id %s)",
            request.method,
            ascii(request.path),
            request.request_id or "unknown",
            exc_info=error,
        )
        handler = self._handlers.get(500) or self._handlers.get(Exception)
        if handler is not None:
            return await self._handled(handler, request, error, 500)
        if self._debug:
            trace = traceback.format_exception(type(error), error, error.__traceback__)
            return Response("".join(trace), 500, TEXT)
        return Response("Internal Server Error", 500, TEXT)

    def _handler_for(self, error: Exception) -> Callable[..., Any] | None:
        for cls in type(error).__mro__:
            # A handler for every exception answers those that nobody foresaw: they are logged.
            if cls in self._handlers and cls is not Exception:
                return self._handlers[cls]
        return self._handlers.get(error.status) if isinstance(error, HTTPError) else None

    async def _handled(
        self, handler: Callable[..., Any], request: Request, error: Exception, status: int
    ) -> AnyResponse:
        """Call an error handler with as much as it takes: nothing, the request, the error too."""
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        parameters = signature(handler).parameters.values()
        count = sum(parameter.kind in kinds for parameter in parameters)
        if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
            count = 2
        result = await call(handler, *(request, error)[:count])
        response = respond(result)
        # A result that says nothing of a status keeps the error's.
        said = isinstance(result, (Response, tuple)) or response.status not in (200, 204)
        return response if said else response.with_status(status)
