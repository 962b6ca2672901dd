"""An application with worker hooks that notes what it is called with, and fails on request."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def note(kind: str, scope: Scope) -> None:
    """Write down a call."""
    facts = {
        "type": kind,
        "worker_id": scope.get("worker_id"),
        "generation": scope.get("generation"),
        "loop": id(asyncio.get_running_loop()),
    }
    with open(os.environ["HOOKS"], "a", encoding="utf-8") as file:
        print(json.dumps(facts), file=file)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve, with hooks."""
    fault = os.environ.get("FAULT")
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            note(kind, scope)
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return
    if scope["type"] == "pounce.worker.startup":
        note(scope["type"], scope)
        if fault == "raises":
            raise LookupError("no cache server")
        if fault == "told to end":
            os.kill(os.getpid(), signal.SIGTERM)
        if fault in ("hangs", "told to end"):
            await asyncio.sleep(60)
        scope["state"]["client"] = "a client of this loop, set by a hook"
        return
    if scope["type"] == "pounce.worker.shutdown":
        note(scope["type"], scope)
        if fault == "at the end":
            raise LookupError("could not say goodbye")
        return
    if scope["type"] != "http":
        raise ValueError(f"this app serves HTTP, not {scope['type']}")
    note("http", scope)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    body = scope["state"].get("client", "no client")
    await send({"type": "http.response.body", "body": body.encode()})
