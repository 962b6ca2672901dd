"""The worker: one process, one event loop, one application, on sockets that others have opened.

Started as ``python -m pounce_rs.worker --settings-fd N`` by the supervisor, or with a live object
by :func:`serve`.
"""

from __future__ import annotations

from .document import PROTOCOL, Document, DocumentError
from .service import Exit, serve

__all__ = ["PROTOCOL", "Document", "DocumentError", "Exit", "serve"]
