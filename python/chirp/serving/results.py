"""What a handler returns, as a response."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from chirp.http.response import (
    AnyResponse,
    Redirect,
    Response,
    StreamingResponse,
    check_header,
    is_status,
)


def respond(value: Any) -> AnyResponse:
    """Make a response of a handler's result.

    Text is HTML, bytes are application/octet-stream, a dict or list is JSON, None is 204, iterators
    are streamed; `(body, status)` and `(body, status, headers)` change what the body alone gives.

    Raises:
        TypeError: There is no response for a value of this type.
    """
    for kinds, make in _BY_TYPE:
        if isinstance(value, kinds):
            return make(value)
    raise TypeError(
        f"a handler returned {type(value).__name__}, which is no response: return str, bytes, "
        "dict, list, None, Response, Redirect, an iterator, or a tuple (body, status[, headers])"
    )


def _of_tuple(value: tuple[Any, ...]) -> AnyResponse:
    if len(value) not in (2, 3) or not is_status(value[1]):
        raise TypeError(
            "a handler returned a tuple that is not (body, status) or (body, status, headers)"
        )
    response = respond(value[0]).with_status(value[1])
    if len(value) == 2:
        return response
    headers = value[2]
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    for name, text in pairs:
        check_header(name, text)
        response = response.with_header(name, text)
    return response


def _of_bytes(value: bytes) -> AnyResponse:
    return Response(bytes(value), content_type="application/octet-stream")


#: What makes a response of which types; the first that fits.
_BY_TYPE: tuple[tuple[Any, Callable[[Any], AnyResponse]], ...] = (
    ((Response, StreamingResponse), lambda response: response),
    (str, Response),
    (type(None), lambda _: Response(b"", 204)),
    ((bytes, bytearray, memoryview), _of_bytes),
    ((dict, list), Response.of_json),
    (Redirect, Redirect.response),
    (tuple, _of_tuple),
    ((AsyncIterator, Iterator), StreamingResponse),
)
