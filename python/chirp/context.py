"""The request that the running code belongs to, also in threads and tasks that it starts."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chirp.http.request import Request

#: Set around middleware and handler of each request.
current_request: ContextVar[Request] = ContextVar("chirp_request")


def get_request() -> Request:
    """The request that is being answered.

    Raises:
        LookupError: The caller does not run for a request.
    """
    try:
        return current_request.get()
    except LookupError:
        raise LookupError("there is no request here: this runs outside of one") from None
