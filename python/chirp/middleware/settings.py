"""Base of the settings classes: all mistakes in one exception, a repr without secrets."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from chirp.errors import ConfigurationError

#: Marks a field whose value never shows.
SECRET = {"secret": True}


class Mistakes:
    """What is wrong with one settings object, collected so that all of it is told at once.

    Args:
        owner: Class name that the message starts with.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._found: list[str] = []

    def expect(self, holds: bool, message: str) -> bool:
        """Note `message` unless it `holds`; give back whether it does."""
        if not holds:
            self._found.append(message)
        return holds

    def expect_text(self, name: str, value: object, *, empty: bool = False) -> bool:
        """Expect a string without control characters, non-empty unless `empty` is allowed."""
        if not self.expect(isinstance(value, str), f"{name} must be a string, not {kind(value)}"):
            return False
        text = str(value)
        return self.expect(bool(text) or empty, f"{name} must not be empty") and self.expect(
            text.isprintable(), f"{name} must not hold control characters"
        )

    def expect_flag(self, name: str, value: object) -> None:
        """Expect True or False."""
        self.expect(isinstance(value, bool), f"{name} must be True or False, not {value!r}")

    def expect_count(self, name: str, value: object, least: int, unit: str) -> None:
        """Expect an integer of at least `least`; `unit` is for the message."""
        good = isinstance(value, int) and not isinstance(value, bool) and value >= least
        self.expect(good, f"{name} must be an integer of at least {least} {unit}, not {value!r}")

    def raise_if_any(self) -> None:
        """Raise `ConfigurationError` with every mistake, one a line."""
        if self._found:
            lines = "".join(f"\n  {message}" for message in self._found)
            raise ConfigurationError(f"{self._owner} is not valid:{lines}")


class Settings:
    """A frozen settings class: shows what differs from the defaults, and no secret."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Name the class and every setting that is not at its default."""
        shown = []
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.metadata.get("secret"):
                shown.append(f"{field.name}_set={bool(value)}")
            elif value != field.default:
                shown.append(f"{field.name}={_show(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def _normalize(self, name: str, value: object) -> None:
        """Replace a field of the frozen object while it is being made."""
        object.__setattr__(self, name, value)


def texts(mistakes: Mistakes, name: str, values: object) -> tuple[str, ...]:
    """Give the strings of a sequence or set; a lone string or another item is a mistake."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        mistakes.expect(False, f"{name} must be a sequence of strings, not {kind(values)}")
        return ()
    return tuple(value for value in values if mistakes.expect_text(f"each of {name}", value))


def paths(mistakes: Mistakes, name: str, values: object) -> frozenset[str]:
    """Give the URL paths of a sequence or set; one that does not start with / is a mistake."""
    given = frozenset(texts(mistakes, name, values))
    for path in sorted(given):
        mistakes.expect(path.startswith("/"), f"{name}: {path!r} must start with /")
    return given


def kind(value: object) -> str:
    """Name the type of a value, for messages that must not show the value."""
    return type(value).__name__


def _show(value: object) -> str:
    """Show a setting; a function by its name, since its address says nothing."""
    name: object = getattr(value, "__qualname__", None)
    return name if isinstance(name, str) else repr(value)
