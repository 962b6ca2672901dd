"""What can be said about a callable without calling it: its name, its place, its signature."""

from __future__ import annotations

import functools
import re
import sys
from types import CodeType, FunctionType
from typing import Any

from .ownership import is_own
from .sources import Position, source

_COROUTINE = 0x80
_ASYNC_GENERATOR = 0x200
_POSITIONAL_VARARGS = 0x04


def unwrapped(value: Any) -> Any:
    """The function below partials, bound methods and ``functools.wraps``."""
    for _ in range(64):
        if isinstance(value, functools.partial):
            value = value.func
        elif hasattr(value, "__func__"):
            value = value.__func__
        elif isinstance(getattr(value, "__dict__", None), dict) and "__wrapped__" in value.__dict__:
            value = value.__dict__["__wrapped__"]
        else:
            break
    return value


def _call_method(value: Any) -> Any:
    """``__call__`` as the class of ``value`` defines it, or None."""
    for base in type(value).__mro__:
        if "__call__" in vars(base):
            return vars(base)["__call__"]
    return None


def qualified_name(value: Any) -> str:
    """``module.name`` of a function or class, or of the class of an instance."""
    if type(value) is FunctionType and not value.__dict__:
        return f"{value.__module__}.{value.__qualname__}"
    value = unwrapped(value)
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{getattr(named, '__module__', '')}.{getattr(named, '__qualname__', '')}".strip(".")


def code_of(value: Any) -> CodeType | None:
    """The code object that runs when ``value`` is called, if it is written in Python."""
    value = unwrapped(value)
    code = getattr(value, "__code__", None)
    if code is None and not isinstance(value, type):
        code = getattr(unwrapped(_call_method(value)), "__code__", None)
    return code if isinstance(code, CodeType) else None


def is_async(value: Any) -> bool | None:
    """Whether calling ``value`` gives an awaitable; None where that cannot be seen."""
    marked = getattr(value, "_is_coroutine_mark", None)
    code = code_of(value)
    if code is None:
        return None if marked is None else True
    if code.co_flags & _ASYNC_GENERATOR:
        return False
    return bool(code.co_flags & _COROUTINE) or marked is not None


def positional_parameters(value: Any) -> int | None:
    """How many positional arguments a call can take; None where unlimited or not visible."""
    counted = _positional(value)
    return None if counted is None else max(counted[1], 0)


def _positional(value: Any) -> tuple[int, int] | None:
    """Required and accepted positional arguments."""
    bound = 0
    given: set[str] = set()
    target = value
    for _ in range(64):
        if isinstance(target, functools.partial):
            bound += len(target.args)
            given |= set(target.keywords)
            target = target.func
        elif hasattr(target, "__func__"):
            bound += 1
            target = target.__func__
        elif not hasattr(target, "__code__") and not isinstance(target, type):
            call = _call_method(target)
            if call is None or not hasattr(unwrapped(call), "__code__"):
                return None
            bound += 1
            target = call
        else:
            break
    code = getattr(target, "__code__", None)
    if not isinstance(code, CodeType) or code.co_flags & _POSITIONAL_VARARGS:
        return None
    names = code.co_varnames[: code.co_argcount]
    accepted = [name for name in names[bound:] if name not in given]
    defaults = len(getattr(target, "__defaults__", None) or ())
    required = len([name for name in names[bound : len(names) - defaults] if name not in given])
    return required, len(accepted)


def accepts(value: Any, count: int) -> bool:
    """Whether a call with ``count`` positional arguments fits, as far as can be seen."""
    counted = _positional(value)
    if counted is None:
        return True
    required, accepted = counted
    return required <= count <= accepted


