"""Route declarations: the path syntax `/users/{id:int}` and what `@app.route` keeps."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from chirp.errors import ConfigurationError

if TYPE_CHECKING:
    from pounce_rs.probe.positions import CallSite

#: Converters of path parameters. `path` takes the rest of the path, slashes included.
CONVERTERS = ("str", "int", "float", "path")

#: A method name is a token (RFC 9110, section 9.1).
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


#: A segment that is a parameter: its name and its converter.
PARAMETER = re.compile(r"\{([^{}:]*)(?::([^{}]*))?\}")


@dataclass(frozen=True)
class RouteDeclaration:
    """A route as it was declared.

    Attributes:
        path: Path with its parameters, `/users/{id:int}`.
        methods: HTTP methods in upper case, in the order given.
        name: Name of the route, if it has one.
        handler: The decorated callable.
        position: The `app.route(...)` call.
    """

    path: str
    methods: tuple[str, ...]
    name: str | None
    handler: Callable[..., Any]
    position: CallSite | None


def check_path(path: str) -> None:
    """Refuse a path that no request can match, or whose parameters cannot be passed.

    Raises:
        ConfigurationError: What is wrong with which part, and how to write it.
    """
    if not isinstance(path, str):
        raise ConfigurationError(f"a route path is a string, not {type(path).__name__}")
    if not path.startswith("/"):
        raise ConfigurationError(f"route path {path!r} must start with /, as in '/{path}'")
    if any(character in path for character in "?#") or not path.isprintable():
        raise ConfigurationError(
            f"route path {path!r} may not hold a query, a fragment or control characters"
        )
    segments = path.strip("/").split("/")
    seen: set[str] = set()
    for index, segment in enumerate(segments):
        name = _check_segment(path, segment, last=index == len(segments) - 1)
        if name is None:
            continue
        if name in seen:
            raise ConfigurationError(f"route path {path!r} has two parameters named {name!r}")
        seen.add(name)


def _check_segment(path: str, segment: str, *, last: bool) -> str | None:
    """Check one part between slashes; give the parameter's name, if it is a parameter."""
    if segment.startswith("<") and segment.endswith(">"):
        inner = segment[1:-1].rpartition(":")[2]
        raise ConfigurationError(
            f"route path {path!r}: parameters are written {{{inner}}} here, not {segment}"
        )
    if "{" not in segment and "}" not in segment:
        return None
    match = PARAMETER.fullmatch(segment)
    if match is None:
        raise ConfigurationError(
            f"route path {path!r}: {segment!r} must be one whole parameter, "
            "{name} or {name:int}"
        )
    name, converter = match[1], match[2] or "str"
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ConfigurationError(
            f"route path {path!r}: the parameter {name!r} is passed to the handler by name, "
            "so it must be a Python identifier that is no keyword"
        )
    if converter not in CONVERTERS:
        near = get_close_matches(converter, CONVERTERS, 1)
        hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(CONVERTERS)}"
        raise ConfigurationError(f"route path {path!r}: no converter {converter!r}; {hint}")
    if converter == "path" and not last:
        raise ConfigurationError(
            f"route path {path!r}: {{{name}:path}} takes the rest of the path, so it must be last"
        )
    return name


def normalize_methods(path: str, methods: Iterable[str] | None) -> tuple[str, ...]:
    """Give the methods in upper case, without repeats; none given means GET.

    Raises:
        ConfigurationError: A method is not a token, or the list is empty.
    """
    if methods is None:
        return ("GET",)
    if isinstance(methods, str):
        raise ConfigurationError(
            f"route {path!r}: methods is a list of names, as in methods=[{methods!r}]"
        )
    given = tuple(methods)
    for method in given:
        if not isinstance(method, str) or not _TOKEN.fullmatch(method):
            raise ConfigurationError(f"route {path!r}: {method!r} is no HTTP method")
    if not given:
        raise ConfigurationError(f"route {path!r}: methods is empty, so nothing would reach it")
    return tuple(dict.fromkeys(method.upper() for method in given))


def pattern(path: str) -> tuple[str, ...]:
    """The path without the names of its parameters: equal for routes that match the same paths."""
    return tuple(
        segment if match is None else f"{{{match[2] or 'str'}}}"
        for segment in path.split("/")[1:]
        for match in (PARAMETER.fullmatch(segment),)
    )
