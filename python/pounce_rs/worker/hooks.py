"""Worker hooks: the scopes ``pounce.worker.startup`` and ``pounce.worker.shutdown``.

The application is called with them once in each worker, on the worker's event loop: after the
lifespan's startup and before the first request, after the last request and before the lifespan's
shutdown. It answers by returning; raising means that it failed. There are no messages.
"""

from __future__ import annotations

import asyncio
from typing import Any

from .journal import Journal

STARTUP = "pounce.worker.startup"
SHUTDOWN = "pounce.worker.shutdown"
_UNKNOWN = "pounce.worker.unknown"
"""A scope that no application knows: what it does with this, it does with every unknown scope."""


class HookError(Exception):
    """A hook took too long, or failed where it must not; the text says why, for people."""


class NoHookError(Exception):
    """The application has answered the scope as if it were a request."""


class WorkerHooks:
    """Runs the hooks of one worker.

    An application that knows no hooks raises at their scopes, as the ASGI specification asks of it.
    It is told apart from one whose hook fails by a scope of a type that nobody knows: whoever
    raises the same at the same place there has no hook. Whoever sends a message has taken the
    scope for a request, as frameworks do that answer every exception, and has none either.
    """

    def __init__(
        self, app: Any, *, worker_id: int, generation: int, state: dict[str, Any], journal: Journal
    ) -> None:
        self._app = app
        self._facts = {"worker_id": worker_id, "generation": generation}
        self._state = state
        self._journal = journal
        self._absent = False

    async def startup(self, timeout: float, *, required: bool) -> None:
        """Run the startup hook; ``timeout`` in seconds.

        Where it fails, that is logged and the worker serves, unless the hook is ``required``.

        Raises:
            HookError: It is required, and raised, took too long, or is not there.
        """
        error = await self._call(STARTUP, timeout)
        if error is None:
            return
        if required:
            self._journal.failed(
                "the worker startup hook failed", error, event="worker_hook_failed"
            )
            raise HookError(
                f"the app's {STARTUP} hook failed, and worker_startup_failure is shutdown: "
                f"{_described(error)}"
            )
        if await self._is_unknown(error, timeout):
            self._absent = True
            self._journal.detailed(
                f"the app has no worker hooks: {_described(error)}", event="worker_hooks_absent"
            )
            return
        self._journal.warned(
            "the worker startup hook failed: the worker serves without it",
            error,
            event="worker_hook_failed",
        )

    async def shutdown(self, timeout: float) -> None:
        """Run the shutdown hook of an application that has hooks; ``timeout`` in seconds."""
        if self._absent:
            return
        error = await self._call(SHUTDOWN, timeout)
        if error is not None and not await self._is_unknown(error, timeout):
            self._journal.warned(
                "the worker shutdown hook failed", error, event="worker_hook_failed"
            )

    async def _call(self, kind: str, timeout: float) -> BaseException | None:
        task = asyncio.get_running_loop().create_task(self._run(kind), name="pounce-hook")
        try:
            await asyncio.wait({task}, timeout=timeout)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task}, timeout=1.0)
            raise
        if task.done():
            return asyncio.CancelledError() if task.cancelled() else task.exception()
        task.cancel()
        # Time to clean up, but not endless.
        await asyncio.wait({task}, timeout=1.0)
        return HookError(f"it took longer than {timeout:g} s")

    async def _run(self, kind: str) -> None:
        # A copy: who takes the scope for a request leaves no trace in the state.
        state = dict(self._state)
        asgi = {"version": "3.0", "spec_version": "2.0"}
        scope = {"type": kind, "asgi": asgi, **self._facts, "state": state}
        answered = False

        async def send(_message: dict[str, Any]) -> None:
            nonlocal answered
            answered = True

        await self._app(scope, _receive, send)
        if answered:
            raise NoHookError("it answers the scope as if it were a request")
        self._state.update(state)

    async def _is_unknown(self, error: BaseException, timeout: float) -> bool:
        if isinstance(error, HookError):
            return False
        if isinstance(error, NoHookError):
            return True
        other = await self._call(_UNKNOWN, timeout)
        return type(other) is type(error) and _raised_at(other) == _raised_at(error)


def _raised_at(error: BaseException | None) -> tuple[str, int] | None:
    """File and line at which an exception was raised."""
    trace = error.__traceback__ if error is not None else None
    if trace is None:
        return None
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_filename, trace.tb_lineno


def _described(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


async def _receive() -> dict[str, Any]:
    """Give what ends an application that takes the scope for a request."""
    return {"type": "http.disconnect"}
