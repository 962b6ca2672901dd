"""The applications that bench/serve.py has every server run."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ITEMS = [{"id": index, "name": f"item {index}", "price": index * 1.25} for index in range(22)]
TEXT = [(b"content-type", b"text/plain"), (b"content-length", b"13")]


async def hello(scope: Message, receive: Receive, send: Send) -> None:
    """13 bytes of text."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    await send({"type": "http.response.start", "status": 200, "headers": TEXT})
    await send({"type": "http.response.body", "body": b"Hello, world!"})


async def json_1k(scope: Message, receive: Receive, send: Send) -> None:
    """About 1 KB of JSON, made for each request."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    body = json.dumps(ITEMS).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
