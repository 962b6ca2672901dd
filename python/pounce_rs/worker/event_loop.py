"""The event loop of a worker: how it is made, and how it ends."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

_LAST_THREADS = 1.0
"""Seconds that threads of the executor have to end."""


def new_event_loop() -> asyncio.AbstractEventLoop:
    """The loop of uvloop where it is installed, else asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415  # it can be absent
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def close(loop: asyncio.AbstractEventLoop, executor: ThreadPoolExecutor | None) -> None:
    """End what the application has left behind, as :func:`asyncio.run` does.

    A thread of the executor that does not end is left behind.
    """
    try:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=1.0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        if executor is not None:
            # `loop.shutdown_default_executor()` would wait for them without an end: where it is
            # cancelled it still joins them, and up to Python 3.11 it takes no limit.
            ending = threading.Thread(target=executor.shutdown, daemon=True)
            ending.start()
            ending.join(_LAST_THREADS)
    finally:
        asyncio.set_event_loop(None)
        loop.close()
