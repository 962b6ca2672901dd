"""An application that gets in the way of its process where it is asked to."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

RAISES = os.environ.get("RAISES", "")
tasks: list[asyncio.Task[None]] = []


async def leave(error: str) -> None:
    """Raise what ends a program."""
    raise {"exit": SystemExit(7), "interrupt": KeyboardInterrupt()}[error]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve, or leave."""
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        await leave("exit")
    path = scope["path"]
    if path == "/upload":
        await receive()
    if path == "/background":
        tasks.append(asyncio.create_task(leave("exit")))
    if path == "/at-once":
        await leave(scope["query_string"].decode())
    if path == "/later":
        await asyncio.sleep(0)
        await leave(scope["query_string"].decode())
    body = b"served"
    length = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": body})


async def live(receive: Receive, send: Send) -> None:
    """Start, and end."""
    await receive()
    if RAISES == "startup":
        await leave("exit")
    if RAISES == "thread":
        threading.Thread(target=threading.Event().wait, name="never-ending").start()
    await send({"type": "lifespan.startup.complete"})
    if RAISES == "meanwhile":
        raise LookupError("the queue is gone")
    await receive()
    if RAISES == "shutdown":
        await leave("interrupt")
    await send({"type": "lifespan.shutdown.complete"})
