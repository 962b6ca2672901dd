"""``worker_mode = "sync"``: each request on a thread with an event loop of its own.

For apps that block. The server's own event loop stays free: connections, timers and health go on
while applications block their threads. A request crosses over with its scope; each ``receive()``
and ``send()`` is a call into the server's loop that the thread's loop waits for, so back-pressure,
disconnects and errors are those of the server.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .event_loop import new_event_loop
from .journal import Journal

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

_REFUSED = "WebSocket needs worker_mode async: this server runs its app on threads\n"


def runs_on_threads(mode: str) -> bool:
    """Whether a ``worker_mode`` means threads: ``auto`` does on Python without the GIL."""
    if mode == "auto":
        return not getattr(sys, "_is_gil_enabled", lambda: True)()
    return mode == "sync"


class ThreadedApp:
    """An ASGI application in front of one that blocks.

    At most ``threads`` requests run at once, further ones wait their turn in order. Threads are
    started when they are needed first.
    """

    def __init__(
        self, app: Any, threads: int, executor: ThreadPoolExecutor, journal: Journal
    ) -> None:
        self._app = app
        self._most = threads
        self._executor = executor
        self._journal = journal
        self._lanes: list[_Lane] = []
        self._idle: list[_Lane] = []
        self._waiting: deque[asyncio.Future[_Lane]] = deque()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve a request on the next thread that is free."""
        if scope["type"] == "websocket":
            await self._refuse(scope, receive, send)
            return
        lane = await self._free_lane()
        await lane.run(self._app, scope, receive, send, self._release)

    def close(self) -> None:
        """End the threads; one that is blocked is left behind, and ends with the process."""
        for lane in self._lanes:
            lane.stop()
        for lane in self._lanes:
            lane.join(1.0)
        for lane in self._lanes:
            lane.close()

    async def _free_lane(self) -> _Lane:
        if self._idle:
            return self._idle.pop()
        if len(self._lanes) < self._most:
            lane = _Lane(asyncio.get_running_loop(), self._executor, len(self._lanes))
            self._lanes.append(lane)
            return lane
        turn: asyncio.Future[_Lane] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release(turn.result())
            raise

    def _release(self, lane: _Lane) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(lane)
                return
        self._idle.append(lane)

    async def _refuse(self, scope: Any, receive: Receive, send: Send) -> None:
        self._journal.warned(
            f"a WebSocket at {scope['path']} was refused: worker_mode sync has none",
            event="websocket_refused",
        )
        await receive()
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1011, "reason": "not supported"})
            return
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        start = {"type": "websocket.http.response.start", "status": 501, "headers": headers}
        await send(start)
        await send({"type": "websocket.http.response.body", "body": _REFUSED.encode()})


class _Lane:
    """One thread and its event loop, for one request at a time.

    Background tasks that a request has started go on in between.
    """

    def __init__(
        self, server_loop: asyncio.AbstractEventLoop, executor: ThreadPoolExecutor, number: int
    ) -> None:
        self._server_loop = server_loop
        self._loop = new_event_loop()
        self._loop.set_default_executor(executor)
        self._stopped = False
        # A daemon: a thread that never comes back must not keep the process.
        self._thread = threading.Thread(target=self._turn, name=f"pounce-{number}", daemon=True)
        self._thread.start()

    def _turn(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._stopped:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                # Its request has it as an exception; the thread has others to serve.
                continue
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.wait(left, timeout=1.0))

    def stop(self) -> None:
        """End the thread as soon as it is not blocked."""
        self._stopped = True
        self._loop.call_soon_threadsafe(self._loop.stop)

    def join(self, timeout: float) -> None:
        """Wait for the end of the thread; ``timeout`` in seconds."""
        self._thread.join(timeout)

    def close(self) -> None:
        """Close the event loop, once no thread needs the executor that it closes with it."""
        if not self._thread.is_alive():
            self._loop.close()

    async def run(
        self,
        app: Any,
        scope: Any,
        receive: Receive,
        send: Send,
        release: Callable[[_Lane], None],
    ) -> None:
        """Serve a request; the lane is released when the application has let go of it."""
        ended: asyncio.Future[None] = self._server_loop.create_future()
        crossing = _Crossing(self._server_loop, receive, send)
        tasks: list[asyncio.Task[None]] = []

        def start() -> None:
            task = self._loop.create_task(_call(app, scope, crossing), name="pounce-request")
            tasks.append(task)
            task.add_done_callback(over)

        def over(task: asyncio.Task[None]) -> None:
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            self._server_loop.call_soon_threadsafe(settle, error)

        def settle(error: BaseException | None) -> None:
            release(self)
            if ended.done():
                return
            if isinstance(error, asyncio.CancelledError):
                ended.cancel()
            elif error is None or isinstance(error, Exception):
                ended.set_result(None) if error is None else ended.set_exception(error)
            else:
                failure = RuntimeError(f"the app raised {type(error).__name__}")
                failure.__cause__ = error
                ended.set_exception(failure)

        self._loop.call_soon_threadsafe(start)
        try:
            await ended
        except asyncio.CancelledError:
            self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
            raise


async def _call(app: Any, scope: Any, crossing: _Crossing) -> None:
    await app(scope, crossing.receive, crossing.send)


class _Crossing:
    """What an application on a thread is given as ``receive`` and ``send``."""

    def __init__(
        self, server_loop: asyncio.AbstractEventLoop, receive: Receive, send: Send
    ) -> None:
        self._server_loop = server_loop
        self._receive = receive
        self._send = send
        self._start: Any = None

    async def receive(self) -> Any:
        """Give the next message of the request."""
        return await self._there(self._received())

    async def send(self, message: Any) -> None:
        """Take a message of the response.

        The start crosses over with what follows it: the server, too, keeps it until then.
        """
        start, self._start = self._start, None
        if start is None and _is_start(message):
            self._start = message
            return
        await self._there(self._sent(start, message))

    async def _there(self, call: Any) -> Any:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self._server_loop))

    async def _received(self) -> Any:
        return await self._receive()

    async def _sent(self, start: Any, message: Any) -> None:
        if start is not None:
            await self._send(start)
        await self._send(message)


def _is_start(message: Any) -> bool:
    return isinstance(message, dict) and message.get("type") == "http.response.start"
