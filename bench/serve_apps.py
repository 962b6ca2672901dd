"""The applications that bench/serve.py has every server run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ITEMS = [{"id": index, "name": f"item {index}", "price": index * 1.25} for index in range(22)]
TEXT = [(b"content-type", b"text/plain"), (b"content-length", b"13")]
LARGE = b"0123456789abcdef" * 4096
CHUNK = b"c" * 100


def _require(scope: Message, kind: str) -> None:
    if scope["type"] != kind:
        raise ValueError(f"this app serves {kind}, not {scope['type']}")


async def hello(scope: Message, receive: Receive, send: Send) -> None:
    """13 bytes of text."""
    _require(scope, "http")
    await send({"type": "http.response.start", "status": 200, "headers": TEXT})
    await send({"type": "http.response.body", "body": b"Hello, world!"})


async def json_1k(scope: Message, receive: Receive, send: Send) -> None:
    """About 1 KB of JSON, made for each request."""
    _require(scope, "http")
    body = json.dumps(ITEMS).encode()
    await _answer(send, b"application/json", body)


async def echo(scope: Message, receive: Receive, send: Send) -> None:
    """The body of the request."""
    _require(scope, "http")
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await _answer(send, b"application/octet-stream", body)


async def large(scope: Message, receive: Receive, send: Send) -> None:
    """64 KiB that are there already."""
    _require(scope, "http")
    await _answer(send, b"application/octet-stream", LARGE)


async def stream(scope: Message, receive: Receive, send: Send) -> None:
    """100 chunks of 100 bytes, without a length."""
    _require(scope, "http")
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(100):
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


class Sockets:
    """Asks another server over an asyncio stream in every request, as apps with a database do.

    The other one is a line echo in the same loop: its cost is the same for every server.
    """

    def __init__(self) -> None:
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._port: int | None = None
        self._starting: asyncio.Lock | None = None

    async def __call__(self, scope: Message, _receive: Receive, send: Send) -> None:
        """One line there and back."""
        _require(scope, "http")
        reader, writer = self._idle.pop() if self._idle else await self._connect()
        writer.write(b"Hello, world!\n")
        line = await reader.readline()
        self._idle.append((reader, writer))
        await _answer(send, b"text/plain", line)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._starting is None:
            self._starting = asyncio.Lock()
        async with self._starting:
            if self._port is None:
                server = await asyncio.start_server(_echo_lines, "127.0.0.1", 0)
                self._port = server.sockets[0].getsockname()[1]
        return await asyncio.open_connection("127.0.0.1", self._port)


async def _echo_lines(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)


async def _answer(send: Send, kind: bytes, body: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def websocket_echo(scope: Message, receive: Receive, send: Send) -> None:
    """Every message back."""
    if scope["type"] == "http":
        # The bench asks whether the server is up.
        await hello(scope, receive, send)
        return
    _require(scope, "websocket")
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": message["text"]})


sockets = Sockets()


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


fastapi = FastAPI(lifespan=_lifespan)


@fastapi.get("/")
async def fastapi_hello() -> dict[str, str]:
    """A small JSON object."""
    return {"hello": "world"}
