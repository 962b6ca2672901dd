"""An application that stands behind proxies, in plain ASGI."""

from __future__ import annotations

import json
from pathlib import Path

from served import Receive, Scope, Send, answer, body_of

PIECE = bytes(range(256)) * 256
"""What `/flood` sends again and again."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """One behaviour a path, below whatever the proxy has put in front of it."""
    if scope["type"] == "lifespan":
        return
    name = scope["path"].rpartition("/")[2]
    if scope["type"] == "websocket":
        await _talk(scope, receive, send)
    elif name == "scope":
        await body_of(receive)
        await answer(send, facts(scope), headers=[(b"x-seen", b"yes")])
    elif name == "echo":
        await _echo(receive, send)
    elif name == "early":
        await answer(send, "no, thanks", status=403)
    elif name == "flood":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(300):
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
        await send({"type": "http.response.body"})
    elif name == "wait":
        await _wait(receive, send)
    elif name == "raises":
        raise LookupError("before the response")
    elif name == "cut":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(20):
            # More than may wait: when this is through, the head has left.
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
        raise LookupError("within the response")
    else:
        await answer(send, name, status=404)


def facts(scope: Scope) -> str:
    """What the scope says of the client and of what it has asked, as JSON."""
    headers = [(name.decode(), value.decode("latin-1")) for name, value in scope["headers"]]
    return json.dumps(
        {
            "client": scope["client"] and scope["client"][0],
            "scheme": scope["scheme"],
            "http": scope["http_version"],
            "path": scope["path"],
            "raw_path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "host": dict(headers).get("host"),
            "headers": headers,
        }
    )


async def _echo(receive: Receive, send: Send) -> None:
    """Send the body back in pieces, once it is whole: nginx gives it up when an answer begins."""
    body = await body_of(receive)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for start in range(0, len(body), 50_000):
        piece = body[start : start + 50_000]
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


async def _wait(receive: Receive, send: Send) -> None:
    """Begin to answer, and note when the client has left."""
    await body_of(receive)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"waiting", "more_body": True})
    message = await receive()
    Path("left").write_text(message["type"], encoding="utf-8")


async def _talk(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell what the scope says, then send back what comes."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": facts(scope)})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})
