"""Litestar: lifespan, dependencies, streaming, uploads, files, server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Litestar, Request, get, post
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import State, UploadFile
from litestar.di import Provide
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import File, Response, ServerSentEvent, Stream

RAN: list[str] = []


@contextlib.asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncIterator[None]:
    app.state.started = True
    yield
    print("the app has shut down", file=sys.stderr, flush=True)


@dataclass
class Item:
    """What is bought."""

    name: str
    price: float


async def _user(request: Request[Any, Any, State]) -> str:
    return request.headers.get("x-user", "nobody")


@get("/items/{item:int}", dependencies={"user": Provide(_user)})
async def item_of(item: int, user: str, state: State) -> dict[str, Any]:
    """Answer with what came."""
    return {"item": item, "user": user, "started": state.started}


@post("/json", status_code=200)
async def json_of(data: Item) -> dict[str, float]:
    """Read a model."""
    return {"total": data.price * 2}


@get("/stream")
async def stream() -> Stream:
    """A response in pieces."""

    async def pieces() -> AsyncIterator[str]:
        for index in range(50):
            yield f"{index};"
            await asyncio.sleep(0)

    return Stream(pieces())


@post("/upload", status_code=200)
async def upload(
    data: Annotated[UploadFile, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> dict[str, Any]:
    """Take a file from a form."""
    return {"name": data.filename, "size": len(await data.read())}


@get("/sse")
async def sse() -> ServerSentEvent:
    """Three events."""

    async def events() -> AsyncIterator[str]:
        for index in range(3):
            yield f"tick {index}"

    return ServerSentEvent(events())


@get("/file")
async def file() -> File:
    """Send this file."""
    return File(__file__, filename="app.py")


@get("/background")
async def background() -> Response[str]:
    """Do something after the response."""
    return Response("soon", background=BackgroundTask(RAN.append, "x"))


@get("/ran")
async def ran() -> str:
    """Wait for what follows a response."""
    while not RAN:
        await asyncio.sleep(0.01)
    return RAN.pop()


@get("/raises")
async def raises() -> None:
    """Fail."""
    raise LookupError("in the handler")


app = Litestar(
    [item_of, json_of, stream, upload, sse, file, background, ran, raises],
    lifespan=[_lifespan],
)
