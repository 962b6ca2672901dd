"""Applications of frameworks, for the tests of the worker."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Depends, FastAPI
from fastapi import Request as FastRequest
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

RAN: list[str] = []


@contextlib.asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
    yield {"started": True}
    print("starlette has shut down", file=sys.stderr, flush=True)


async def _index(request: Request) -> Response:
    return JSONResponse({"hello": request.query_params["name"], "started": request.state.started})


async def _upload(request: Request) -> Response:
    return PlainTextResponse(str(sum([len(piece) async for piece in request.stream()])))


async def _stream(_request: Request) -> Response:
    async def pieces() -> AsyncIterator[str]:
        for index in range(100):
            await asyncio.sleep(0)
            yield f"{index};"

    return StreamingResponse(pieces())


async def _background(_request: Request) -> Response:
    return PlainTextResponse("soon", background=BackgroundTask(RAN.append, "x"))


async def _ran(_request: Request) -> Response:
    while not RAN:
        await asyncio.sleep(0.01)
    return PlainTextResponse(str(len(RAN)))


async def _raises(_request: Request) -> Response:
    raise LookupError("in the endpoint")


async def _file(_request: Request) -> Response:
    return FileResponse(__file__)


class Passing(BaseHTTPMiddleware):
    """A middleware that runs the application in a task of its own."""

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        """Pass the request on."""
        response: Response = await call_next(request)
        return response


starlette_app = Starlette(
    routes=[
        Route("/", _index),
        Route("/upload", _upload, methods=["POST"]),
        Route("/stream", _stream),
        Route("/background", _background),
        Route("/ran", _ran),
        Route("/raises", _raises),
        Route("/file", _file),
    ],
    middleware=[Middleware(Passing)],
    lifespan=_lifespan,
)

fastapi_app = FastAPI()


class Item(BaseModel):
    """What is bought."""

    name: str
    price: float


async def _user() -> str:
    await asyncio.sleep(0)
    return "known"


@fastapi_app.get("/items/{item}")
async def item_of(item: int, user: str = Depends(_user)) -> dict[str, Any]:
    """Answer with what came."""
    return {"item": item, "user": user}


@fastapi_app.get("/thread")
def in_thread() -> dict[str, bool]:
    """Run in a thread."""
    return {"main": threading.current_thread() is threading.main_thread()}


@fastapi_app.post("/json")
async def json_of(item: Item) -> dict[str, float]:
    """Read a model."""
    return {"total": item.price * 2}


@fastapi_app.post("/file")
async def file_of(request: FastRequest) -> dict[str, int]:
    """Count a body."""
    return {"length": (await request.body()).count(b"y" * 1000) * 1000}
