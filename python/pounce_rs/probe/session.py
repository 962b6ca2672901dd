"""The running probe, as the packages that it looks at see it.

The probe may be an embedded copy of another release than the one installed beside the app, so the
two do not share module names: they meet in one entry of ``sys.modules``.
"""

from __future__ import annotations

import sys
from typing import Any

_KEY = "_pounce_probe_session"


class Session:
    """One probe of one app: what configuration starts from, and which apps were handed over.

    ``base`` holds AppConfig values below the keywords of the code (file, environment, flags) as
    JSON types; where it is None, an AppConfig is made or refused as in any other process.
    ``handed_over`` collects what was given to ``run()`` while the module was imported.
    """

    __slots__ = ("base", "handed_over")

    def __init__(self, base: dict[str, Any] | None = None) -> None:
        self.base = base
        self.handed_over: list[tuple[Any, Any]] = []

    def hand_over(self, app: Any, site: Any) -> None:
        """Note that ``app`` was given to ``run()`` at the call site ``site``; nothing is served."""
        self.handed_over.append((app, site))

    def run_site(self, app: Any) -> Any:
        """The call site where ``app`` was handed over, or None."""
        for handed, site in self.handed_over:
            if handed is app or (isinstance(app, str) and app and handed == app):
                return site
        return None


def open_session(session: Session) -> None:
    """Make ``session`` the one that :func:`current` finds, for the rest of the process."""
    sys.modules[_KEY] = session  # type: ignore[assignment]


def close_session() -> None:
    """Forget the session: what is made from now on is as outside of a probe."""
    sys.modules.pop(_KEY, None)


def current() -> Session | None:
    """The session of this process; None outside a probe."""
    session: Any = sys.modules.get(_KEY)
    return session if session is None or hasattr(session, "hand_over") else None
