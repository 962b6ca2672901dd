"""Responses: built once, changed by `with_...` calls that each give a new one."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import AsyncIterable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from chirp.http.cookies import SetCookie

_Self = TypeVar("_Self", bound="Chainable")

#: A field name is a token; a value holds no control character but tab (RFC 9110, section 5).
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

_SURROGATE = re.compile("[\ud800-\udfff]")

_REDIRECTIONS = (301, 302, 303, 307, 308)
#: What stands in a URL as it is: reserved characters and escapes (RFC 3986, section 2).
_OF_URLS = ":/?#[]@!$&'()*+,;=%"

HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


class Chainable:
    """What every kind of response can do."""

    status: int
    content_type: str
    headers: tuple[tuple[str, str], ...]
    cookies: tuple[SetCookie, ...]

    def _with(self: _Self, **changes: Any) -> _Self:
        changed = copy.copy(self)
        for name, value in changes.items():
            object.__setattr__(changed, name, value)
        return changed

    def with_status(self: _Self, status: int) -> _Self:
        """The same with another status."""
        return self._with(status=status)

    def with_content_type(self: _Self, content_type: str) -> _Self:
        """The same with another media type."""
        return self._with(content_type=content_type)

    def with_header(self: _Self, name: str, value: str) -> _Self:
        """The same with one more header.

        Raises:
            ValueError: The name or the value would break the response apart.
        """
        check_header(name, value)
        return self._with(headers=(*self.headers, (name, value)))

    def with_headers(self: _Self, headers: Mapping[str, str]) -> _Self:
        """The same with more headers."""
        changed = self
        for name, value in headers.items():
            changed = changed.with_header(name, value)
        return changed

    def replacing_header(self: _Self, name: str, value: str) -> _Self:
        """The same with this header instead of those of its name."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return self._with(headers=kept).with_header(name, value)

    def with_vary(self: _Self, *names: str) -> _Self:
        """The same, where caches keep one answer for each value of these request headers."""
        known = [word.strip() for word in (self.header("Vary") or "").split(",") if word.strip()]
        lower = {word.lower() for word in known}
        known.extend(name for name in names if name.lower() not in lower)
        return self.replacing_header("Vary", ", ".join(known))

    def with_cookie(
        self: _Self,
        name: str,
        value: str,
        *,
        max_age: int | None = None,
        path: str = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = True,
        samesite: str = "lax",
    ) -> _Self:
        """The same with one more cookie; see `SetCookie` for the parts.

        Raises:
            ValueError: A part has a character that cookies cannot hold.
        """
        cookie = SetCookie(name, value, max_age, path, domain, secure, httponly, samesite)
        return self._with(cookies=(*self.cookies, cookie))

    def without_cookie(self: _Self, name: str, path: str = "/", domain: str | None = None) -> _Self:
        """The same, telling the browser to forget a cookie."""
        return self.with_cookie(name, "", max_age=0, path=path, domain=domain)

    def header(self, name: str, default: str | None = None) -> str | None:
        """The first header of a name, in any case."""
        wanted = name.lower()
        return next((value for known, value in self.headers if known.lower() == wanted), default)


@dataclass(frozen=True)
class Response(Chainable):
    """A response whose body is at hand.

    Attributes:
        body: Text, sent as UTF-8, or bytes.
        status: HTTP status code.
        content_type: Media type; a Content-Type among the headers wins over it.
        headers: Further headers as (name, value) pairs, in order.
        cookies: Cookies to set.
    """

    body: str | bytes = ""
    status: int = 200
    content_type: str = HTML
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[SetCookie, ...] = ()

    @classmethod
    def of_json(cls, value: object, status: int = 200) -> Response:
        """A response with a value as JSON.

        Raises:
            TypeError: JSON has no form for the value.
            ValueError: A number is infinite or none at all.
        """
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        # Half of a surrogate pair, as JSON can bring it, has no form in UTF-8 and is escaped again.
        if not text.isascii():
            text = _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
        return cls(text, status, JSON)

    @property
    def body_bytes(self) -> bytes:
        """The body as it is sent.

        Raises:
            TypeError: It is neither text nor bytes.
        """
        if isinstance(self.body, str):
            return self.body.encode()
        if not isinstance(self.body, bytes):
            raise TypeError(
                f"the body of a Response is str or bytes, not {type(self.body).__name__}: "
                "Response.of_json(value) sends JSON"
            )
        return self.body

    @property
    def text(self) -> str:
        """The body as text.

        Raises:
            UnicodeDecodeError: It is bytes that are no UTF-8.
        """
        return self.body if isinstance(self.body, str) else self.body.decode()

    @property
    def json(self) -> Any:
        """The body read as JSON.

        Raises:
            ValueError: It is none.
        """
        return json.loads(self.body)


@dataclass(frozen=True)
class StreamingResponse(Chainable):
    """A response whose body is made while it is sent.

    Attributes:
        chunks: Texts or bytes, from an async iterator, or from a sync one, which runs in a thread.
        status: HTTP status code.
        content_type: Media type.
        headers: Further headers as (name, value) pairs, in order.
        cookies: Cookies to set.
    """

    chunks: AsyncIterable[str | bytes] | Iterable[str | bytes]
    status: int = 200
    content_type: str = HTML
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[SetCookie, ...] = ()


@dataclass(frozen=True)
class Redirect:
    """Sends the client elsewhere.

    Attributes:
        url: Where to; a path or a whole URL. What no URL holds, such as letters outside of ASCII,
            is sent percent-encoded as UTF-8 (RFC 3987, section 3.1).
        status: 302, or 301, 303, 307, 308 (RFC 9110, section 15.4).
        headers: Further headers as (name, value) pairs.

    Raises:
        ValueError: The status is no redirection.
    """

    url: str
    status: int = 302
    headers: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.status not in _REDIRECTIONS:
            known = ", ".join(map(str, _REDIRECTIONS))
            raise ValueError(f"the status of a Redirect is one of {known}, not {self.status!r}")

    def response(self) -> Response:
        """The response that does it."""
        location = quote(self.url, safe=_OF_URLS)
        return Response("", self.status, TEXT, self.headers).with_header("Location", location)


AnyResponse = Response | StreamingResponse
"""What a middleware gets from the next step."""


def is_status(value: object) -> bool:
    """Whether this can be the status of a final response (RFC 9110, section 15)."""
    return isinstance(value, int) and not isinstance(value, bool) and 200 <= value <= 599


def check_header(name: str, value: str) -> None:
    """Refuse a header that would break the response apart.

    Raises:
        ValueError: Which header, and why; the value is not shown.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a header")
    if not isinstance(value, str) or not _VALUE.fullmatch(value):
        raise ValueError(
            f"the value of the header {name} must be a string of Latin-1 without control characters"
        )
