"""The applications that the tests of the worker serve, in plain ASGI."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

FACTS: dict[str, Any] = {}
MARK: contextvars.ContextVar[str] = contextvars.ContextVar("MARK", default="unset")


async def answer(send: Send, text: str, *, status: int = 200, headers: Any = ()) -> None:
    """Answer with text in one piece."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


async def body_of(receive: Receive) -> bytes:
    """The whole body of a request."""
    body = b""
    while True:
        message = await receive()
        assert message["type"] == "http.request", message
        body += bytes(message["body"])
        if not message["more_body"]:
            return body


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    await answer(send, "Hello", headers=[(b"content-type", b"text/plain")])


async def show_scope(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the scope."""
    assert scope["type"] == "http"
    scope["state"]["mine"] = scope["state"].get("mine", 0) + 1
    await answer(send, repr(dict(scope)))


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Send each piece of the body back as it comes, after the length of pieces that were seen."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    more = True
    while more:
        message = await receive()
        more = message["more_body"]
        await send({"type": "http.response.body", "body": message["body"], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def flood(scope: Scope, receive: Receive, send: Send) -> None:
    """200 MB in pieces of 64 KB."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    piece = bytes(65536)
    for _ in range(3200):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


async def sink(scope: Scope, receive: Receive, send: Send) -> None:
    """Count the bytes of a body, slowly at first."""
    assert scope["type"] == "http"
    total = pieces = 0
    more = True
    while more:
        message = await receive()
        total += len(message["body"])
        pieces += 1
        if pieces == 2:
            await asyncio.sleep(1)
        more = message["more_body"]
    await answer(send, str(total))


async def goodbye(scope: Scope, receive: Receive, send: Send) -> None:
    """Wait for the client to leave; `/facts` tells what was seen."""
    assert scope["type"] == "http"
    if scope["path"] == "/facts":
        while "end" not in FACTS:
            await asyncio.sleep(0.01)
        await answer(send, repr(FACTS))
        return
    await body_of(receive)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"waiting", "more_body": True})
    if scope["path"] == "/mistaken":
        await receive()
        raise LookupError("a mistake, whoever listens")
    if scope["path"] in ("/translated", "/grouped"):
        await _fails_with_its_client(receive, send, grouped=scope["path"] == "/grouped")
    FACTS["message"] = (await receive())["type"]
    try:
        await send({"type": "http.response.body", "body": b"late"})
    except OSError as error:
        FACTS["error"] = type(error).__name__
    FACTS["again"] = (await receive())["type"]
    FACTS["end"] = True
    raise OSError("what send() has raised goes up")


class Gone(Exception):
    """What a framework raises instead of the server's OSError."""


async def _fails_with_its_client(receive: Receive, send: Send, *, grouped: bool) -> None:
    await receive()

    async def late() -> None:
        try:
            await send({"type": "http.response.body", "body": b"late"})
        except OSError:
            raise Gone from None

    if not grouped:
        await late()
    async with anyio.create_task_group() as group:
        group.start_soon(late)
        group.start_soon(late)


async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
    """Every way to do it wrong, by path."""
    assert scope["type"] == "http"
    fault = scope["path"][1:]
    start: Message = {"type": "http.response.start", "status": 200, "headers": []}
    if fault == "raises":
        raise LookupError("a secret place")
    if fault == "nothing":
        return
    if fault == "late":
        await asyncio.sleep(0.01)
        raise LookupError("later")
    if fault == "exits":
        sys.exit(5)
    if fault in BAD_STARTS:
        await send({**start, **BAD_STARTS[fault]})
    if fault in BAD_MESSAGES:
        await send(BAD_MESSAGES[fault])
    await send(start)
    if fault == "twice":
        await send(start)
    if fault == "started":
        raise LookupError("within")
    if fault == "after":
        await send({"type": "http.response.body", "body": b"whole"})
        raise LookupError("after the response")
    await send({"type": "http.response.body", "body": b"part", "more_body": True})
    if fault != "early":
        await asyncio.sleep(0.05)
    if fault == "half":
        return
    raise LookupError("within the response")


BAD_STARTS: dict[str, dict[str, Any]] = {
    "crlf": {"headers": [(b"x", b"a\r\nset-cookie: b")]},
    "nul": {"headers": [(b"x", b"a\x00b")]},
    "name": {"headers": [(b"a b", b"c")]},
    "text": {"headers": [("x", "y")]},
    "pair": {"headers": [(b"x",)]},
    "status": {"status": "200"},
    "informational": {"status": 103},
    "lengths": {"headers": [(b"content-length", b"1"), (b"content-length", b"2")]},
}
BAD_MESSAGES: dict[str, Any] = {
    "body-first": {"type": "http.response.body", "body": b"x"},
    "unknown": {"type": "http.response.unknown"},
    "no-dict": ["http.response.start"],
    "no-type": {"status": 200},
}


async def lengths(scope: Scope, receive: Receive, send: Send) -> None:
    """Say 5 bytes, and send as many as the path says."""
    assert scope["type"] == "http"
    headers = [[b"content-length", b"5"]]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"x" * int(scope["path"][1:])})


async def bodiless(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the status of the path, and with headers that are not the application's."""
    assert scope["type"] == "http"
    headers = [
        (b"connection", b"x-secret"),
        (b"transfer-encoding", b"gzip"),
        (b"A", b"1"),
        (b"a", b"2"),
    ]
    await answer(send, "body", status=int(scope["path"][1:]), headers=headers)


async def trailing(scope: Scope, receive: Receive, send: Send) -> None:
    """Trailers, where they are offered."""
    assert scope["type"] == "http"
    offered = "http.response.trailers" in scope["extensions"]
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"trailer", b"x-sum")],
            "trailers": offered,
        }
    )
    await send({"type": "http.response.body", "body": b"offered" if offered else b"none"})
    if offered:
        await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"7")]})


