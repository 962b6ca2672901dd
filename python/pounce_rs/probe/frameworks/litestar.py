"""Litestar apps: the routes of the router, by path (they come in no order of their own)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..callables import decorator, definition
from .view import View, route, version_of

_REGISTER = frozenset(
    {"asgi", "delete", "get", "head", "patch", "post", "put", "route", "websocket"}
    | {"websocket_listener", "websocket_stream"}
)


def describe(app: Any, view: View) -> dict[str, Any] | None:
    """Read ``app.routes``; None for other classes of the package."""
    routes = getattr(app, "routes", None)
    if not isinstance(routes, list):
        return None
    return view.app(app, "litestar", version_of("litestar"), routes=list(_routes(routes)))


def _routes(routes: list[Any]) -> Iterator[dict[str, Any]]:
    for each in sorted(routes, key=lambda found: str(found.path)):
        handlers = getattr(each, "route_handlers", None) or [getattr(each, "route_handler", None)]
        for handler in handlers:
            function = getattr(handler, "fn", handler)
            function = getattr(function, "value", function)
            methods = sorted(getattr(handler, "http_methods", ()))
            if methods == ["OPTIONS"] and function.__module__.startswith("litestar."):
                continue  # the answer to a preflight request, which the framework adds
            websocket = "WebSocket" in type(each).__name__
            mount = "ASGI" in type(each).__name__
            name = getattr(handler, "name", None)
            path = str(each.path)
            yield route(
                path,
                methods,
                function,
                decorator(function, _REGISTER, path) or definition(function),
                name=name,
                websocket=websocket,
                mount=mount,
            )
