"""The arguments of a call in the source: where each keyword stands."""

from __future__ import annotations

import ast
from typing import NamedTuple

from .sources import Position, Source, source, text_of


class Arguments(NamedTuple):
    """Positions of a call's arguments: ``name=value`` by name, positional ones, ``**expr``."""

    keywords: dict[str, Position]
    positional: list[Position]
    unpacked: Position | None


def arguments_of(call: Position | None) -> Arguments:
    """The arguments of the call at a position; empty where the source cannot be read or is no call.

    Only the text of the call is parsed, so the cost does not depend on the size of the file.
    """
    empty = Arguments({}, [], None)
    text = source(call["file"]) if call else None
    if call is None or text is None:
        return empty
    try:
        tree = ast.parse(f"({text_of(call)}\n)", mode="eval")
    except (SyntaxError, ValueError):
        return empty
    if not isinstance(tree.body, ast.Call):
        return empty
    place = _Placer(text, call)
    keywords: dict[str, Position] = {}
    unpacked: Position | None = None
    for keyword in tree.body.keywords:
        if keyword.arg is None:
            unpacked = place.range(keyword)
        else:
            keywords[keyword.arg] = place.range(keyword)
    return Arguments(keywords, [place.range(node) for node in tree.body.args], unpacked)


class _Placer:
    """Moves positions in the parsed text, which has one bracket more in front, to the file."""

    def __init__(self, text: Source, call: Position) -> None:
        self._path = text.path
        self._line = int(call["line"])
        self._column = int(call["column"])

    def range(self, node: ast.keyword | ast.expr) -> Position:
        """The position of a node in the file."""
        end_line = node.end_lineno or node.lineno
        end_column = node.end_col_offset or 0
        return {
            "file": self._path,
            "line": self._line + node.lineno - 1,
            "column": self._shift(node.lineno, node.col_offset),
            "end_line": self._line + end_line - 1,
            "end_column": self._shift(end_line, end_column),
        }

    def _shift(self, line: int, column: int) -> int:
        return column + self._column - 1 if line == 1 else column
