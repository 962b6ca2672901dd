"""Quart apps: the rules of the URL map."""

from __future__ import annotations

from typing import Any

from ..callables import decorator, definition
from .view import View, route, version_of

_REGISTER = frozenset({"route", "get", "post", "put", "patch", "delete", "websocket"})


def describe(app: Any, view: View) -> dict[str, Any] | None:
    """Read ``app.url_map``; None for other classes of the package."""
    url_map = getattr(app, "url_map", None)
    if url_map is None:
        return None
    routes = []
    for rule in url_map.iter_rules():
        path = str(rule.rule)
        handler = app.view_functions.get(rule.endpoint)
        websocket = bool(getattr(rule, "websocket", False))
        position = decorator(handler, _REGISTER, path) or definition(handler)
        methods = () if websocket else rule.methods or ()
        name = str(rule.endpoint)
        routes.append(route(path, methods, handler, position, name=name, websocket=websocket))
    return view.app(app, "quart", version_of("quart"), routes=routes)
