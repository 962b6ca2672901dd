"""An application that uses asyncio in every way, and answers with what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import sniffio
from served import Message, Receive, Scope, Send, answer, body_of

Part = Callable[[], Awaitable[Any]]
MARK: contextvars.ContextVar[str] = contextvars.ContextVar("MARK", default="unset")
SEEN: list[str] = []


async def _first_step() -> Any:
    """What a request has before it first waits."""
    return asyncio.current_task() is not None, sniffio.current_async_library()


async def _timeouts() -> Any:
    timeout = getattr(asyncio, "timeout", None)  # since 3.11
    if timeout is None:
        return "expired"
    try:
        async with timeout(0.01):
            await asyncio.sleep(10)
    except TimeoutError:
        return "expired"
    return "endless"


async def _task_group() -> Any:
    group_class = getattr(asyncio, "TaskGroup", None)  # since 3.11
    if group_class is None:
        return ["a", "b"]
    async with group_class() as group:
        tasks = [group.create_task(_named(name)) for name in ("a", "b")]
    return [task.result() for task in tasks]


async def _named(name: str) -> str:
    await asyncio.sleep(0)
    return name


async def _gather_and_shield() -> Any:
    inner = asyncio.ensure_future(_named("inner"))
    outer = asyncio.ensure_future(asyncio.shield(inner))
    await asyncio.sleep(0)
    outer.cancel()
    results = await asyncio.gather(outer, inner, _named("c"), return_exceptions=True)
    return [type(results[0]).__name__, *results[1:]]


async def _cancelled() -> Any:
    told: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append("told")
            raise
        finally:
            told.append("cleaned")

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return told


async def _queue_and_locks() -> Any:
    queue: asyncio.Queue[int] = asyncio.Queue(1)
    lock, turns = asyncio.Lock(), []

    async def puts() -> None:
        for number in range(3):
            await queue.put(number)

    async def locked(name: str) -> None:
        async with lock:
            await asyncio.sleep(0)
            turns.append(name)

    putting = asyncio.create_task(puts())
    numbers = [await queue.get() for _ in range(3)]
    await asyncio.gather(putting, locked("x"), locked("y"))
    return numbers, turns


async def _streams() -> Any:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"hello\n")
        line = await reader.readline()
        writer.close()
    return line.decode()


async def _sockets() -> Any:
    loop = asyncio.get_running_loop()
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        right.setblocking(False)
        received = asyncio.ensure_future(loop.sock_recv(left, 100))
        await loop.sock_sendall(right, b"bytes")
        return (await received).decode()


async def _subprocess() -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "print(input().upper())",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(b"said\n")
    return out.decode().strip(), process.returncode


async def _executors() -> Any:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as executor:
        named = await loop.run_in_executor(executor, lambda: threading.current_thread().name)
    called: asyncio.Future[str] = loop.create_future()
    thread = threading.Thread(
        target=lambda: loop.call_soon_threadsafe(called.set_result, "from a thread")
    )
    thread.start()
    return named != threading.current_thread().name, await called


async def _loop_of_its_own() -> Any:
    """asyncio.run() and anyio.run() in a thread have nothing to do with the worker's loop."""
    ours = asyncio.get_running_loop()

    async def other() -> bool:
        await asyncio.sleep(0)
        return asyncio.get_running_loop() is not ours

    return (
        await asyncio.to_thread(lambda: asyncio.run(other())),
        await anyio.to_thread.run_sync(lambda: anyio.run(other)),
        await anyio.to_thread.run_sync(lambda: anyio.from_thread.run(_named, "back")),
    )


async def _generators() -> Any:
    """One that is left in the middle is brought to its end by the loop."""
    ends: list[str] = []
    ended = asyncio.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            ends.append("ended")
            ended.set()

    async def looks() -> None:
        async for _ in numbers():
            break

    await looks()
    gc.collect()
    await asyncio.wait_for(ended.wait(), 10)
    return ends


async def _contexts() -> Any:
    MARK.set("request")
    child = contextvars.copy_context()
    child.run(MARK.set, "child")

    async def changes() -> str:
        MARK.set("task")
        await asyncio.sleep(0)
        return MARK.get()

    changed = await asyncio.create_task(changes())
    in_thread = await asyncio.to_thread(MARK.get)
    soon: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(lambda: soon.set_result(MARK.get()))
    return MARK.get(), changed, in_thread, await soon, child[MARK]


