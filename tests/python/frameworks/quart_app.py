"""Quart: hooks of the lifespan, streaming both ways, uploads, files, sessions."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

from quart import Quart, Response, jsonify, request, send_file, session

app = Quart(__name__)
app.secret_key = "only for tests"
RAN: list[str] = []
STARTED: list[str] = []


@app.before_serving
async def _start() -> None:
    STARTED.append("yes")


@app.after_serving
async def _stop() -> None:
    print("the app has shut down", file=sys.stderr, flush=True)


@app.get("/")
async def index() -> Response:
    """Answer with what came."""
    return jsonify(
        started=STARTED,
        path=request.path,
        root=request.root_path,
        name=request.args["name"],
        address=request.remote_addr,
    )


@app.get("/stream")
async def stream() -> AsyncIterator[str]:
    """A response in pieces."""

    async def pieces() -> AsyncIterator[str]:
        for number in range(50):
            yield f"{number};"
            await asyncio.sleep(0)

    return pieces()


@app.post("/echo")
async def echo() -> Response:
    """Count the body as it comes."""
    length = 0
    async for piece in request.body:
        length += len(piece)
    return jsonify(length=length)


@app.post("/upload")
async def upload() -> Response:
    """Take a file from a form."""
    file = (await request.files)["file"]
    note = (await request.form)["note"]
    return jsonify(name=file.filename, size=len(file.read()), note=note)


@app.get("/count")
async def count() -> str:
    """Count in a session."""
    session["count"] = session.get("count", 0) + 1
    return str(session["count"])


@app.get("/file")
async def file() -> Response:
    """Send this file."""
    return await send_file(__file__)


@app.get("/background")
async def background() -> str:
    """Do something after the response."""

    async def soon() -> None:
        RAN.append("x")

    app.add_background_task(soon)
    return "soon"


@app.get("/ran")
async def ran() -> str:
    """Wait for what follows a response."""
    while not RAN:
        await asyncio.sleep(0.01)
    return RAN.pop()


@app.get("/thread")
def in_thread() -> dict[str, Any]:
    """Run in a thread."""
    return {"length": len(request.args)}


@app.get("/raises")
async def raises() -> str:
    """Fail."""
    raise LookupError("in the handler")
