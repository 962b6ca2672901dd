"""The WebSocket applications that the tests of the worker serve, in plain ASGI and frameworks."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import anyio
from fastapi import Depends, FastAPI, WebSocket, WebSocketDisconnect
from served import Message, Receive, Scope, Send, answer
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.routing import WebSocketRoute

SEEN: list[Any] = []


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Send every message back; HTTP requests are told what was seen."""
    if scope["type"] == "http":
        await answer(send, repr(SEEN))
        return
    assert scope["type"] == "websocket"
    assert (await receive()) == {"type": "websocket.connect"}
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            SEEN.append((message["code"], message["reason"]))
            return
        assert message["type"] == "websocket.receive"
        text = message.get("text")
        if text is not None:
            await send({"type": "websocket.send", "text": text})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"]})


async def show_scope(scope: Scope, receive: Receive, send: Send) -> None:
    """Send the scope, with the last of the subprotocols, and headers of its own."""
    assert scope["type"] == "websocket"
    await receive()
    headers = [(b"x-mine", b"1"), (b"X-Mine", b"2"), (b"connection", b"close")]
    chosen = scope["subprotocols"][-1] if scope["subprotocols"] else None
    await send({"type": "websocket.accept", "subprotocol": chosen, "headers": headers})
    await send({"type": "websocket.send", "text": repr(dict(scope))})
    await send({"type": "websocket.close"})


async def by_path(scope: Scope, receive: Receive, send: Send) -> None:
    """Every way to end it, by path."""
    if scope["type"] == "http":
        await answer(send, repr(SEEN))
        return
    way = scope["path"][1:]
    await receive()
    if way == "refuse":
        await send({"type": "websocket.close", "code": 4000})
        SEEN.append((await receive())["type"])
    elif way == "deny":
        await deny(send)
    elif way == "nothing":
        return
    elif way == "raise":
        raise LookupError("before")
    elif way == "deny-well":
        await send({"type": "websocket.http.response.start", "status": 200})
    elif way == "length":
        await send({"type": "websocket.accept", "headers": [(b"content-length", b"5")]})
    elif way in BAD_ACCEPTS:
        await send({"type": "websocket.accept", **BAD_ACCEPTS[way]})
    elif way == "early":
        await send({"type": "websocket.send", "text": "too early"})
    else:
        await send({"type": "websocket.accept"})
        await accepted(way, receive, send)


BAD_ACCEPTS: dict[str, dict[str, Any]] = {
    "crlf": {"headers": [(b"x", b"a\r\nset-cookie: b")]},
    "unoffered": {"subprotocol": "unheard-of"},
    "subprotocol-bytes": {"subprotocol": b"chat"},
    "own-header": {"headers": [(b"sec-websocket-protocol", b"chat")]},
}
BAD_MESSAGES: dict[str, Any] = {
    "empty": {"type": "websocket.send", "text": None},
    "text-bytes": {"type": "websocket.send", "text": b"x"},
    "bytes-text": {"type": "websocket.send", "bytes": "x"},
    "surrogate": {"type": "websocket.send", "text": "\ud800"},
    "unknown": {"type": "http.response.start", "status": 200},
    "twice": {"type": "websocket.accept"},
    "code": {"type": "websocket.close", "code": 1006},
    "code-text": {"type": "websocket.close", "code": "1000"},
}


async def deny(send: Send) -> None:
    """Answer the handshake in HTTP, in pieces."""
    headers = [(b"content-type", b"text/plain"), (b"www-authenticate", b"Basic")]
    start = {"type": "websocket.http.response.start", "status": 401, "headers": headers}
    await send(start)
    part: Message = {"type": "websocket.http.response.body", "body": b"who ", "more_body": True}
    await send(part)
    await asyncio.sleep(0)
    await send({**part, "body": b"are you", "more_body": False})


