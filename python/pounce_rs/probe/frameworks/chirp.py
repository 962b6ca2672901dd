"""Apps of this project's own chirp, which keeps call sites itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import configuration
from ..callables import definition
from ..keywords import arguments_of
from .middleware import live
from .view import View, hooks, route, version_of


def describe(app: Any, view: View) -> dict[str, Any]:
    """Read the private records that ``chirp.App`` and ``chirp.AppConfig`` keep for this purpose."""
    table = view.table
    table.prepare(_sites(app))
    routes = [
        route(
            each.path,
            each.methods or ("GET",),
            each.handler,
            table.of(each.position, "route") or definition(each.handler),
            name=each.name,
            form_actions=getattr(each, "form_actions", ()) or (),
            websocket=bool(getattr(each, "websocket", False)),
        )
        for each in app._chirp_routes
    ]
    entries = [
        live(each.middleware, each.priority, index, table.of(each.position, "add_middleware"))
        for index, each in enumerate(app._chirp_middleware)
    ]
    registered = {
        kind: [view.named(each.function, each.position, f"on_{kind}") for each in found]
        for kind, found in app._chirp_hooks.items()
    }
    return view.app(
        app,
        "chirp",
        version_of("chirp", "pounce-rs"),
        created_at=table.of(app._chirp_created_at, "App"),
        config=_config(app.config, app, view),
        routes=routes,
        middleware=sorted(entries, key=lambda entry: (entry["priority"], entry["registration"])),
        hooks=hooks(**registered),
        health_checks=[
            {"name": str(each.name), "position": table.of(each.position, "add_health_check")}
            for each in app._chirp_health_checks
        ],
    )


def _sites(app: Any) -> Iterator[Any]:
    """Every call site of the app, so that each file's table is passed over once."""
    yield app._chirp_created_at
    yield getattr(app.config, "_chirp_created_at", None)
    for declared in (
        app._chirp_routes,
        app._chirp_middleware,
        *app._chirp_hooks.values(),
        app._chirp_health_checks,
    ):
        yield from (each.position for each in declared)


def _config(config: Any, app: Any, view: View) -> dict[str, Any]:
    described = configuration.describe(
        config,
        getattr(config, "_chirp_created_at", None) or app._chirp_created_at,
        dict(getattr(config, "_chirp_explicit", {})),
        view.table,
        view.redactor,
        from_env=bool(getattr(config, "_chirp_from_env", False)),
        prefix=getattr(config, "_chirp_env_prefix", None),
        problems=list(getattr(config, "_chirp_problems", ())),
    )
    for field, message, site in app._chirp_run_problems:
        call = view.table.of(site, "run")
        position = arguments_of(call).keywords.get(field) or call
        described["problems"].append({"field": field, "message": message, "position": position})
    return described
