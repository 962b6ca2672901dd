"""Looks at an ASGI app from outside and tells what it saw as one JSON-able document.

Standard library only. The native binary embeds these files and runs them in the app's interpreter;
``chirp`` imports them for ``app.check()``. The document's fields are those of
``src/app/snapshot.rs``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

PROTOCOL = 1
"""Version of the document and of the request."""

__all__ = ["PROTOCOL", "snapshot_app"]


def snapshot_app(app: Any, secret_fields: Iterable[str] = ()) -> dict[str, Any]:
    """The snapshot of a live app object, made in this process.

    ``secret_fields`` names the configuration fields whose values are secrets; source text that
    holds such a value is listed under ``masks``.
    """
    from .document import live_document

    return live_document(app, tuple(secret_fields))
