"""Any other ASGI app: that it is one, and what class or function it is."""

from __future__ import annotations

from typing import Any

from .view import View


def describe(app: Any, view: View) -> dict[str, Any]:
    """An app about which nothing but its type is known."""
    return view.app(app, "generic", None)
