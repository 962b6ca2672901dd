"""Signatures of handlers, whose annotations may name what is there for type checkers only."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable
from typing import Any

from chirp.http.request import Request

if sys.version_info >= (3, 14):
    # Annotations are evaluated when they are asked for, and then names may be missing.
    import annotationlib

    def signature(function: Callable[..., Any]) -> inspect.Signature:
        """The signature of a function, with what its annotations name as far as that is known.

        Raises:
            ValueError: It does not tell its parameters.
        """
        return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)

    def _unresolved(function: Callable[..., Any]) -> dict[str, Any]:
        return annotationlib.get_annotations(function, format=annotationlib.Format.FORWARDREF)

else:

    def signature(function: Callable[..., Any]) -> inspect.Signature:
        """The signature of a function, with its annotations as they are written.

        Raises:
            ValueError: It does not tell its parameters.
        """
        return inspect.signature(function)

    def _unresolved(function: Callable[..., Any]) -> dict[str, Any]:
        found: dict[str, Any] = getattr(function, "__annotations__", {})
        return found


def annotated(function: Callable[..., Any]) -> dict[str, Any]:
    """What the parameters of a function are annotated with, by name."""
    target = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    try:
        return typing.get_type_hints(target)
    except (NameError, TypeError, AttributeError):
        # Names of type checkers only: what is not known at run time converts nothing.
        simple = {kind.__name__: kind for kind in (int, float, str, Request)}
        try:
            found = _unresolved(target)
        except TypeError:
            return {}  # a callable that has none
        return {name: simple.get(str(value).strip("'\""), value) for name, value in found.items()}
