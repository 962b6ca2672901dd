"""The event loop of a worker: how it is made, and how it ends."""

from __future__ import annotations

import asyncio


def new_event_loop() -> asyncio.AbstractEventLoop:
    """The loop of uvloop where it is installed, else asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415  # it can be absent
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def close(loop: asyncio.AbstractEventLoop) -> None:
    """End what the application has left behind, as :func:`asyncio.run` does."""
    try:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=1.0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(asyncio.wait_for(loop.shutdown_default_executor(), 1.0))
    except asyncio.TimeoutError:
        # A thread of the application does not end; the process does.
        pass
    finally:
        asyncio.set_event_loop(None)
        loop.close()
