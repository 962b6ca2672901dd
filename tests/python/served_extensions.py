"""Applications that use the extensions of ASGI, and answer in unusual but right ways."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from served import Message, Receive, Scope, Send, answer, body_of

START: Message = {"type": "http.response.start", "status": 200, "headers": []}


async def sends_files(scope: Scope, receive: Receive, send: Send) -> None:
    """Send the file that the path names; the query says what else."""
    assert scope["type"] == "http"
    assert scope["extensions"]["http.response.pathsend"] == {}
    path, ways = scope["path"], scope["query_string"].decode().split("&")
    headers = [(b"content-type", b"text/plain")]
    if "length" in ways:
        headers.append((b"content-length", b"%d" % Path(path).stat().st_size))
    if "ten" in ways:
        headers.append((b"content-length", b"10"))
    trailers = "trailers" in ways and "http.response.trailers" in scope["extensions"]
    if trailers:
        headers.append((b"trailer", b"x-end"))
    await send({**START, "headers": headers, "trailers": trailers})
    if "begun" in ways:
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
    try:
        await send({"type": "http.response.pathsend", "path": path})
    except OSError as error:
        if "catch" not in ways:
            raise
        text = f"{type(error).__name__} {error.errno} {error.filename}"
        await send({"type": "http.response.body", "body": text.encode()})
        return
    if "more" in ways:
        await send({"type": "http.response.body", "body": b"more"})
    if trailers:
        await send({"type": "http.response.trailers", "headers": [(b"x-end", b"1")]})


async def sends_a_path(scope: Scope, receive: Receive, send: Send) -> None:
    """Send FILE, first announced as larger by what the environment says."""
    assert scope["type"] == "http"
    path = Path(os.environ["FILE"])
    announced = path.stat().st_size + int(os.environ.get("MORE", "0"))
    headers = [(b"content-length", b"%d" % announced)]
    await send({**START, "headers": headers})
    await send({"type": "http.response.pathsend", "path": path})


async def hints(scope: Scope, receive: Receive, send: Send) -> None:
    """Hint at what will be needed, where that is offered."""
    assert scope["type"] == "http"
    offered = "http.response.early_hint" in scope["extensions"]
    links = [b"</style.css>; rel=preload; as=style", b"</script.js>; rel=preload"]
    if scope["path"] == "/forged":
        links = [b"</a>\r\nset-cookie: b=c"]
    if scope["path"] == "/text":
        await send({"type": "http.response.early_hint", "links": "</a>"})
    if scope["path"] == "/after":
        await answer(send, "whole")
        await send({"type": "http.response.early_hint", "links": links})
    await send(START)
    # A server that does not offer it may ignore it.
    await send({"type": "http.response.early_hint", "links": links})
    await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": b"offered" if offered else b"none"})


ANSWERS: dict[str, tuple[int, list[tuple[bytes, bytes]], str]] = {
    "ignores": (401, [], "not read"),
    "cookies": (200, [(b"set-cookie", b"a=1"), (b"x", b"y"), (b"set-cookie", b"b=2; Path=/")], ""),
    "date": (200, [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT"), (b"server", b"mine")], ""),
    "order": (200, [(b"x-%d" % index, b"%d" % index) for index in range(20)], ""),
    "upper": (200, [(b"X-Upper", b"Kept As It Is"), (b"x-empty", b"")], ""),
    "205": (205, [], "no content is allowed"),
    "big": (200, [(b"x-big", b"v" * 30_000)], ""),
    "chunked": (200, [(b"transfer-encoding", b"chunked"), (b"connection", b"close")], "once"),
    "head-with-length": (200, [(b"content-length", b"4")], "body"),
}
"""Status, headers and body of answers whose headers a server could get wrong."""

PIECES: dict[str, list[bytes | bytearray | memoryview]] = {
    "streams": [b"0;", b"1;", b"2;"],
    "views": [bytearray(b"a"), memoryview(b"b"), b"c"],
}
"""Bodies in pieces."""


async def unusual(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as the path says, else with the scope."""
    assert scope["type"] == "http"
    way = scope["path"][1:]
    if way in ANSWERS:
        status, headers, text = ANSWERS[way]
        await answer(send, text, status=status, headers=headers)
    elif way in PIECES:
        await send(START)
        for piece in PIECES[way]:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body"})
    elif way == "reads":
        await answer(send, str(len(await body_of(receive))))
    else:
        await answer(send, repr(dict(scope)))
