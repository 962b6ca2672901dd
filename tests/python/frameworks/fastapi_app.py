"""FastAPI: dependencies, models, background tasks, uploads, server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import (
    BackgroundTasks,
    Depends,
    FastAPI,
    Form,
    Header,
    HTTPException,
    Request,
    UploadFile,
)
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

EVENTS: list[str] = []


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.started = True
    yield
    print("the app has shut down", file=sys.stderr, flush=True)


app = FastAPI(lifespan=_lifespan)


class Item(BaseModel):
    """What is bought."""

    name: str
    price: float


async def _user(x_user: Annotated[str, Header()] = "nobody") -> str:
    await asyncio.sleep(0)
    return x_user


async def _database() -> AsyncIterator[str]:
    EVENTS.append("opened")
    try:
        yield "database"
    finally:
        EVENTS.append("closed")


@app.get("/items/{item}")
async def item_of(item: int, user: Annotated[str, Depends(_user)]) -> dict[str, Any]:
    """Answer with what came."""
    return {"item": item, "user": user, "started": app.state.started}


@app.get("/thread")
def in_thread() -> dict[str, bool]:
    """Run in a thread."""
    return {"main": threading.current_thread() is threading.main_thread()}


@app.post("/json")
async def json_of(item: Item) -> dict[str, float]:
    """Read a model."""
    return {"total": item.price * 2}


@app.get("/database")
async def with_database(database: Annotated[str, Depends(_database)]) -> str:
    """Use a dependency that is closed at the end."""
    return database


@app.get("/refused")
async def refused(database: Annotated[str, Depends(_database)]) -> str:
    """Raise with a dependency open."""
    raise HTTPException(409, detail=database)


@app.get("/events")
async def events() -> list[str]:
    """What has happened so far."""
    return EVENTS


@app.post("/later")
async def later(tasks: BackgroundTasks) -> str:
    """Do two things after the response, one of them in a thread."""

    async def soon() -> None:
        await asyncio.sleep(0.01)
        EVENTS.append("soon")

    tasks.add_task(soon)
    tasks.add_task(EVENTS.append, "in a thread")
    return "later"


@app.post("/upload")
async def upload(file: UploadFile, note: Annotated[str, Form()]) -> dict[str, Any]:
    """Take a file from a form."""
    return {"name": file.filename, "size": len(await file.read()), "note": note}


@app.post("/raw")
async def raw(request: Request) -> dict[str, int]:
    """Count a body."""
    return {"length": len(await request.body())}


@app.get("/sse")
async def sse() -> StreamingResponse:
    """Three events."""

    async def pieces() -> AsyncIterator[str]:
        for index in range(3):
            yield f"id: {index}\ndata: tick\n\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(pieces(), media_type="text/event-stream")