async def accepted(way: str, receive: Receive, send: Send) -> None:
    """What an application does with a WebSocket that it has accepted."""
    if way == "close":
        await send({"type": "websocket.close", "code": 4001, "reason": "enough"})
        SEEN.append(await receive())
        try:
            await send({"type": "websocket.send", "text": "late"})
        except RuntimeError as error:
            SEEN.append(str(error))
    elif way == "fail":
        raise LookupError("within")
    elif way == "exit":
        sys.exit(5)
    elif way in BAD_MESSAGES:
        await send(BAD_MESSAGES[way])
    elif way == "gone":
        await gone(receive, send)
    elif way == "return":
        await send({"type": "websocket.send", "bytes": bytearray(b"last")})
    elif way == "tasks":
        await tasks(receive, send)
    elif way == "flood":
        for _ in range(3200):
            await send({"type": "websocket.send", "bytes": bytes(65536)})
    elif way == "slow":
        await slow(receive, send)


async def gone(receive: Receive, send: Send) -> None:
    """Wait for the client to leave, and send to it then."""
    message = await receive()
    SEEN.append((message["type"], message["code"], message["reason"]))
    try:
        await send({"type": "websocket.send", "text": "late"})
    except OSError as error:
        SEEN.append(type(error).__name__)
    await send({"type": "websocket.close"})
    SEEN.append((await receive())["type"])


async def slow(receive: Receive, send: Send) -> None:
    """Count the bytes of messages, slowly at first."""
    await asyncio.sleep(0.7)
    total = 0
    while total < 200_000_000:
        total += len((await receive())["bytes"])
    await send({"type": "websocket.send", "text": str(total)})


async def tasks(receive: Receive, send: Send) -> None:
    """Receive in every way that asyncio and anyio have, and say what came of it."""
    try:
        await asyncio.wait_for(receive(), 0.01)
    except (asyncio.TimeoutError, TimeoutError):
        SEEN.append("timeout")
    for _ in range(30):
        with anyio.move_on_after(0):
            await receive()
    with anyio.move_on_after(0.01) as waiting:
        await receive()
    SEEN.append(waiting.cancelled_caught)
    first: asyncio.Task[Message] = asyncio.create_task(receive())  # type: ignore[arg-type]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    SEEN.append(first.cancelled())
    await send({"type": "websocket.send", "text": "now"})
    task = asyncio.current_task()
    second: asyncio.Task[Message] = asyncio.create_task(receive())  # type: ignore[arg-type]
    third = asyncio.create_task(_pass_on(receive))
    SEEN.extend([(await second)["text"], (await third)["text"]])
    async with anyio.create_task_group() as group:
        group.start_soon(_note, receive)
    SEEN.append(asyncio.current_task() is task)
    # A wake-up by another task's step: it has closed.
    waiting_task = asyncio.create_task(_pass_on(receive))
    await asyncio.sleep(0)
    await send({"type": "websocket.close"})
    SEEN.append((await waiting_task)["type"])


async def _pass_on(receive: Receive) -> Message:
    return await receive()


async def _note(receive: Receive) -> None:
    SEEN.append((await receive())["text"])


class Shouter(WebSocketEndpoint):
    """An endpoint of Starlette."""

    encoding = "json"

    async def on_receive(self, websocket: Any, data: Any) -> None:
        """Answer with JSON."""
        await websocket.send_json({"said": data["say"].upper()})


starlette = Starlette(routes=[WebSocketRoute("/shout", Shouter)])
fastapi = FastAPI()


async def token(websocket: WebSocket, token: str = "") -> str:
    """A dependency that refuses in HTTP what has no token."""
    if not token:
        await websocket.close(code=1008)
        raise WebSocketDisconnect(1008)
    return token


@fastapi.websocket("/endless")
async def endless(websocket: WebSocket) -> None:
    """Leave the end to the framework."""
    await websocket.accept()
    while True:
        await websocket.receive_text()


@fastapi.websocket("/rooms/{room}")
async def room(websocket: WebSocket, room: int, who: str = Depends(token)) -> None:
    """A room whose number and visitor come from the URL."""
    await websocket.accept()
    try:
        while True:
            said = await websocket.receive_text()
            await websocket.send_text(f"{who} in {room}: {said}")
    except WebSocketDisconnect as left:
        SEEN.append((left.code, left.reason))