async def loop_facts(scope: Scope, receive: Receive, send: Send) -> None:
    """Use what asyncio and anyio offer within a request, and answer with what was seen."""
    assert scope["type"] == "http"
    facts: dict[str, Any] = {"inherited": MARK.get()}
    MARK.set(scope["path"])
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    facts["loop"] = type(loop).__module__.split(".")[0]
    facts["task"] = task is not None
    await asyncio.sleep(0)
    facts["same_task"] = asyncio.current_task() is task
    facts["mark"] = MARK.get()
    facts["in_thread"] = await asyncio.to_thread(
        lambda: (MARK.get(), threading.current_thread() is not threading.main_thread())
    )
    facts["child"] = await asyncio.create_task(_child())
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.01)
    except (asyncio.TimeoutError, TimeoutError):
        facts["timeout"] = True
    with anyio.move_on_after(0.01) as waiting:
        await anyio.sleep(10)
    facts["anyio"] = waiting.cancelled_caught
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep, 0)
    facts["from_thread"] = await anyio.to_thread.run_sync(lambda: anyio.from_thread.run(_child))
    left, right = socket.socketpair()
    left.setblocking(False)
    readable = loop.create_future()
    loop.add_reader(left, readable.set_result, True)
    right.send(b"x")
    facts["add_reader"] = await readable
    loop.remove_reader(left)
    left.close()
    right.close()
    process = await asyncio.create_subprocess_exec("true")
    facts["subprocess"] = await process.wait()
    signalled = loop.create_future()
    loop.add_signal_handler(signal.SIGUSR2, signalled.set_result, True)
    os.kill(os.getpid(), signal.SIGUSR2)
    facts["signal"] = await signalled
    loop.remove_signal_handler(signal.SIGUSR2)
    first = asyncio.ensure_future(receive())
    facts["receive_in_task"] = (await first)["type"]
    second: asyncio.Task[Any] = asyncio.create_task(receive())  # type: ignore[arg-type]
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait({second})
    facts["cancelled"] = second.cancelled()
    await answer(send, repr(facts))


async def _child() -> str:
    return MARK.get()


async def from_thread(scope: Scope, receive: Receive, send: Send) -> None:
    """Call send() from a thread, which is an error, and then as it is meant."""
    assert scope["type"] == "http"
    start: Message = {"type": "http.response.start", "status": 200, "headers": []}

    def wrong() -> str:
        try:
            send(start)
        except RuntimeError as error:
            return str(error)
        return "taken"

    said = await asyncio.to_thread(wrong)
    await answer(send, said)


class Awaitable3:
    """An application class whose instances are awaited."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._send = send

    def __await__(self) -> Any:
        return self._answer().__await__()

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        await answer(self._send, "awaited")


async def with_lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """A lifespan by LIFESPAN in the environment, with state that requests see."""
    if scope["type"] == "lifespan":
        await _lifespan(scope, receive, send, os.environ.get("LIFESPAN", ""))
        return
    scope["state"]["seen"] = "only by this request"
    scope["state"]["shared"].append(scope["path"])
    await answer(send, repr(scope["state"]))


async def _lifespan(scope: Scope, receive: Receive, send: Send, fault: str) -> None:
    message = await receive()
    assert message["type"] == "lifespan.startup"
    scope["state"]["shared"] = []
    if fault == "fails":
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        return
    if fault == "raises":
        raise LookupError("no table")
    if fault == "fails as frameworks do":
        try:
            raise LookupError("no table")
        except LookupError:
            trace = traceback.format_exc()
            await send({"type": "lifespan.startup.failed", "message": trace})
            raise
    if fault == "told to end":
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.2)
    if fault == "hangs":
        await asyncio.sleep(60)
    await send({"type": "lifespan.startup.complete"})
    message = await receive()
    assert message["type"] == "lifespan.shutdown"
    print("the app has shut down", file=sys.stderr, flush=True)
    await send({"type": "lifespan.shutdown.complete"})


async def impatient(scope: Scope, receive: Receive, send: Send) -> None:
    """Look again and again whether the client is gone, as event streams do; tell what is left."""
    await receive()
    for _ in range(1000):
        with anyio.CancelScope() as scope_of_look:
            scope_of_look.cancel()
            await receive()
    left = sum(type(one).__name__ == "Future" for one in gc.get_objects())
    await answer(send, str(left))


async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    """Take as many seconds as the path says, with the response begun."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun ", "more_body": True})
    await asyncio.sleep(float(scope["path"][1:]))
    await send({"type": "http.response.body", "body": b"ended"})


async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
    """Take the seconds that end the path, before the response, or within one that is streamed."""
    assert scope["type"] == "http"
    seconds = float(scope["path"].rpartition("/")[2])
    begun = scope["path"].startswith("/streamed")
    if begun:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"wait", "more_body": True})
        await asyncio.sleep(seconds)
        await send({"type": "http.response.body", "body": b"ed"})
    elif (b"x-how", b"block") in scope["headers"]:
        time.sleep(seconds)
        await answer(send, "waited")
    else:
        await asyncio.sleep(seconds)
        await answer(send, "waited")


not_an_app = 42
