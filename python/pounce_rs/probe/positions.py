"""Where in the source something happened: call sites taken from frames, resolved to ranges later.

Taking a call site must be cheap, because it also happens in a serving app and once per route: it
keeps a code object and an instruction offset. Asking a frame for its line instead would scan the
line table from its start each time: quadratic in the number of routes of a module.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import compress
from types import CodeType, TracebackType
from typing import Any

from .ownership import absolute
from .sources import Position, source

_Range = tuple[int, int, int, int]
"""Line, end line, column, end column; columns are -1 where the interpreter does not keep them."""


class CallSite:
    """An instruction in a code object: where a call was made."""

    __slots__ = ("code", "lasti")

    def __init__(self, code: CodeType, lasti: int) -> None:
        self.code = code
        self.lasti = lasti


def call_site(depth: int = 0) -> CallSite | None:
    """The call that is running ``depth`` Python frames above the caller of this function.

    0 is the line that calls ``call_site``; 1 is where the function containing that line was called.
    None where the stack is not that deep.
    """
    try:
        frame = sys._getframe(depth + 1)
    except ValueError:
        return None
    return CallSite(frame.f_code, frame.f_lasti)


def outside_call_site(packages: tuple[str, ...], depth: int = 0) -> CallSite | None:
    """The innermost call above the caller that is not made from within one of ``packages``."""
    try:
        frame = sys._getframe(depth + 1)
    except ValueError:
        return None
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if not any(module == name or module.startswith(name + ".") for name in packages):
            return CallSite(frame.f_code, frame.f_lasti)
        frame = frame.f_back  # type: ignore[assignment]
    return None


class PositionTable:
    """Turns call sites into positions, each code object's table read once."""

    def __init__(self) -> None:
        self._ranges: dict[tuple[int, int], _Range | None] = {}
        self._codes: dict[int, CodeType] = {}

    def prepare(self, sites: Iterable[Any]) -> None:
        """Read what is needed for many call sites in one pass over each code object."""
        wanted: dict[int, set[int]] = {}
        for site in sites:
            if site is not None:
                # Kept alive: the key is the object's id.
                self._codes[id(site.code)] = site.code
                wanted.setdefault(id(site.code), set()).add(site.lasti)
        for key, offsets in wanted.items():
            missing = sorted(at for at in offsets if (key, at) not in self._ranges)
            if missing:
                self._read(key, self._codes[key], missing)

    def _read(self, key: int, code: CodeType, offsets: Iterable[int]) -> None:
        ranges = self._ranges
        if hasattr(code, "co_positions"):
            # A table has an entry for each instruction of a module: it is passed over in C.
            wanted = bytearray(len(code.co_code) // 2)
            for offset in offsets:
                wanted[max(offset, 0) // 2] = True
            for offset, entry in zip(offsets, compress(code.co_positions(), wanted), strict=False):
                ranges[key, offset] = _complete(entry)
            return
        lines = iter(code.co_lines())  # Python 3.10 keeps lines only
        current = next(lines, None)
        for offset in offsets:
            while current is not None and offset >= current[1]:
                current = next(lines, None)
            line = current[2] if current is not None else None
            ranges[key, offset] = None if line is None else (line, line, -1, -1)

    def of(self, site: Any, *callees: str) -> Position | None:
        """The position of a call site; ``callees`` are what may be called there, for 3.10."""
        if site is None:
            return None
        path = absolute(site.code.co_filename)
        if path is None:
            return None
        key = (id(site.code), site.lasti)
        if key not in self._ranges:
            # Nobody prepared it, so more such sites may come: its whole table is read, but once.
            self._codes[key[0]] = site.code
            self._read(key[0], site.code, range(0, len(site.code.co_code), 2))
        found = self._ranges.get(key)
        if found is None:
            return None
        line, end_line, column, end_column = found
        if column >= 0:
            return {
                "file": path,
                "line": line,
                "column": column,
                "end_line": end_line,
                "end_column": end_column,
            }
        return line_position(path, line, *callees)

    def of_traceback(self, entry: TracebackType) -> Position | None:
        """The position of one entry of a traceback."""
        return self.of(CallSite(entry.tb_frame.f_code, entry.tb_lasti))


def _complete(entry: tuple[int | None, int | None, int | None, int | None]) -> _Range | None:
    line, end_line, column, end_column = entry
    if line is None:
        return None
    if end_line is None or column is None or end_column is None:
        return (line, line, -1, -1)
    return (line, end_line, column, end_column)


def line_position(path: str, line: int, *callees: str) -> Position:
    """The call of one of ``callees`` on a line, or as a decorator above it, else the whole line."""
    text = source(path)
    if text is None:
        return {"file": path, "line": line, "column": 0, "end_line": line, "end_column": 0}
    for callee in callees:
        found = text.call_named(line, callee) or text.decorator_named(line, callee)
        if found is not None:
            return found
    return text.whole_line(line)