def required_parameters(value: Any) -> list[str]:
    """Names of the parameters that a call must give; empty where the signature is not visible."""
    import inspect

    options: dict[str, Any] = {}
    if sys.version_info >= (3, 14):
        # Annotations are evaluated when they are asked for, and then names may be missing.
        import annotationlib

        options["annotation_format"] = annotationlib.Format.FORWARDREF
    try:
        signature = inspect.signature(value, **options)
    except (TypeError, ValueError):
        return []
    unlimited = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        name
        for name, parameter in signature.parameters.items()
        if parameter.default is inspect.Parameter.empty and parameter.kind not in unlimited
    ]


def definition(value: Any) -> Position | None:
    """The ``def`` or ``class`` line of the user's own function or class, without its decorators."""
    if isinstance(value, type):
        return _class_definition(value)
    code = code_of(value)
    text = source(code.co_filename) if code is not None and is_own(code.co_filename) else None
    if code is None or text is None:
        return None
    name = code.co_name
    for line in range(code.co_firstlineno, code.co_firstlineno + 64):
        row = text.line_text(line)
        if f"def {name}" in row or "lambda" in row or f"class {name}" in row:
            return text.whole_line(line)
    return text.whole_line(code.co_firstlineno)


def _class_definition(cls: type) -> Position | None:
    filename = getattr(sys.modules.get(cls.__module__), "__file__", None)
    text = source(filename) if isinstance(filename, str) and is_own(filename) else None
    if text is None:
        return None
    pattern = rf"^[ \t]*class[ \t]+{re.escape(cls.__name__)}\b"
    found = re.search(pattern, text.text, re.MULTILINE)
    return None if found is None else text.whole_line(text.line_of(found.end()))


def decorator(value: Any, names: frozenset[str], path: str) -> Position | None:
    """The decorator call above the user's own function that registers it under ``path``.

    ``names`` are the method names that register (``get``, ``route``, ...). A function may carry
    several of them: the one whose text holds the end of ``path`` is preferred.
    """
    code = code_of(value)
    text = source(code.co_filename) if code is not None and is_own(code.co_filename) else None
    if code is None or text is None:
        return None
    first: Position | None = None
    line = code.co_firstlineno
    for _ in range(64):
        row = text.line_text(line)
        stripped = row.strip()
        if not stripped.startswith("@"):
            break
        start = (text.start_of(line) or 0) + row.index("@") + 1
        end = text.call_end(start)
        if end is None:
            line += 1
            continue
        call = text.text[start:end]
        found = text.position(start, end)
        if call.split("(", 1)[0].strip().rsplit(".", 1)[-1] in names:
            if _names_path(call, path):
                return found
            first = first or found
        line = int(found["end_line"]) + 1
    return first


def _names_path(call: str, path: str) -> bool:
    literal = re.search(r"""["']([^"'\n]*)["']""", call)
    return literal is not None and path.endswith(literal.group(1))


def registration(path: str, names: frozenset[str], filename: Any) -> Position | None:
    """The call of one of ``names`` in the user's own file that has the literal ``path`` first.

    None where there is no such call, or more than one: ``Route("/items", ...)`` in two lists, say.
    """
    text = source(filename) if isinstance(filename, str) and is_own(filename) else None
    if text is None:
        return None
    starts = _registrations(text.path, names).get(path, ())
    if len(starts) != 1:
        return None
    end = text.call_end(starts[0])
    return None if end is None else text.position(starts[0], end)


@functools.lru_cache(maxsize=64)
def _registrations(filename: str, names: frozenset[str]) -> dict[str, list[int]]:
    """Where the calls of ``names`` in a file start, by the literal that is their first argument.

    Found in one pass: there may be as many routes as lines.
    """
    found: dict[str, list[int]] = {}
    text = source(filename)
    called = "|".join(map(re.escape, sorted(names)))
    pattern = rf"""(?<![\w@])(?:\w+\s*\.\s*)*(?:{called})\s*\(\s*[rRuU]?(["'])([^"'\n]*)\1"""
    for match in re.finditer(pattern, text.text if text is not None else ""):
        found.setdefault(match[2], []).append(match.start())
    return found
