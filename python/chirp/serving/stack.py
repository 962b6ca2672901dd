"""The middleware around the handlers, put together once."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chirp.errors import ConfigurationError
from chirp.http.request import Request
from chirp.http.response import AnyResponse
from chirp.middleware.allowed_hosts import AllowedHostsMiddleware
from chirp.middleware.csp_nonce import CSPNonceMiddleware
from chirp.middleware.security_headers import TransportSecurityMiddleware
from chirp.middleware.step import Next
from chirp.serving.failures import Failures
from chirp.serving.results import respond

if TYPE_CHECKING:
    from pounce_rs._native import AppConfig

#: What HSTS says where the app ends TLS itself in production and sets nothing: two years.
_STRICT_TRANSPORT = "max-age=63072000; includeSubDomains"


def ordered(declared: Sequence[tuple[Any, int]], config: AppConfig) -> list[Any]:
    """The middleware of an app, outermost first, with what its settings ask for.

    Args:
        declared: Middleware and priorities, in the order of `add_middleware`.
        config: The app's settings.
    """
    stack = [middleware for middleware, _ in sorted(declared, key=lambda entry: entry[1])]

    def has(cls: type) -> bool:
        return any(isinstance(middleware, cls) for middleware in stack)

    if config.csp_nonce_enabled and not has(CSPNonceMiddleware):
        stack.insert(0, CSPNonceMiddleware())
    transport = config.strict_transport_security
    if transport is None and config.env == "production" and config.ssl_certfile:
        transport = _STRICT_TRANSPORT
    if transport:
        stack.insert(0, TransportSecurityMiddleware(transport))
    if "*" not in config.allowed_hosts and not has(AllowedHostsMiddleware):
        stack.insert(0, AllowedHostsMiddleware(config.allowed_hosts, debug=config.debug))
    return stack


def compiled(stack: Sequence[Any], innermost: Next, failures: Failures) -> Next:
    """Put middleware around the last step, the first one outermost.

    Errors that the app has an answer to become that answer where they are raised, so that the
    middleware further out sees a response; all others pass through.

    Raises:
        ConfigurationError: One is not callable.
    """
    step = _answering(innermost, failures)
    for middleware in reversed(stack):
        step = _answering(_around(middleware, step), failures)
    return step


def _answering(inner: Next, failures: Failures) -> Next:
    async def step(request: Request) -> AnyResponse:
        try:
            return await inner(request)
        except Exception as error:
            if not failures.foresees(error):
                raise
            return await failures.respond(request, error)

    return step


def _around(middleware: Any, inner: Next) -> Next:
    if not callable(middleware):
        raise ConfigurationError(
            f"the middleware {type(middleware).__name__} is not callable: it needs "
            "`async def __call__(self, request, next)`"
        )

    async def step(request: Request) -> AnyResponse:
        result = middleware(request, inner)
        return respond(await result if inspect.isawaitable(result) else result)

    return step
