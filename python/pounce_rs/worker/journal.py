"""The worker's own log lines, on standard error. The application's ``logging`` is left alone."""

from __future__ import annotations

import json
import sys
import traceback
from asyncio import CancelledError
from datetime import datetime, timezone
from typing import Any

from pounce_rs._native import write_error

_STANDARD_ERROR = 2
_LEVELS = ("debug", "info", "warning", "error", "critical")


class Journal:
    """Writes one line an event, as JSON or as text with the traceback indented below it.

    The keys are those of every log of the server (docs/logging.md): ``timestamp``, ``level``,
    ``event``, ``message``.

    Args:
        form: ``log_format``: ``auto`` means text on a terminal and JSON otherwise.
        worker_id: Number of the worker.
        level: ``log_level``: what is less is not written.
        lifecycle: ``lifecycle_logging``: the worker's life is worth ``info``, not ``debug``.
    """

    def __init__(
        self, form: str, worker_id: int, *, level: str = "info", lifecycle: bool = False
    ) -> None:
        self._json = form == "json" or (form == "auto" and not _is_terminal())
        self._worker_id = worker_id
        self._least = _LEVELS.index(level)
        self._lifecycle = lifecycle
        self._over: str | None = None

    def request_failed(
        self,
        what: str,
        request_id: str,
        method: str,
        path: str,
        error: BaseException | None,
    ) -> None:
        """Tell what went wrong with a request, for which the log has one line or record."""
        if self._over is not None and (error is None or isinstance(error, CancelledError)):
            # It ends as it was made to: that is no fault of the app.
            what, error = f"cut off by the end of {self._over}", None
        fields = {"request_id": request_id, "method": method, "path": path}
        self._write("error", "request_failed", what, error, **fields)

    def cut_off(self, setting: str) -> None:
        """Note that the time of this setting is over, and that requests are cut off for it."""
        self._over = setting

    def failed(
        self,
        what: str,
        error: BaseException | None = None,
        *,
        event: str = "worker_failed",
        trace: str = "",
    ) -> None:
        """Tell what went wrong beside requests, with a traceback where there is no exception."""
        self._write("error", event, what, error, trace)

    def warned(
        self, what: str, error: BaseException | None = None, *, event: str = "worker_warning"
    ) -> None:
        """Tell what went wrong, and what the service goes on without."""
        self._write("warning", event, what, error)

    def noted(self, what: str, *, event: str = "worker_note") -> None:
        """Tell what happened."""
        self._write("info", event, what, None)

    def told(self, what: str, is_error: bool) -> None:
        """Tell what a part of the server reports."""
        if is_error:
            self._write("error", "server_failed", what, None)
        else:
            self._write("info", "server_note", what, None)

    def detailed(self, what: str, *, event: str) -> None:
        """Tell what only a person who looks for it wants to know."""
        self._write("debug", event, what, None)

    def lived(self, what: str, *, event: str) -> None:
        """Tell a step of the worker's life."""
        self._write("info" if self._lifecycle else "debug", event, what, None)

    def _write(
        self,
        level: str,
        event: str,
        what: str,
        error: BaseException | None,
        trace: str = "",
        **fields: Any,
    ) -> None:
        if _LEVELS.index(level) < self._least:
            return
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        now = now.replace("+00:00", "Z")
        if error is not None:
            trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        if self._json:
            record: dict[str, Any] = {
                "timestamp": now,
                "level": level,
                "event": event,
                "message": what,
            }
            record |= {"worker_id": self._worker_id, **fields}
            if trace:
                record["exception"] = trace
            text = json.dumps(record, ensure_ascii=True, separators=(",", ":")) + "\n"
        else:
            named = " ".join(f"{name}={_plain(str(value))}" for name, value in fields.items())
            line = f"{now} {level:<8} worker {self._worker_id}: {_plain(what)} {named}"
            text = line.rstrip() + "\n" + _indented(trace)
        _put(text, self._json)


def _put(text: str, as_json: bool) -> None:
    try:
        if sys.stderr.fileno() == _STANDARD_ERROR:
            # Python would wait, and everybody's requests with it, for who does not read the log.
            text = text.encode("utf-8", "backslashreplace").decode("utf-8")
            write_error(text, json=as_json)
            return
    except (AttributeError, OSError, ValueError):
        # It is none of the system's.
        pass
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        # Nobody reads the log, or the program has none: that must not end the service.
        return


def _is_terminal() -> bool:
    # None where the program was started without.
    return sys.stderr is not None and sys.stderr.isatty()


def _indented(trace: str) -> str:
    """A traceback of which no line can pass for one of the log, without a terminal's sequences."""
    lines = trace.expandtabs(4).removesuffix("\n").split("\n") if trace else []
    return "".join(f"    {_escaped(line)}\n" for line in lines)


def _escaped(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in line
    )


def _plain(text: str) -> str:
    """Text that cannot forge a line of the log or a terminal's sequence."""
    return text if text.isprintable() else json.dumps(text)
