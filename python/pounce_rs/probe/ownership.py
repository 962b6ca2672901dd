"""Which files are the user's own: not the standard library, no installed package, not the probe."""

from __future__ import annotations

import os
import sys

_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_PROBE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_ROOT = os.getcwd()

_FRAMEWORKS = ("chirp", "pounce", "pounce_rs")
"""Packages that are never the user's code, also where they are imported from a checkout."""

_known: dict[str, str | None] = {}


def _standard_library() -> tuple[str, ...]:
    folder = os.path.dirname(os.path.abspath(os.__file__))
    return tuple({folder + os.sep, os.path.realpath(folder) + os.sep})


_STDLIB = _standard_library()


def absolute(filename: str) -> str | None:
    """Absolute path of a code object's file; None for code without one (``<string>``, frozen)."""
    if filename not in _known:
        named = bool(filename) and not filename.startswith("<")
        _known[filename] = os.path.normpath(os.path.join(_ROOT, filename)) if named else None
    return _known[filename]


def is_probe(filename: str) -> bool:
    """Whether the file belongs to the probe itself, embedded or installed."""
    return filename.startswith(("<pounce probe>", "<frozen ", _PROBE))


def is_own(filename: str) -> bool:
    """Whether ``filename`` (of a code object or module) is code of the user's project."""
    path = absolute(filename)
    if path is None or is_probe(filename) or path.startswith(_PROBE):
        return False
    if any(part in path for part in _INSTALLED):
        return False
    return not path.startswith(_STDLIB) and not path.startswith(_framework_folders())


def _framework_folders() -> tuple[str, ...]:
    folders = []
    for name in _FRAMEWORKS:
        module = sys.modules.get(name)
        filename = getattr(module, "__file__", None)
        if isinstance(filename, str) and hasattr(module, "__path__"):
            folders.append(os.path.dirname(os.path.abspath(filename)) + os.sep)
    return tuple(folders)
