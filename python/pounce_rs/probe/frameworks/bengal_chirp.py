"""Apps of the published bengal-chirp (0.10), read from its state and from the recorder's notes."""

from __future__ import annotations

import os
from typing import Any

from .. import configuration
from ..callables import code_of, definition
from .middleware import live
from .view import View, hooks, route, version_of


def describe(app: Any, view: View) -> dict[str, Any]:
    """Read the app's setup state; nothing is frozen or started."""
    state = app._mutable_state
    _discover_lazy_pages(app, state)
    recorder, table = view.recorder, view.table
    pending = list(state.pending_routes)
    sites = [
        recorder.site("route", each) or recorder.site("handler", each.handler) for each in pending
    ]
    table.prepare(sites)
    actions = {
        page.url_path: [action.name for action in page.actions]
        for page in state.discovered_routes
        if getattr(page, "actions", ())
    }
    routes = []
    for each, site in zip(pending, sites, strict=True):
        handler = getattr(each, "page_source_handler", None) or each.handler
        position = table.of(site, "route") or definition(handler)
        # A page without a name of its own is recognised by its handler: a route may share its path.
        page = getattr(each, "page_source_handler", None) is not None
        described = route(
            each.path,
            each.methods or ("GET",),
            handler,
            position,
            name=each.name,
            form_actions=actions.get(each.path, ()) if page else (),
        )
        if page:
            described["handler"] = _page_name(handler) or described["handler"]
        routes.append(described)
    priorities = list(state.middleware_priorities)
    entries = []
    for index, middleware in enumerate(state.middleware_list):
        priority = priorities[index] if index < len(priorities) else 0
        position = table.of(recorder.site("add_middleware", middleware), "add_middleware")
        entries.append(live(middleware, priority, index, position))
    return view.app(
        app,
        "bengal-chirp",
        version_of("chirp", "bengal-chirp"),
        created_at=table.of(recorder.site("App", app), "App"),
        config=_config(app, view),
        routes=routes,
        middleware=sorted(entries, key=lambda entry: (entry["priority"], entry["registration"])),
        hooks=hooks(
            **{
                kind: [
                    view.named(function, recorder.site(f"on_{kind}", function), f"on_{kind}")
                    for function in getattr(state, f"{kind}_hooks")
                ]
                for kind in ("startup", "shutdown", "worker_startup", "worker_shutdown")
            }
        ),
        health_checks=[
            {
                "name": str(check.name),
                "position": table.of(recorder.site("add_health_check", check), "add_health_check"),
            }
            for check in state.health_checks
        ],
    )


def _discover_lazy_pages(app: Any, state: Any) -> None:
    """With ``lazy_pages`` pages are found at the first request; the app at hand is thrown away."""
    if state.lazy_pages_dir is not None and not state.discovered_routes:
        app._registry.discover_and_register_pages(state.lazy_pages_dir)


def _page_name(handler: Any) -> str | None:
    """``account/page.py:get``: modules of pages are named by a number that always changes."""
    code = code_of(handler)
    if code is None:
        return None
    folder, file = os.path.split(code.co_filename)
    return f"{os.path.basename(folder)}/{file}:{code.co_name}"


def _config(app: Any, view: View) -> dict[str, Any]:
    record = view.recorder.config(app.config)
    if record is None:
        site = view.recorder.site("App", app)
        return configuration.describe(app.config, site, {}, view.table, view.redactor)
    return configuration.describe(
        app.config,
        record.site,
        record.explicit,
        view.table,
        view.redactor,
        from_env=record.from_env,
        prefix=record.prefix,
        problems=record.problems,
        overrides=record.placeholders,
    )
