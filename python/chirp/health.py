"""Readiness checks: what must be well before an app gets traffic."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chirp.errors import ConfigurationError


@dataclass(frozen=True)
class HealthCheck:
    """One dependency that the readiness probe asks about.

    Attributes:
        name: Names the dependency in the probe's answer, such as `"cache"`.
        check: Takes no argument and gives a true value while all is well; may be async.
        message: What to report while it is not; by default made from the name.
    """

    name: str
    check: Callable[[], Awaitable[bool] | bool]
    message: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ConfigurationError(f"a HealthCheck needs a name, not {self.name!r}")
        if not callable(self.check):
            raise ConfigurationError(
                f"HealthCheck({self.name!r}): check must be a function without parameters, "
                f"not {type(self.check).__name__}"
            )
