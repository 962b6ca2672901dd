"""The document: everything that was seen, put together in the order of ``src/app/snapshot.rs``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

from .frameworks import describe
from .frameworks.view import View
from .masks import masks
from .ownership import is_own
from .positions import PositionTable
from .recording import Recorder
from .redaction import Redactor
from .session import Session, current

PROTOCOL = 1


def interpreter() -> dict[str, Any]:
    """This interpreter."""
    info = sys.version_info
    enabled = getattr(sys, "_is_gil_enabled", None)
    return {
        "version": f"{info[0]}.{info[1]}.{info[2]}",
        "implementation": sys.implementation.name,
        "executable": sys.executable or "",
        "gil_enabled": bool(enabled()) if enabled is not None else True,
        "free_threaded_build": "t" in getattr(sys, "abiflags", ""),
        "prefix": sys.prefix,
    }


def document(
    target: dict[str, Any],
    app: dict[str, Any] | None,
    failure: dict[str, Any] | None,
    redactor: Redactor,
    secret_fields: tuple[str, ...],
    *,
    import_ms: float = 0.0,
    environ: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The whole answer; exactly one of ``app`` and ``failure`` is given."""
    files = {target["file"]} if target.get("file") else set()
    files.update(_files(failure))
    for name, part in (app or {}).items():
        # There may be very many routes, and what they hold is known.
        files.update(_route_files(part) if name == "routes" else _files(part))
    masked = masks([file for file in files if is_own(file)], redactor.secrets, secret_fields)
    if failure is not None:
        # An exception may quote a secret that is known only from the source.
        redactor.learn_literals(masked)
        failure["message"] = redactor.line(failure["message"])
    return {
        "protocol": PROTOCOL,
        "python": interpreter(),
        "target": target,
        "import_ms": round(import_ms, 3),
        "environ": environ or {},
        "failure": failure,
        "app": app,
        "masks": masked,
    }


def live_document(app: Any, secret_fields: tuple[str, ...]) -> dict[str, Any]:
    """The snapshot of an app object of this process."""
    redactor = Redactor(secret_fields, ())
    session = current() or Session()
    view = View(PositionTable(), redactor, session, Recorder(session))
    name = type(app).__module__
    target = {"spec": "", "module": name, "file": None, "attribute": "", "factory": False}
    return document(target, describe(app, view), None, redactor, secret_fields)


def environment(prefixes: tuple[str, ...]) -> dict[str, str]:
    """The variables whose names start with one of ``prefixes``."""
    return {name: value for name, value in os.environ.items() if name.startswith(prefixes)}


def _route_files(routes: list[dict[str, Any]]) -> set[str]:
    return {route["position"]["file"] for route in routes if route["position"] is not None}


def _files(value: Any) -> Iterator[str]:
    """Files of the positions in a part of the document."""
    if isinstance(value, dict):
        if "end_column" in value:
            yield value["file"]
        else:
            for member in value.values():
                yield from _files(member)
    elif isinstance(value, list):
        for member in value:
            yield from _files(member)
