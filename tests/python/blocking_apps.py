"""Applications that block their thread, for the tests of ``worker_mode = "sync"``."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

TOGETHER = threading.Barrier(4)
DONE: list[str] = []


async def answer(send: Send, text: str) -> None:
    """Answer with text in one piece."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})


async def together(scope: Scope, receive: Receive, send: Send) -> None:
    """Block until four requests do so at once; answer with the thread's and the loop's identity."""
    assert scope["type"] == "http"
    TOGETHER.wait(20)
    await answer(send, f"{threading.get_ident()} {id(asyncio.get_running_loop())}")


async def held(scope: Scope, receive: Receive, send: Send) -> None:
    """Block until the file that the path names is there."""
    assert scope["type"] == "http"
    name = Path(scope["path"])
    if scope["path"] != "/free":
        name.with_suffix(".begun").touch()
        while not name.exists():
            time.sleep(0.01)
    DONE.append(name.name)
    await answer(send, " ".join(DONE))


async def background(scope: Scope, receive: Receive, send: Send) -> None:
    """Start a task that outlives its request; `/done` tells what it has done."""
    assert scope["type"] == "http"
    if scope["path"] == "/done":
        await answer(send, " ".join(DONE))
        return

    async def later() -> None:
        await asyncio.sleep(0.05)
        DONE.append(await asyncio.to_thread(lambda: "in a thread of the executor"))

    task = asyncio.create_task(later())
    await answer(send, task.get_name())


async def hooked(scope: Scope, receive: Receive, send: Send) -> None:
    """Fail where it is called with anything but a request."""
    if scope["type"] != "http":
        raise LookupError(f"called with {scope['type']}")
    await answer(send, "served")


async def in_executor(scope: Scope, receive: Receive, send: Send) -> None:
    """Have twelve calls in threads, three at a time; answer with how many were there at once."""
    assert scope["type"] == "http"
    barrier, lock = threading.Barrier(3), threading.Lock()
    there: list[int] = []
    present = 0

    def stand() -> None:
        nonlocal present
        with lock:
            present += 1
            there.append(present)
        barrier.wait(20)
        with lock:
            present -= 1
        barrier.wait(20)

    await asyncio.gather(*(asyncio.to_thread(stand) for _ in range(12)))
    await answer(send, str(sorted(set(there))))
