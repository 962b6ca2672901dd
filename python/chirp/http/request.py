"""The request that handlers and middleware get."""

from __future__ import annotations

import codecs
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chirp.errors import ClientDisconnected, HTTPError, PayloadTooLarge
from chirp.http.cookies import parse_cookies
from chirp.http.headers import Headers, QueryParams

if TYPE_CHECKING:
    from pounce_rs._native import AppConfig

    from chirp.http.forms import FormData
    from chirp.middleware.auth import User

#: Codecs of Python that decode bytes and are no charset of a text (RFC 2978); UTF-7 is one that no
#: browser reads (Encoding standard, section 4.2).
_NO_CHARSETS = frozenset(
    {"idna", "palmos", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
)

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Request:
    """One HTTP request.

    Args:
        scope: The ASGI scope, of type `http`.
        receive: The ASGI channel that the body comes by.
        config: The app's settings; its limits hold for the body.
    """

    __slots__ = (
        "_body",
        "_cookies",
        "_form",
        "_headers",
        "_query",
        "_receive",
        "_session",
        "_session_used",
        "_streamed",
        "_user",
        "config",
        "method",
        "path",
        "path_params",
        "scope",
        "state",
    )

    def __init__(
        self, scope: MutableMapping[str, Any], receive: Receive, config: AppConfig
    ) -> None:
        self.scope = scope
        self.config = config
        #: HTTP method, in upper case.
        self.method: str = scope["method"]
        #: Path, decoded, without `root_path`.
        self.path: str = _below(scope)
        #: Parameters of the route's path, converted.
        self.path_params: Mapping[str, Any] = {}
        #: What start-up left in the lifespan's state, copied, for this request's own use.
        self.state: dict[str, Any] = scope.get("state", {})
        self._user: User | None = None
        self._receive = receive
        self._body: bytes | None = None
        self._streamed = False
        self._form: FormData | None = None
        self._headers: Headers | None = None
        self._query: QueryParams | None = None
        self._cookies: dict[str, str] | None = None
        self._session: dict[str, Any] | None = None
        #: Whether the response may depend on the session.
        self._session_used = False

    def __repr__(self) -> str:
        """Show method and path."""
        return f"<Request {self.method} {self.path!r}>"

    @property
    def headers(self) -> Headers:
        """Header fields, by name in any case."""
        if self._headers is None:
            self._headers = Headers(self.scope["headers"])
        return self._headers

    @property
    def query(self) -> QueryParams:
        """Parameters of the query string."""
        if self._query is None:
            self._query = QueryParams(self.scope.get("query_string", b""))
        return self._query

    @property
    def cookies(self) -> Mapping[str, str]:
        """Cookies by name."""
        if self._cookies is None:
            self._cookies = parse_cookies("; ".join(self.headers.get_list("cookie")))
        return self._cookies

    @property
    def client(self) -> tuple[str, int] | None:
        """Address and port of the client; behind a trusted proxy the ones that it tells."""
        client = self.scope.get("client")
        return None if client is None else (client[0], client[1])

    @property
    def scheme(self) -> str:
        """`http` or `https`; behind a trusted proxy the one that it tells."""
        return str(self.scope.get("scheme", "http"))

    @property
    def http_version(self) -> str:
        """`1.0`, `1.1` or `2`."""
        return str(self.scope.get("http_version", "1.1"))

    @property
    def host(self) -> str:
        """Host and port that the client asked for; empty where it told none."""
        return self.headers.get("host", "")

    @property
    def url(self) -> str:
        """Path and query as the client sent them."""
        # A server may leave the raw path out (ASGI spec, "HTTP Connection Scope").
        raw = self.scope.get("raw_path") or quote(self.scope["path"]).encode("ascii")
        query = self.scope.get("query_string", b"")
        return (raw + (b"?" + query if query else b"")).decode("latin-1")

    @property
    def request_id(self) -> str:
        """Id of this request in the server's log; empty where the server gives none."""
        return str(self.scope.get("extensions", {}).get("request_id", ""))

    @property
    def content_type(self) -> str | None:
        """The Content-Type header."""
        return self.headers.get("content-type")

    @property
    def content_length(self) -> int | None:
        """Size of the body in bytes, where the client told it."""
        return self.headers.get_int("content-length")

    @property
    def is_htmx(self) -> bool:
        """Whether htmx made this request."""
        return self.headers.get("hx-request") == "true"

    @property
    def session(self) -> dict[str, Any]:
        """The session; what is changed in it is kept.

        Raises:
            LookupError: No `SessionMiddleware` stands around the caller.
        """
        self._session_used = True
        return self._existing_session()

    def _existing_session(self) -> dict[str, Any]:
        """The session, for who only looks whether there is one."""
        if self._session is None:
            raise LookupError(
                "there is no session: add SessionMiddleware, further out than what uses it"
            )
        return self._session

    @property
    def user(self) -> User:
        """The user that `AuthMiddleware` found, else `AnonymousUser`."""
        if self._user is not None:
            return self._user
        from chirp.middleware.auth import ANONYMOUS  # noqa: PLC0415 # it needs requests

        return ANONYMOUS

    async def stream(self) -> AsyncIterator[bytes]:
        """The body in pieces, as they come; once.

        Raises:
            PayloadTooLarge: It is larger than `max_request_body_size`.
            ClientDisconnected: It ends early.
            RuntimeError: The body was streamed before.
        """
        if self._body is not None:
            yield self._body
            return
        if self._streamed:
            raise RuntimeError("the body of this request was streamed already: it comes once")
        self._streamed = True
        most = self.config.max_request_body_size
        if (self.content_length or 0) > most:
            raise PayloadTooLarge(f"the body is larger than {most} bytes")
        size, more = 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected("the client went away in the middle of its request")
            data: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(data)
            if size > most:
                raise PayloadTooLarge(f"the body is larger than {most} bytes")
            if data:
                yield data

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            PayloadTooLarge: It is larger than `max_request_body_size`.
            ClientDisconnected: It ends early.
        """
        if self._body is None:
            self._body = b"".join([piece async for piece in self.stream()])
        return self._body

    async def text(self) -> str:
        """The body as text, in the charset of the Content-Type, else UTF-8.

        Raises:
            HTTPError: 400, it is not in that charset, or nobody knows that charset.
        """
        charset = "utf-8"
        for parameter in (self.content_type or "").split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset":
                charset = value.strip().strip('"')
        body = await self.body()
        try:
            if codecs.lookup(charset).name in _NO_CHARSETS:
                raise LookupError
            return body.decode(charset)
        except (LookupError, ValueError):
            raise HTTPError(400, f"the body is not text in {charset}") from None

    async def json(self) -> Any:
        """The body read as JSON.

        Raises:
            HTTPError: 400, it is none; NaN and Infinity are none either (RFC 8259, section 6).
        """
        try:
            return json.loads(await self.body(), parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            reason = str(error) if isinstance(error, json.JSONDecodeError) else "it cannot be read"
            raise HTTPError(400, f"the body is no JSON: {reason}") from None

    async def form(self) -> FormData:
        """The body as a form, urlencoded or multipart; uploads live as long as the request.

        Raises:
            PayloadTooLarge: It passes `max_upload_size` or `max_upload_parts`.
            HTTPError: 400, it is malformed; 415, the body is no form.
        """
        if self._form is not None:
            return self._form
        # Only here: most requests bring no form, and a preflight sees no request at all.
        from chirp.http.forms import parse_urlencoded  # noqa: PLC0415
        from chirp.http.multipart import Limits, parse_multipart  # noqa: PLC0415

        kind = (self.content_type or "").partition(";")[0].strip().lower()
        config = self.config
        if kind == "application/x-www-form-urlencoded":
            self._form = parse_urlencoded(await self.body(), config.max_upload_parts)
        elif kind == "multipart/form-data":
            limits = Limits(
                config.max_upload_size, config.max_upload_parts, config.upload_spool_threshold
            )
            self._form = await parse_multipart(self.content_type or "", self.stream(), limits)
        else:
            raise HTTPError(415, f"this is no form but {kind or 'a body without Content-Type'}")
        return self._form

    def close(self) -> None:
        """Drop the uploads."""
        if self._form is not None:
            self._form.close()


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _below(scope: Mapping[str, Any]) -> str:
    """The path of the app's own; ASGI's `path` holds `root_path` too."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    if root and (path == root or path.startswith(root + "/")):
        return path[len(root) :] or "/"
    return path
