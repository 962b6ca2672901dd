"""Responses as ASGI messages."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    MutableMapping,
)
from typing import Any

from chirp.http.request import Receive
from chirp.http.response import AnyResponse, Response, StreamingResponse, check_header, is_status

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

#: Statuses whose responses have no content (RFC 9110, section 6.4.1).
_WITHOUT_CONTENT = frozenset({204, 304})


RawHeaders = list[tuple[bytes, bytes]]


async def send_response(
    response: AnyResponse, headers: RawHeaders, *, head: bool, receive: Receive, send: Send
) -> None:
    """Send a response; a stream ends as soon as the client is gone.

    Args:
        response: What to send.
        headers: Its headers, as `raw_headers` gives them.
        head: Whether this answers HEAD: then the body stays here.
        receive: The ASGI channel that tells when the client is gone.
        send: The ASGI channel to answer by.
    """
    start = {"type": "http.response.start", "status": response.status, "headers": headers}
    silent = head or response.status in _WITHOUT_CONTENT
    if isinstance(response, Response):
        body = b"" if silent else response.body_bytes
        await send(start)
        await send({"type": "http.response.body", "body": body})
    else:
        await send(start)
        if silent:
            await _close(response.chunks)
            await send({"type": "http.response.body", "body": b""})
        else:
            await _stream(response, receive, send)


def raw_headers(response: AnyResponse) -> RawHeaders:
    """The headers of a response as ASGI has them.

    Raises:
        ValueError: One of them would break the response apart, or the status is none.
    """
    if not is_status(response.status):
        raise ValueError(
            f"the status of a response is a number from 200 to 599, not {response.status!r}"
        )
    pairs = list(response.headers)
    if response.status not in _WITHOUT_CONTENT:
        if response.header("content-type") is None:
            pairs.insert(0, ("content-type", response.content_type))
        if isinstance(response, Response) and response.header("content-length") is None:
            pairs.append(("content-length", str(len(response.body_bytes))))
    pairs.extend(("set-cookie", cookie.header()) for cookie in response.cookies)
    for name, value in pairs:
        check_header(name, value)
    return [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in pairs]


async def _stream(response: StreamingResponse, receive: Receive, send: Send) -> None:
    sending = asyncio.ensure_future(_send_chunks(response, send))
    leaving = asyncio.ensure_future(_client_leaves(receive))
    try:
        await asyncio.wait({sending, leaving}, return_when="FIRST_COMPLETED")
    finally:
        for task in (sending, leaving):
            if not task.done():
                task.cancel()
        # The iterator's own clean-up comes to its end, whoever has stopped it.
        await asyncio.wait({sending, leaving})
    if not sending.cancelled():
        sending.result()


async def _client_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_chunks(response: StreamingResponse, send: Send) -> None:
    try:
        async for chunk in _chunks(response):
            if not isinstance(chunk, (str, bytes)):
                raise TypeError(
                    f"a chunk of a StreamingResponse is str or bytes, not {type(chunk).__name__}"
                )
            body = chunk.encode() if isinstance(chunk, str) else chunk
            try:
                await send({"type": "http.response.body", "body": body, "more_body": True})
            except OSError:
                return  # the client is gone, and nobody is left to send to
        await send({"type": "http.response.body", "body": b""})
    finally:
        await _close(response.chunks)


async def _chunks(response: StreamingResponse) -> AsyncIterator[str | bytes]:
    if isinstance(response.chunks, AsyncIterable):
        async for each in response.chunks:
            yield each
        return
    iterator = iter(response.chunks)
    while True:
        chunk = await asyncio.to_thread(_next, iterator)
        if isinstance(chunk, _End):
            return
        yield chunk


class _End:
    """Behind the last chunk: no future can carry StopIteration."""


def _next(iterator: Iterator[str | bytes]) -> str | bytes | _End:
    return next(iterator, _End())


async def _close(chunks: Any) -> None:
    """End an iterator that may not have come to its end."""
    if hasattr(chunks, "aclose"):
        await chunks.aclose()
    elif hasattr(chunks, "close"):
        # A generator that runs in a thread right now cannot be closed; it ends with its step.
        with contextlib.suppress(ValueError):
            chunks.close()
