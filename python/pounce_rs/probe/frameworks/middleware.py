"""Middleware as data: class, order, signature, and the settings that rules look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..callables import is_async, positional_parameters
from ..sources import Position
from ..values import as_json

_SETTINGS = (
    "allowed_hosts",
    "www_redirect",
    "https_only",
    "same_site",
    "session_cookie",
    "max_age",
    "allow_origins",
    "allow_origin_regex",
    "allow_methods",
    "allow_headers",
    "allow_credentials",
)
"""Keyword arguments of other frameworks' middleware that are reported; others may hold secrets."""


def live(
    middleware: Any, priority: int, registration: int, position: Position | None
) -> dict[str, Any]:
    """A middleware object or function as Chirp apps hold it, called with a request and ``next``."""
    named = isinstance(middleware, type) or hasattr(middleware, "__qualname__")
    cls = middleware if named else type(middleware)
    entry = by_class(cls, registration=registration, position=position)
    entry["priority"] = priority
    entry["callable"] = callable(middleware)
    if callable(middleware) and not isinstance(middleware, type):
        entry["is_async"] = is_async(middleware)
        entry["positional_parameters"] = positional_parameters(middleware)
    entry["settings"] = _chirp_settings(middleware)
    return entry


def by_class(
    cls: Any,
    *,
    registration: int,
    position: Position | None = None,
    keywords: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A middleware known by its class and the keywords it will be made with."""
    bases = [base.__name__ for base in getattr(cls, "__mro__", ()) if base is not object]
    settings = {}
    for name in _SETTINGS:
        if keywords and name in keywords:
            value, opaque = as_json(keywords[name])
            if not opaque:
                settings[name] = value
    return {
        "class": getattr(cls, "__name__", type(cls).__name__),
        "module": getattr(cls, "__module__", None) or "",
        "bases": bases,
        "priority": 0,
        "registration": registration,
        "position": position,
        "callable": True,
        "is_async": None,
        "positional_parameters": None,
        "settings": settings,
    }


def _chirp_settings(middleware: Any) -> dict[str, Any]:
    names = {base.__name__ for base in type(middleware).__mro__}
    settings: dict[str, Any] = {}
    if "SessionMiddleware" in names:
        settings["secure"] = _first(middleware, "configured_secure", "secure", default="auto")
        store = _first(middleware, "_store", "store")
        config = _first(store, "_config", "config") or _first(middleware, "_config", "config")
        settings["samesite"] = str(_first(config, "samesite", default="lax")).lower()
    if "SecurityHeadersMiddleware" in names:
        config = _first(middleware, "config", "_config")
        for name in ("content_security_policy", "strict_transport_security"):
            settings[name] = _first(config, name)
    if any("AllowedHosts" in name for name in names):
        settings["allowed_hosts"] = _first(middleware, "allowed_hosts", "_allowed_hosts", "_hosts")
    return {name: as_json(value)[0] for name, value in settings.items()}


def _first(holder: Any, *names: str, default: Any = None) -> Any:
    for name in names:
        value = getattr(holder, name, None)
        if value is not None:
            return value
    return default
