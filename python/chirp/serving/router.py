"""Which route answers a path: the most specific one that takes the method."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from chirp.errors import MethodNotAllowed, NotFound
from chirp.routing import PARAMETER

Target = TypeVar("Target")

_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)


class NoValueError(Exception):
    """The text is no value of the converter."""


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise NoValueError
    try:
        return int(text)
    except ValueError:  # more digits than Python reads
        raise NoValueError from None


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise NoValueError
    return float(text)


#: The converters of single segments, the most specific first.
_CONVERT: dict[str, Callable[[str], Any]] = {"int": _integer, "float": _number, "str": str}


@dataclass
class _Node(Generic[Target]):
    """What may follow after some segments of a path."""

    fixed: dict[str, _Node[Target]] = field(default_factory=dict)
    #: Converter to the node behind it; names differ from route to route and stand in `ends`.
    converted: dict[str, _Node[Target]] = field(default_factory=dict)
    ends: dict[str, _End[Target]] = field(default_factory=dict)
    rest: dict[str, _End[Target]] = field(default_factory=dict)


@dataclass(frozen=True)
class _End(Generic[Target]):
    """A route that ends here: what to call, and the names of the path's parameters in order."""

    target: Target
    names: tuple[str, ...]


@dataclass(frozen=True)
class Match(Generic[Target]):
    """A route that answers.

    Attributes:
        target: What was added for it.
        parameters: Parameters of the path by name, converted.
    """

    target: Target
    parameters: dict[str, Any]


class Router(Generic[Target]):
    """Finds the route for a method and a path.

    Fixed segments win over parameters, `int` over `float` over `str`, and all over `path`. A route
    that matches but does not take the method leaves the request to the next one that does.
    """

    def __init__(self) -> None:
        self._root: _Node[Target] = _Node()

    def add(self, path: str, methods: Iterable[str], target: Target) -> None:
        """Add a route; `path` is one that `check_path` accepts."""
        node, names = self._root, []
        ends = None
        for segment in path.split("/")[1:]:
            match = PARAMETER.fullmatch(segment)
            if match is None:
                node = node.fixed.setdefault(segment, _Node())
                continue
            names.append(match[1])
            if match[2] == "path":
                ends = node.rest
                break
            node = node.converted.setdefault(match[2] or "str", _Node())
        end = _End(target, tuple(names))
        for method in methods:
            (node.ends if ends is None else ends).setdefault(method, end)

    def owns(self, path: str) -> bool:
        """Whether any route matches the path, whatever the method."""
        return next(self._matching(path), None) is not None

    def match(self, method: str, path: str) -> Match[Target]:
        """Find the route; HEAD is answered by GET where no route has it.

        Raises:
            NotFound: No route has the path.
            MethodNotAllowed: Routes have it, for other methods; `allowed` of OPTIONS uses this.
        """
        allowed: set[str] = set()
        for ends, values in self._matching(path):
            end = ends.get(method) or (ends.get("GET") if method == "HEAD" else None)
            if end is not None:
                return Match(end.target, dict(zip(end.names, values, strict=True)))
            allowed.update(ends)
        if not allowed:
            raise NotFound
        if "GET" in allowed:
            allowed.add("HEAD")
        raise MethodNotAllowed({*allowed, "OPTIONS"})

    def elsewhere(self, path: str) -> str | None:
        """The path with its last slash added or taken away, quoted, where routes have that one."""
        other = path[:-1] if path.endswith("/") else path + "/"
        # Two slashes in front would name another host.
        if not other.startswith("//") and self.owns(other):
            return quote(other, safe="/:@!$&'()*+,;=~")
        return None

    def _matching(self, path: str) -> Iterator[tuple[dict[str, _End[Target]], tuple[Any, ...]]]:
        if path.startswith("/"):
            yield from self._below(self._root, path.split("/")[1:], 0, ())

    def _below(
        self, node: _Node[Target], segments: list[str], at: int, values: tuple[Any, ...]
    ) -> Iterator[tuple[dict[str, _End[Target]], tuple[Any, ...]]]:
        if at == len(segments):
            if node.ends:
                yield node.ends, values
            return
        segment = segments[at]
        fixed = node.fixed.get(segment)
        if fixed is not None:
            yield from self._below(fixed, segments, at + 1, values)
        if segment:
            for name, convert in _CONVERT.items():
                following = node.converted.get(name)
                if following is None:
                    continue
                try:
                    value = convert(segment)
                except NoValueError:
                    continue
                yield from self._below(following, segments, at + 1, (*values, value))
        if node.rest and (rest := "/".join(segments[at:])):
            yield node.rest, (*values, rest)
