"""Starlette and FastAPI apps: routes with mounts and routers, and the middleware stack."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from ..callables import decorator, definition, registration
from ..sources import Position
from .middleware import by_class
from .view import View, hooks, route, version_of

_REGISTER = frozenset(
    {
        "api_route",
        "delete",
        "get",
        "head",
        "options",
        "patch",
        "post",
        "put",
        "route",
        "trace",
        "websocket",
        "websocket_route",
    }
)

_LISTED = frozenset(
    {"Route", "WebSocketRoute", "add_route", "add_websocket_route", "add_api_route"}
)


def describe(app: Any, view: View) -> dict[str, Any] | None:
    """Read ``app.routes`` and ``app.user_middleware``; None for other classes of these packages."""
    if not isinstance(getattr(app, "routes", None), list):
        return None
    fastapi = sys.modules.get("fastapi")
    is_fastapi = fastapi is not None and isinstance(app, fastapi.FastAPI)
    name = "fastapi" if is_fastapi else "starlette"
    router = getattr(app, "router", app)
    middleware = []
    for index, each in enumerate(getattr(app, "user_middleware", ())):
        keywords = getattr(each, "kwargs", None) or getattr(each, "options", None) or {}
        middleware.append(by_class(each.cls, registration=index, keywords=keywords))
    return view.app(
        app,
        name,
        version_of(name),
        routes=list(_routes(app.routes, "")),
        middleware=middleware,
        hooks=hooks(
            startup=[view.named(each, None, "") for each in getattr(router, "on_startup", ())],
            shutdown=[view.named(each, None, "") for each in getattr(router, "on_shutdown", ())],
        ),
    )


def _routes(routes: Any, prefix: str) -> Iterator[dict[str, Any]]:
    for each in routes:
        path = prefix + str(getattr(each, "path", ""))
        endpoint = getattr(each, "endpoint", None)
        name = getattr(each, "name", None) or None
        inner = getattr(each, "routes", None)
        included = getattr(each, "original_router", None)
        if included is not None:
            # Recent FastAPI keeps an included router as it is, with its prefix beside it.
            context = getattr(each, "include_context", None)
            yield from _routes(included.routes, prefix + str(getattr(context, "prefix", "")))
        elif endpoint is not None:
            methods = getattr(each, "methods", None)
            websocket = methods is None and "WebSocket" in type(each).__name__
            if methods is None and not websocket:
                methods = _methods_of_class(endpoint)
            position = (
                decorator(endpoint, _REGISTER, path)
                or _listed(each, endpoint)
                or definition(endpoint)
            )
            yield route(path, methods, endpoint, position, name=name, websocket=websocket)
        elif hasattr(each, "host"):
            yield from _routes(inner or (), prefix)
        else:
            mounted = getattr(each, "app", each)
            # What a mount answers is known by its routes, where it has some.
            if not inner:
                yield route(path or "/", (), mounted, None, name=name, mount=True)
            yield from _routes(inner or (), path)


def _listed(route: Any, endpoint: Any) -> Position | None:
    """``Route("/items", ...)`` in the file of its handler; elsewhere it is not looked for."""
    module = sys.modules.get(getattr(endpoint, "__module__", ""))
    path = str(getattr(route, "path", ""))
    return registration(path, _LISTED, getattr(module, "__file__", None))


def _methods_of_class(endpoint: Any) -> list[str]:
    """Methods of a class-based endpoint: the lower-case functions that it has."""
    known = ("get", "head", "post", "put", "patch", "delete", "options")
    return [name for name in known if callable(getattr(endpoint, name, None))]
