"""Cross-origin resource sharing: which other sites' scripts may read responses."""

from __future__ import annotations

from dataclasses import dataclass

from chirp.errors import ConfigurationError
from chirp.middleware.settings import Mistakes, Settings, texts


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

    def __repr__(self) -> str:
        """Show the settings."""
        return f"CORSMiddleware({self.config!r})"
