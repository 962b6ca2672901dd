"""Starlette: lifespan state, streaming, background tasks, files, middleware."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

RAN: list[str] = []
SENT: list[str] = []


@contextlib.asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
    yield {"started": True}
    print("the app has shut down", file=sys.stderr, flush=True)


async def _index(request: Request) -> Response:
    return JSONResponse(
        {
            "hello": request.query_params["name"],
            "started": request.state.started,
            "url": str(request.url_for("index")),
        }
    )


async def _upload(request: Request) -> Response:
    return PlainTextResponse(str(sum([len(piece) async for piece in request.stream()])))


async def _form(request: Request) -> Response:
    async with request.form() as form:
        file = form["file"]
        assert not isinstance(file, str)
        return JSONResponse({"name": file.filename, "size": file.size, "note": form["note"]})


async def _stream(_request: Request) -> Response:
    async def pieces() -> AsyncIterator[str]:
        for index in range(100):
            await asyncio.sleep(0)
            yield f"{index};"

    return StreamingResponse(pieces())


async def _endless(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0.001)
        finally:
            RAN.append("the client is gone")

    return StreamingResponse(pieces())


async def _background(_request: Request) -> Response:
    return PlainTextResponse("soon", background=BackgroundTask(RAN.append, "x"))


async def _ran(_request: Request) -> Response:
    while not RAN:
        await asyncio.sleep(0.01)
    return PlainTextResponse(RAN.pop())


async def _raises(_request: Request) -> Response:
    raise LookupError("in the endpoint")


async def _file(_request: Request) -> Response:
    return FileResponse(__file__)


async def _sent(_request: Request) -> Response:
    return JSONResponse(SENT)


class Passing(BaseHTTPMiddleware):
    """A middleware that runs the application in a task of its own."""

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        """Pass the request on, unless it is for a file: that may go without a detour."""
        response: Response = await call_next(request)
        response.headers["x-passed"] = "yes"
        return response


class Listening:
    """A middleware that notes by which messages files are sent."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""

        async def listening(message: Message) -> None:
            if message["type"] == "http.response.pathsend":
                SENT.append(Path(message["path"]).name)
            await send(message)

        await self._app(scope, receive, listening)


_files = Starlette(
    routes=[
        Route("/file", _file),
        Mount("/static", StaticFiles(directory=Path(__file__).parent)),
    ]
)

app = Starlette(
    routes=[
        Route("/", _index, name="index"),
        Route("/upload", _upload, methods=["POST"]),
        Route("/form", _form, methods=["POST"]),
        Route("/stream", _stream),
        Route("/endless", _endless),
        Route("/background", _background),
        Route("/ran", _ran),
        Route("/raises", _raises),
        Route("/sent", _sent),
        Mount("/passing", Starlette(routes=_files.routes, middleware=[Middleware(Passing)])),
        Mount(
            "/squeezed",
            Starlette(routes=[Route("/stream", _stream)], middleware=[Middleware(GZipMiddleware)]),
        ),
        Mount("/files", _files),
    ],
    middleware=[Middleware(Listening)],
    lifespan=_lifespan,
)
