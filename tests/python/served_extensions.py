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


async def unusual(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers whose headers a server could get wrong, by path."""
    assert scope["type"] == "http"
    way = scope["path"][1:]
    if way == "reads":
        await answer(send, str(len(await body_of(receive))))
    elif way == "ignores":
        await answer(send, "not read", status=401)
    elif way == "cookies":
        headers = [(b"set-cookie", b"a=1"), (b"x", b"y"), (b"set-cookie", b"b=2; Path=/")]
        await answer(send, "", headers=headers)
    elif way == "date":
        headers = [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT"), (b"server", b"mine")]
        await answer(send, "", headers=headers)
    elif way == "order":
        headers = [(b"x-%d" % index, b"%d" % index) for index in range(20)]
        await answer(send, "", headers=headers)
    elif way == "upper":
        await answer(send, "", headers=[(b"X-Upper", b"Kept As It Is"), (b"x-empty", b"")])
    elif way == "205":
        await answer(send, "", status=205)
    elif way == "big":
        await answer(send, "", headers=[(b"x-big", b"v" * 30_000)])
    elif way == "streams":
        await send(START)
        for index in range(3):
            await send({"type": "http.response.body", "body": b"%d;" % index, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body"})
    elif way == "chunked":
        headers = [(b"transfer-encoding", b"chunked"), (b"connection", b"close")]
        await answer(send, "once", headers=headers)
    elif way == "head-with-length":
        await answer(send, "body", headers=[(b"content-length", b"4")])
    elif way == "views":
        await send(START)
        for body in (bytearray(b"a"), memoryview(b"b")):
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"c"})
    else:
        await answer(send, repr(dict(scope)))
