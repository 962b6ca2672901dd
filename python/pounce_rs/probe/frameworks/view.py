"""What the readers of frameworks share: positions, the recorder, and the shapes of the document."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from ..callables import definition, qualified_name
from ..positions import PositionTable
from ..recording import Recorder
from ..redaction import Redactor
from ..session import Session
from ..sources import Position


class View:
    """The surroundings in which an app is read."""

    def __init__(
        self,
        table: PositionTable,
        redactor: Redactor,
        session: Session,
        recorder: Recorder,
        spec: str = "",
    ) -> None:
        self.table = table
        self.redactor = redactor
        self.session = session
        self.recorder = recorder
        self.spec = spec

    def app(self, app: Any, name: str, version: str | None, **parts: Any) -> dict[str, Any]:
        """The ``app`` part of the document, with what every framework has filled in."""
        routes = parts.get("routes", [])
        site = self.session.run_site(app) or self.session.run_site(self.spec)
        cls = type(app) if not hasattr(app, "__qualname__") else app
        return {
            "framework": {"name": name, "version": version},
            "type": f"{cls.__module__}.{cls.__qualname__}",
            "created_at": None,
            "config": None,
            "routes": routes,
            "middleware": [],
            "hooks": hooks(),
            "health_checks": [],
            "uses_websocket": any(route["websocket"] for route in routes),
            "run_in_module": self.table.of(site, "run"),
            **parts,
        }

    def named(self, function: Any, site: Any, callee: str) -> dict[str, Any]:
        """A hook or check: its name and its place, else the place of its definition."""
        position = self.table.of(site, callee) or definition(function)
        return {"name": qualified_name(function), "position": position}


def route(
    path: str,
    methods: Iterable[str] | None,
    handler: Any,
    position: Position | None,
    *,
    name: str | None = None,
    form_actions: Iterable[str] = (),
    websocket: bool = False,
    mount: bool = False,
) -> dict[str, Any]:
    """One route of the document."""
    pattern = "{" in path or "<" in path
    return {
        "path": path,
        "methods": sorted(map(str.upper, methods)) if methods else [],
        "name": name,
        "form_actions": [str(action) for action in form_actions],
        "pattern_kind": "pattern" if pattern else "literal",
        "position": position,
        "handler": qualified_name(handler),
        "websocket": websocket,
        "mount": mount,
    }


def hooks(**lists: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The lifecycle hooks of the document."""
    names = ("startup", "shutdown", "worker_startup", "worker_shutdown")
    return {name: lists.get(name, []) for name in names}


def version_of(package: str, distribution: str | None = None) -> str | None:
    """Version of a package, from the module if it says, else from its metadata."""
    said = getattr(sys.modules.get(package), "__version__", None)
    if isinstance(said, str):
        return said
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution or package)
    except PackageNotFoundError:
        return None
