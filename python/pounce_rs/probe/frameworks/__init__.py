"""One module per framework: what an app object says about itself, for the document."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .view import View

_MODULES = {
    "fastapi": "starlette",
    "starlette": "starlette",
    "django": "django",
    "litestar": "litestar",
    "quart": "quart",
}
"""Top-level package of a class in the app's MRO, and the module here that reads such apps."""

_MOST_WRAPPERS = 16


def describe(app: Any, view: View) -> dict[str, Any]:
    """The ``app`` part of the document for any ASGI app.

    A middleware around the app (``SentryAsgiMiddleware(app)``) is looked through: it becomes the
    outermost middleware of the app inside.
    """
    outer: list[Any] = []
    inner = app
    while len(outer) < _MOST_WRAPPERS:
        described = _known(inner, view)
        if described is not None:
            if outer:
                described["middleware"] = _wrapped(outer, described["middleware"])
            return described
        wrapped = _inside(inner)
        if wrapped is None:
            break
        outer.append(inner)
        inner = wrapped
    from . import generic

    return generic.describe(app, view)


def _known(app: Any, view: View) -> dict[str, Any] | None:
    if getattr(type(app), "_chirp_app", False):
        from . import chirp

        return chirp.describe(app, view)
    if hasattr(app, "_mutable_state") and _comes_from(app, "chirp"):
        from . import bengal_chirp

        return bengal_chirp.describe(app, view)
    for package, name in _MODULES.items():
        if package in sys.modules and _comes_from(app, package):
            from importlib import import_module

            module = import_module(f"{__name__}.{name}")
            found: dict[str, Any] | None = module.describe(app, view)
            if found is not None:
                return found
    return None


def _comes_from(app: Any, package: str) -> bool:
    return any(base.__module__.split(".")[0] == package for base in type(app).__mro__)


def _inside(app: Any) -> Any:
    """The app that a middleware object wraps, under the attribute names in use."""
    for name in ("app", "_app", "asgi_app", "application"):
        try:
            inner = vars(app).get(name)
        except TypeError:
            return None
        app_of_chirp = getattr(type(inner), "_chirp_app", False)
        if (callable(inner) or app_of_chirp) and not isinstance(inner, type):
            return inner
    return None


def _wrapped(outer: list[Any], middleware: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from .middleware import by_class

    entries = [by_class(type(each), registration=index) for index, each in enumerate(outer)]
    for entry in middleware:
        entries.append({**entry, "registration": entry["registration"] + len(outer)})
    return entries
