"""The liveness and the readiness probe, in front of middleware and routes."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from typing import Any

from chirp.health import HealthCheck
from chirp.http.response import TEXT, Response
from chirp.serving.handlers import call, is_async

#: Seconds that a readiness check may take: below what orchestrators wait by default is not possible
#: (Kubernetes: 1 s), but a probe must end.
_LIMIT = 5.0

logger = logging.getLogger("chirp")


class Probes:
    """Answers the two probes.

    Args:
        checks: The readiness checks.

    Attributes:
        state: `starting`, `ready` or `draining`; the readiness probe is well in the second only.
    """

    def __init__(self, checks: Sequence[HealthCheck]) -> None:
        self._checks = checks
        self._overdue: dict[str, threading.Event] = {}
        self.state = "starting"

    def liveness(self) -> Response:
        """200: the process answers."""
        return Response("ok", 200, TEXT)

    async def readiness(self) -> Response:
        """200 once the app is started and while all checks are well, else 503 with the reasons."""
        if self.state != "ready":
            return _not_ready(self.state)
        found = await asyncio.gather(*(self._reason(check) for check in self._checks))
        reasons = [reason for reason in found if reason is not None]
        return _not_ready(*reasons) if reasons else Response("ready", 200, TEXT)

    async def _reason(self, check: HealthCheck) -> str | None:
        """Why a check is not well; what it raised goes to the log, as it may hold secrets."""
        late = f"{check.name}: no answer within {_LIMIT:g} s"
        earlier = self._overdue.get(check.name)
        if earlier is not None and not earlier.is_set():
            # A thread that hangs cannot be ended: another one for each probe would leave none.
            return late
        over = threading.Event()

        def ask() -> Any:
            try:
                return check.check()
            finally:
                over.set()

        try:
            asked = call(check.check if is_async(check.check) else ask)
            if await asyncio.wait_for(asked, _LIMIT):
                return None
        except asyncio.TimeoutError:
            if not is_async(check.check):
                self._overdue[check.name] = over
            return late
        except Exception:
            logger.exception("the health check %r raised", check.name)
        return check.message or f"{check.name}: not well"


def _not_ready(*reasons: str) -> Response:
    return Response("\n".join(("not ready", *reasons)), 503, TEXT)
