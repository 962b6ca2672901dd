"""Runs a callback right after a module was imported, whoever imports it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


class ImportWatch:
    """A meta path finder that finds nothing itself: it lets the others find, and listens.

    The module's own loader stays in place, so ``__loader__``, ``__spec__`` and the bytecode cache
    are what they would be without a probe.
    """

    def __init__(self) -> None:
        self._callbacks: dict[str, Callable[[ModuleType], None]] = {}
        self._searching: set[str] = set()

    def watch(self, name: str, callback: Callable[[ModuleType], None]) -> None:
        """Call ``callback`` with the module ``name`` once its code has run."""
        self._callbacks[name] = callback

    def install(self) -> None:
        """Put this finder in front of the others."""
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Part of the finder protocol (PEP 451)."""
        if name not in self._callbacks or name in self._searching:
            return None
        self._searching.add(name)
        try:
            spec = self._found_by_others(name, path, target)
        finally:
            self._searching.discard(name)
        execute = getattr(spec.loader, "exec_module", None) if spec is not None else None
        if spec is None or execute is None:
            return spec
        callback = self._callbacks[name]

        def exec_module(module: ModuleType) -> None:
            execute(module)
            callback(module)

        # A loader without room for it leaves the module imported, only not recorded.
        with suppress(AttributeError):
            spec.loader.exec_module = exec_module  # type: ignore[union-attr,method-assign]
        return spec

    def _found_by_others(self, name: str, path: Any, target: Any) -> ModuleSpec | None:
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                return spec
        return None
