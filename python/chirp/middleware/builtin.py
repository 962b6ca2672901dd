"""Cross-origin resource sharing: which other sites' scripts may read responses."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chirp.errors import ConfigurationError
from chirp.http.response import TEXT, Response
from chirp.middleware.settings import Mistakes, Settings, texts
from chirp.middleware.step import AnyResponse, Next, Request

#: `*`, or an origin as the Origin header has it (RFC 6454, section 6.2): never with a path.
_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^\s/?#@*A-Z]+")


@dataclass(frozen=True, repr=False)
class CORSConfig(Settings):
    """What other origins may do; by default nothing (Fetch standard, CORS protocol).

    Attributes:
        allow_origins: Origins as `https://shop.example`; `*` for all.
        allow_methods: Methods that a preflight request is told.
        allow_headers: Request headers that other origins may send.
        expose_headers: Response headers that their scripts may read.
        allow_credentials: Whether cookies go along; not together with `*`.
        max_age: How long browsers may keep a preflight's answer, in seconds.

    Raises:
        ConfigurationError: Names every setting that is wrong.
    """

    allow_origins: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ("GET", "HEAD", "OPTIONS")
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    allow_credentials: bool = False
    max_age: int = 600

    def __post_init__(self) -> None:
        mistakes = Mistakes("CORSConfig")
        for name in ("allow_origins", "allow_methods", "allow_headers", "expose_headers"):
            self._normalize(name, texts(mistakes, name, getattr(self, name)))
        for origin in self.allow_origins:
            mistakes.expect(
                _ORIGIN.fullmatch(origin) is not None,
                f"allow_origins: {origin!r} is none; browsers send scheme and host in lower case, "
                "without a path, as https://shop.example",
            )
        mistakes.expect_flag("allow_credentials", self.allow_credentials)
        mistakes.expect_count("max_age", self.max_age, 0, "seconds")
        mistakes.expect(
            not (self.allow_credentials and "*" in self.allow_origins),
            "allow_credentials with allow_origins '*' would let every site act as the user: "
            "name the origins",
        )
        mistakes.raise_if_any()


class CORSMiddleware:
    """Answers preflight requests and marks responses for other origins.

    Args:
        config: What other origins may do; by default nothing.
    """

    def __init__(self, config: CORSConfig | None = None) -> None:
        if config is not None and not isinstance(config, CORSConfig):
            raise ConfigurationError(
                f"CORSMiddleware takes a CORSConfig, not {type(config).__name__}"
            )
        self.config = config if config is not None else CORSConfig()

    async def __call__(self, request: Request, next: Next) -> AnyResponse:  # noqa: A002
        """Answer a preflight request, or go on and mark the response."""
        origin = request.headers.get("origin")
        asked = request.headers.get("access-control-request-method")
        if request.method == "OPTIONS" and origin is not None and asked is not None:
            response: AnyResponse = Response(b"", 204, TEXT)
            if self._allows(origin):
                response = self._preflight(self._marked(response, origin))
            return response.with_vary("Origin")
        response = await next(request)
        if origin is not None and self._allows(origin):
            response = self._marked(response, origin)
            if self.config.expose_headers:
                exposed = ", ".join(self.config.expose_headers)
                response = response.with_header("Access-Control-Expose-Headers", exposed)
        # Caches must not give one origin's answer to another.
        return response if "*" in self.config.allow_origins else response.with_vary("Origin")

    def _allows(self, origin: str) -> bool:
        return "*" in self.config.allow_origins or origin in self.config.allow_origins

    def _marked(self, response: AnyResponse, origin: str) -> AnyResponse:
        allowed = "*" if "*" in self.config.allow_origins else origin
        response = response.replacing_header("Access-Control-Allow-Origin", allowed)
        if self.config.allow_credentials:
            response = response.replacing_header("Access-Control-Allow-Credentials", "true")
        return response

    def _preflight(self, response: AnyResponse) -> AnyResponse:
        config = self.config
        methods = ", ".join(config.allow_methods)
        response = response.with_header("Access-Control-Allow-Methods", methods)
        if config.allow_headers:
            headers = ", ".join(config.allow_headers)
            response = response.with_header("Access-Control-Allow-Headers", headers)
        return response.with_header("Access-Control-Max-Age", str(config.max_age))

    def __repr__(self) -> str:
        """Show the settings."""
        return f"CORSMiddleware({self.config!r})"
