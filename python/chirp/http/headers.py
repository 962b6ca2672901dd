"""Mappings whose names can have several values: headers and query parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qsl

_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_TRUE = frozenset({"1", "true", "yes", "on"})


class MultiMapping(Mapping[str, str]):
    """A read-only mapping to the first value of each name; `get_list` has all of them.

    Args:
        pairs: Names and values, in order.
    """

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(self._key(name), []).append(value)

    def _key(self, name: str) -> str:
        return name

    def __getitem__(self, name: str) -> str:
        return self._values[self._key(name)][0]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._key(name) in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        """Name what is there; values can be secrets."""
        return f"<{type(self).__name__} {', '.join(self._values)}>"

    def get_list(self, name: str) -> list[str]:
        """All values of a name, in order; none give an empty list."""
        return list(self._values.get(self._key(name), ()))

    def get_int(self, name: str, default: int | None = None) -> int | None:
        """The first value as a decimal integer; `default` where it is absent or none."""
        value = self.get(name, "")
        try:
            # int() alone takes underscores, spaces and digits of other scripts, too.
            return int(value) if _INTEGER.fullmatch(value) else default
        except ValueError:  # more digits than Python reads
            return default

    def get_bool(self, name: str, default: bool | None = None) -> bool | None:
        """Whether the first value is 1, true, yes or on; `default` where it is absent."""
        value = self.get(name)
        return default if value is None else value.lower() in _TRUE


class Headers(MultiMapping):
    """Header fields of a request; names in any case (RFC 9110, section 5.1).

    Args:
        raw: Pairs of bytes as the ASGI scope holds them.
    """

    __slots__ = ()

    def __init__(self, raw: Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)

    def _key(self, name: str) -> str:
        return name.lower()


class QueryParams(MultiMapping):
    """Parameters of the query string, decoded; bytes that are no UTF-8 become U+FFFD.

    Args:
        query: The query string as the ASGI scope holds it.
    """

    __slots__ = ()

    def __init__(self, query: bytes = b"") -> None:
        super().__init__(parse_qsl(query.decode(errors="replace"), keep_blank_values=True))
