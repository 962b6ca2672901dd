"""Django ASGI handlers: routes of the URL configuration and the names of the middleware."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from ..callables import definition, registration
from .view import View, route, version_of

_REGISTER = frozenset({"path", "re_path"})


def describe(app: Any, view: View) -> dict[str, Any] | None:
    """Read the URL resolver and ``settings.MIDDLEWARE`` of a configured project."""
    if not any(base.__name__ == "ASGIHandler" for base in type(app).__mro__):
        return None
    settings: Any = import_module("django.conf").settings
    get_resolver: Any = import_module("django.urls").get_resolver

    middleware = []
    for index, dotted in enumerate(settings.MIDDLEWARE):
        module, _, name = str(dotted).rpartition(".")
        middleware.append(
            {
                "class": name,
                "module": module,
                "bases": [name],
                "priority": 0,
                "registration": index,
                "position": None,
                "callable": True,
                "is_async": None,
                "positional_parameters": None,
                "settings": {},
            }
        )
    return view.app(
        app,
        "django",
        _version(),
        routes=list(_routes(get_resolver(), "/")),
        middleware=middleware,
    )


def _version() -> str | None:
    found: Any = import_module("django").get_version()
    return str(found) if found else version_of("django")


def _routes(resolver: Any, prefix: str, around: Any = None) -> Iterator[dict[str, Any]]:
    # A list that is included stands in the file that includes it, mostly.
    filename = getattr(getattr(resolver, "urlconf_module", None), "__file__", around)
    for each in resolver.url_patterns:
        text = str(each.pattern)
        path = prefix + text.lstrip("^").rstrip("$")
        if hasattr(each, "url_patterns"):
            yield from _routes(each, path, filename)
            continue
        view_function = each.callback
        found = getattr(view_function, "view_class", view_function)
        position = registration(text, _REGISTER, filename) or definition(found)
        described = route(path, (), found, position, name=each.name)
        if any(character in text for character in "(<[\\*+?"):
            described["pattern_kind"] = "pattern"
        yield described
