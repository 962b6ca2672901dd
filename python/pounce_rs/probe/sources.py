"""Source files as text, and the extent of expressions in them without parsing whole files."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

from .ownership import absolute

Position = dict[str, Any]
"""``file``, ``line``, ``column``, ``end_line``, ``end_column``.

Lines count from 1, columns from 0 in UTF-8 bytes, as in ``ast``.
"""

# Compiled when first used, as all patterns of the probe: most runs need few of them.
_LEXEME = (
    r"(?P<comment>\#[^\n]*)"
    r"|(?P<string>(?:\b[rRbBuUfFtT]{1,2})?(?:'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\""
    r"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"))"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>,)|(?P<newline>\n)"
)


class Token(NamedTuple):
    """A token that matters for extents: its kind and its range in characters."""

    kind: str
    start: int
    end: int
    depth: int


def tokens(text: str, start: int) -> Iterator[Token]:
    """Strings, brackets, commas and line ends from ``start`` on, with the depth around them.

    Works on text that does not compile, which is why the compiler's own tokenizer is not used.
    """
    depth = 0
    for match in re.compile(_LEXEME, re.DOTALL).finditer(text, start):
        kind = match.lastgroup or ""
        if kind == "close":
            depth -= 1
        yield Token(kind, match.start(), match.end(), depth)
        if kind == "open":
            depth += 1


class Source:
    """The text of one file and the way between character offsets and positions."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self._line_starts: list[int] | None = None

    @property
    def _starts(self) -> list[int]:
        """Offset of the start of each line; made when it is first asked for."""
        if self._line_starts is None:
            lengths = map((1).__add__, map(len, self.text.split("\n")))
            self._line_starts = list(accumulate(lengths, initial=0))[:-1]
        return self._line_starts

    def start_of(self, line: int) -> int | None:
        """Offset of the first character of a line, counted from 1."""
        return self._starts[line - 1] if 0 < line <= len(self._starts) else None

    def line_text(self, line: int) -> str:
        """A line without its end; empty behind the end of the file."""
        start = self.start_of(line)
        if start is None:
            return ""
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]

    def offset(self, line: int, column: int) -> int | None:
        """Offset of a position's line and its column in UTF-8 bytes."""
        start = self.start_of(line)
        if start is None:
            return None
        row = self.line_text(line)
        if row.isascii():
            return start + min(column, len(row))
        return start + len(row.encode()[:column].decode(errors="ignore"))

    def line_of(self, offset: int) -> int:
        """The line of a character, counted from 1."""
        return bisect_right(self._starts, offset)

    def _line_and_column(self, offset: int) -> tuple[int, int]:
        line = self.line_of(offset)
        return line, len(self.text[self._starts[line - 1] : offset].encode())

    def position(self, start: int, end: int) -> Position:
        """The position of a range of characters."""
        line, column = self._line_and_column(start)
        end_line, end_column = self._line_and_column(end)
        return {
            "file": self.path,
            "line": line,
            "column": column,
            "end_line": end_line,
            "end_column": end_column,
        }

    def on_line(self, line: int, row: str, start: int, end: int) -> Position:
        """The position of a range of characters within ``row``, the text of a line."""
        if not row.isascii():
            start, end = len(row[:start].encode()), len(row[:end].encode())
        return {
            "file": self.path,
            "line": line,
            "column": start,
            "end_line": line,
            "end_column": end,
        }

    def whole_line(self, line: int) -> Position:
        """A line's text without the space around it and without a comment behind it."""
        row = self.line_text(line)
        indent = len(row) - len(row.lstrip())
        comments = (token.start for token in tokens(row, 0) if token.kind == "comment")
        end = len(row[: next(comments, len(row))].rstrip())
        return self.on_line(line, row, indent, end if end > indent else len(row.rstrip()))

    def call_end(self, start: int) -> int | None:
        """End of the call expression that starts at ``start``: behind its last bracket."""
        for token in tokens(self.text, start):
            if token.depth == 0 and token.kind == "close":
                follows = self.text[token.end : token.end + 1]
                if follows not in ("(", ".", "["):
                    return token.end
            elif token.depth < 0 or (token.depth == 0 and token.kind == "newline"):
                return None
        return None

    def call_named(self, line: int, name: str) -> Position | None:
        """The call of ``name`` (``route`` finds ``app.route(...)``) that starts on a line."""
        row = self.line_text(line)
        begins, on_one_line = _call_patterns(name)
        simple = on_one_line.search(row)
        if simple is not None:
            return self.on_line(line, row, *simple.span())
        found = begins.search(row)
        start = self.start_of(line)
        if found is None or start is None:
            return None
        for token in tokens(self.text, start + found.end() - 1):
            if token.depth == 0 and token.kind == "close":
                return self.position(start + found.start(), token.end)
        return None

    def decorator_named(self, line: int, name: str) -> Position | None:
        """The decorator ``name``, without brackets, of the function that is defined on a line.

        Python 3.10 counts the call of such a decorator to the line of the ``def``.
        """
        if not re.match(r"\s*(?:async\s+)?def\b", self.line_text(line)):
            return None
        decorator = re.compile(rf"\s*@\s*((?:\w+\s*\.\s*)*{re.escape(name)})\s*(?:\#.*)?")
        for above in range(line - 1, 0, -1):
            row = self.line_text(above)
            found = decorator.fullmatch(row)
            if found is not None:
                return self.on_line(above, row, *found.span(1))
            if row.strip() and not row.lstrip().startswith(("@", "#")):
                return None
        return None


@lru_cache(maxsize=64)
def _call_patterns(name: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """How a call of ``name`` begins, and a whole call with brackets at most one level deep."""
    begins = rf"(?:\w+\s*\.\s*)*\b{re.escape(name)}\s*\("
    flat = r"""[^()\[\]{}'"\\#]|'[^'\\]*'|"[^"\\]*\""""
    inside = rf"(?:{flat}|\((?:{flat})*\)|\[(?:{flat})*\]|\{{(?:{flat})*\}})*"
    return re.compile(begins), re.compile(rf"{begins}{inside}\)")


_sources: dict[str, Source | None] = {}


def source(filename: str) -> Source | None:
    """The source of a file, read once; None where there is none that can be read."""
    path = absolute(filename)
    if path is None:
        return None
    if path not in _sources:
        _sources[path] = _read(path)
    return _sources[path]


def text_of(position: Position) -> str:
    """The source text at a position; empty where it cannot be read."""
    text = source(position["file"])
    if text is None:
        return ""
    start = text.offset(position["line"], position["column"])
    end = text.offset(position["end_line"], position["end_column"])
    return "" if start is None or end is None else text.text[start:end]


def _read(path: str) -> Source | None:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    try:
        if b"coding" in b"".join(data.split(b"\n", 2)[:2]):
            from importlib.util import decode_source

            return Source(path, decode_source(data))
        text = data.decode("utf-8-sig")
    except (UnicodeDecodeError, SyntaxError, LookupError):
        text = data.decode("utf-8", errors="replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return Source(path, text)
