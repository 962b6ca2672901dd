"""The lifespan protocol (ASGI spec, "Lifespan Protocol"), one task for a worker's whole life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

Report = Callable[[str, "BaseException | None"], None]


class LifespanError(Exception):
    """The application did not start; the text says why in one line, for people.

    Attributes:
        trace: The traceback that the application gave as its reason; else empty.
    """

    def __init__(self, text: str, trace: str = "") -> None:
        super().__init__(text)
        self.trace = trace


class InterruptionError(Exception):
    """The application raised ``SystemExit`` or ``KeyboardInterrupt``, which the text describes."""


class Lifespan:
    """Starts an application, keeps its state, and shuts it down.

    ``mode`` is ``on``, ``off`` or ``auto``: an application that raises at the scope has none.
    """

    def __init__(self, app: Any, mode: str, report: Report) -> None:
        self._app = app
        self._mode = mode
        self._report = report
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._started: asyncio.Future[str | None] | None = None
        self._stopped: asyncio.Future[str | None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._asked = False
        self._ending = False
        self.state: dict[str, Any] = {}

    async def startup(self, timeout: float) -> None:
        """Start the application; ``timeout`` in seconds.

        Raises:
            LifespanError: It said that it failed, raised, or took too long.
        """
        if self._mode == "off":
            return
        loop = asyncio.get_running_loop()
        self._started, self._stopped = loop.create_future(), loop.create_future()
        self._inbox.put_nowait({"type": "lifespan.startup"})
        self._task = loop.create_task(self._run(), name="pounce-lifespan")
        awaited: set[asyncio.Future[Any]] = {self._task, self._started}
        await asyncio.wait(awaited, timeout=timeout, return_when="FIRST_COMPLETED")
        if self._started.done():
            message = self._started.result()
            if message is not None:
                # Frameworks say so and raise on: that is told already.
                self._task.add_done_callback(_retrieve)
                reason, trace = _read(message)
                raise LifespanError(f"the app's lifespan startup failed: {reason}", trace)
            self._task.add_done_callback(self._over)
            return
        if not self._task.done():
            self._task.add_done_callback(_retrieve)
            self._task.cancel()
            raise LifespanError(
                f"the app's lifespan startup took longer than startup_timeout ({timeout:g} s)"
            )
        self._absent(self._task)

    def _over(self, task: asyncio.Task[None]) -> None:
        """Tell of what ends the lifespan of an application that goes on serving."""
        if not self._ending and (error := _retrieve(task)) is not None:
            self._report("the app's lifespan ended while it serves: it is served without", error)

    def _absent(self, task: asyncio.Task[None]) -> None:
        """Judge an application that ended before it said that it was started."""
        error = None if task.cancelled() else task.exception()
        interrupted = isinstance(error, InterruptionError)
        if self._mode == "on" or interrupted:
            reason = "it returned without an answer"
            if error is not None:
                self._report("the app raised in its lifespan startup", error)
                reason = str(error) if interrupted else _described(error)
            raise LifespanError(f"the app's lifespan startup failed: {reason}")
        if error is not None and self._asked:
            # The specification has the server go on without lifespan events; but if the application
            # had meant to start, its people should see why it did not.
            self._report("the app raised in its lifespan and is served without", error)

    async def shutdown(self, timeout: float) -> None:
        """Tell the application that it ends, and wait; ``timeout`` in seconds."""
        task, stopped = self._task, self._stopped
        self._ending = True
        if task is None or stopped is None or task.done():
            return
        stage = "shutdown" if self._started is not None and self._started.done() else "startup"
        self._inbox.put_nowait({"type": "lifespan.shutdown"})
        awaited: set[asyncio.Future[Any]] = {task, stopped}
        await asyncio.wait(awaited, timeout=timeout, return_when="FIRST_COMPLETED")
        if stopped.done():
            message = stopped.result()
            if message is not None:
                # Frameworks say so and raise on.
                await asyncio.wait({task}, timeout=1.0)
                error = _retrieve(task) if task.done() else None
                self._report(f"the app's lifespan shutdown failed: {_read(message)[0]}", error)
        elif not task.done():
            self._report(f"the app's lifespan {stage} took longer than {timeout:g} s", None)
        elif (error := _retrieve(task)) is not None:
            self._report(f"the app raised in its lifespan {stage}", error)
        if not task.done():
            # What follows the last message in the application's code is its own, but not endless.
            await asyncio.wait({task}, timeout=1.0)
            task.cancel()

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._app(scope, self._receive, self._send)
        except (SystemExit, KeyboardInterrupt) as error:
            # These two would stop the loop, and with it what is still to be ended.
            raise InterruptionError(_described(error)) from error

    async def _receive(self) -> dict[str, Any]:
        self._asked = True
        return await self._inbox.get()

    async def _send(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        event, _, result = kind.removeprefix("lifespan.").partition(".")
        future = {"startup": self._started, "shutdown": self._stopped}.get(event)
        if future is None or result not in ("complete", "failed"):
            raise ValueError(f"{kind!r} is no message of the lifespan protocol")
        if future.done():
            raise RuntimeError(f"{kind} was sent, but the {event} was already answered")
        future.set_result(str(message.get("message", "")) if result == "failed" else None)


def _retrieve(task: asyncio.Task[None]) -> BaseException | None:
    """The exception of a task that is done; asyncio complains of one that nobody looks at."""
    return None if task.cancelled() else task.exception()


def _described(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _read(message: str) -> tuple[str, str]:
    """The reason that an application gives, in one line, and the traceback that it may be."""
    if "Traceback (most recent call last)" not in message:
        return message or "no reason given", ""
    for line in reversed(message.splitlines()):
        # Behind an exception group comes a line that is drawn.
        last = line.lstrip(" |+-").rstrip()
        if last:
            return last, message
    return "no reason given", message
