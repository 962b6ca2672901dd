"""Python values as JSON, where they have such a form."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

_DEPTH = 8


def as_json(value: Any, depth: int = 0) -> tuple[Any, bool]:
    """The JSON form of ``value``, and whether it is a live object that has none (then None)."""
    if value is None or isinstance(value, (bool, str)):
        return _plain(value), False
    if isinstance(value, int):
        return int(value), False
    if isinstance(value, float):
        return (float(value), False) if math.isfinite(value) else (None, True)
    if isinstance(value, os.PathLike):
        path = os.fspath(value)
        return (path, False) if isinstance(path, str) else (None, True)
    if depth > _DEPTH:
        return None, True
    if isinstance(value, (list, tuple, set, frozenset)):
        members = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value
        items = [as_json(member, depth + 1) for member in members]
        return (
            ([item for item, _ in items], False) if not any(o for _, o in items) else (None, True)
        )
    if isinstance(value, Mapping):
        pairs = {key: as_json(member, depth + 1) for key, member in value.items()}
        if any(opaque or not isinstance(key, str) for key, (_, opaque) in pairs.items()):
            return None, True
        return {key: item for key, (item, _) in pairs.items()}, False
    return None, True


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        # Lone surrogates (undecodable bytes of the environment) have no UTF-8 form.
        return str(value).encode("utf-8", "replace").decode()
    return value