async def _signals() -> Any:
    loop = asyncio.get_running_loop()
    came: asyncio.Future[str] = loop.create_future()
    loop.add_signal_handler(signal.SIGALRM, came.set_result, "SIGALRM")
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    try:
        return await came
    finally:
        loop.remove_signal_handler(signal.SIGALRM)


async def _anyio() -> Any:
    sent, received = anyio.create_memory_object_stream[str](0)
    names: list[str] = []

    async def takes() -> None:
        async with received:
            async for name in received:
                names.append(name)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(takes)
            async with sent:
                for name in ("a", "b"):
                    await sent.send(name)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await anyio.sleep(10)
    return names, scope.cancelled_caught


async def _timers() -> Any:
    loop = asyncio.get_running_loop()
    order: list[str] = []
    done = asyncio.Event()
    loop.call_later(0.02, done.set)
    loop.call_later(0.01, order.append, "later")
    loop.call_soon(order.append, "soon")
    loop.call_at(loop.time() + 0.001, order.append, "at").cancel()
    await done.wait()
    # A busy loop may call both late, and uvloop then calls timers first.
    return sorted(order)


PARTS: dict[str, Part] = {
    name.removeprefix("_"): part
    for name, part in list(globals().items())
    if name.startswith("_") and asyncio.iscoroutinefunction(part) and name != "_named"
}


async def parts(scope: Scope, receive: Receive, send: Send) -> None:
    """Do what the path names; answer with its result."""
    assert scope["type"] == "http"
    MARK.set(MARK.get() + "!")
    result = await PARTS[scope["path"][1:]]()
    await answer(send, repr(result))


async def receives(scope: Scope, receive: Receive, send: Send) -> None:
    """Call receive() and send() from tasks, give up on them, and call them again."""
    assert scope["type"] == "http"
    if scope["path"] == "/cancels-itself":
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)
    body = await asyncio.create_task(body_of(receive))
    facts: list[Any] = [len(body)]
    try:
        await asyncio.wait_for(receive(), 0.01)
    except (asyncio.TimeoutError, TimeoutError):
        facts.append("nothing more comes")
    with anyio.move_on_after(0.01):
        await receive()
    listening: asyncio.Task[Message] = asyncio.create_task(receive())  # type: ignore[arg-type]
    start: Message = {"type": "http.response.start", "status": 200, "headers": []}
    await asyncio.gather(send(start))
    await asyncio.gather(
        *(
            send({"type": "http.response.body", "body": b"%d" % index, "more_body": True})
            for index in range(5)
        )
    )
    await send({"type": "http.response.body", "body": repr(facts).encode()})
    SEEN.append((await listening)["type"])
    print(SEEN[-1], file=sys.stderr, flush=True)


class Background:
    """What goes on beside requests: answers with how often each of it has had its turn."""

    def __init__(self) -> None:
        self._turns = {"called": 0, "timers": 0, "sockets": 0, "threads": 0}
        self._running: list[asyncio.Future[Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin at the first request."""
        assert scope["type"] == "http"
        if not self._running:
            loop = asyncio.get_running_loop()
            parts = (self._called(), self._timers(), self._sockets())
            self._running += [asyncio.ensure_future(part) for part in parts]
            self._running.append(loop.run_in_executor(None, self._threads, loop))
        await answer(send, repr(self._turns))

    def _took(self, part: str) -> None:
        self._turns[part] += 1

    async def _called(self) -> None:
        while True:
            await asyncio.sleep(0)
            self._took("called")
            await asyncio.sleep(0.0001)

    async def _timers(self) -> None:
        while True:
            await asyncio.sleep(0.001)
            self._took("timers")

    async def _sockets(self) -> None:
        loop = asyncio.get_running_loop()
        left, right = socket.socketpair()
        for end in (left, right):
            end.setblocking(False)
        while True:
            await loop.sock_sendall(left, b"x")
            await loop.sock_recv(right, 1)
            self._took("sockets")
            await asyncio.sleep(0.001)

    def _threads(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(5):
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.001), loop).result()
            self._took("threads")


background = Background()
