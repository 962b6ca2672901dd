"""Protection against cross-site request forgery by a token in the session."""

from __future__ import annotations

from dataclasses import dataclass

from chirp.errors import ConfigurationError
from chirp.middleware.settings import Mistakes, Settings, texts


@dataclass(frozen=True, repr=False)
class CSRFConfig(Settings):
    """Settings of the token.

    Attributes:
        field_name: Form field that carries it.
        header_name: Request header that carries it where there is no form.
        session_key: Key of the token in the session.
        token_length: Random bytes of a token, at least 16.
        exempt_paths: Paths that are not checked, such as webhooks; each starts with `/`.

    Raises:
        ConfigurationError: Names every setting that is wrong.
    """

    field_name: str = "_csrf_token"
    header_name: str = "X-CSRF-Token"
    session_key: str = "_csrf_token"
    token_length: int = 32
    exempt_paths: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        mistakes = Mistakes("CSRFConfig")
        for name in ("field_name", "header_name", "session_key"):
            mistakes.expect_text(name, getattr(self, name))
        mistakes.expect_count("token_length", self.token_length, 16, "bytes")
        self._normalize(
            "exempt_paths", frozenset(texts(mistakes, "exempt_paths", self.exempt_paths))
        )
        for path in sorted(self.exempt_paths):
            mistakes.expect(path.startswith("/"), f"exempt_paths: {path!r} must start with /")
        mistakes.raise_if_any()


class CSRFMiddleware:
    """Refuses mutating requests without the session's token; stands inside `SessionMiddleware`.

    Args:
        config: Its settings; by default `CSRFConfig()`.
    """

    def __init__(self, config: CSRFConfig | None = None) -> None:
        if config is not None and not isinstance(config, CSRFConfig):
            raise ConfigurationError(
                f"CSRFMiddleware takes a CSRFConfig, not {type(config).__name__}"
            )
        self._config = config if config is not None else CSRFConfig()

    @property
    def config(self) -> CSRFConfig:
        """The settings that it was made with."""
        return self._config

    def __repr__(self) -> str:
        """Show the settings."""
        return f"CSRFMiddleware({self._config!r})"
