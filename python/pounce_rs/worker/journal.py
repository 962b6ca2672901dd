"""The worker's own log lines, on standard error. The application's ``logging`` is left alone."""

from __future__ import annotations

import json
import sys
import traceback
from datetime import datetime, timezone
from typing import Any


class Journal:
    """Writes one line an event, as JSON or as text with the traceback below it.

    ``form`` is ``log_format``: ``auto`` means text on a terminal and JSON otherwise.
    """

    def __init__(self, form: str, worker_id: int) -> None:
        self._json = form == "json" or (form == "auto" and not sys.stderr.isatty())
        self._worker_id = worker_id

    def request_failed(
        self,
        what: str,
        request_id: str,
        method: str,
        path: str,
        error: BaseException | None,
    ) -> None:
        """Tell what went wrong with a request, for which the log has one line or record."""
        self._write("error", what, error, request_id=request_id, method=method, path=path)

    def failed(self, what: str, error: BaseException | None = None) -> None:
        """Tell what went wrong beside requests."""
        self._write("error", what, error)

    def noted(self, what: str) -> None:
        """Tell what happened."""
        self._write("info", what, None)

    def told(self, what: str, is_error: bool) -> None:
        """Tell what a part of the server reports."""
        self._write("error" if is_error else "info", what, None)

    def _write(self, level: str, what: str, error: BaseException | None, **fields: Any) -> None:
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        trace = ""
        if error is not None:
            trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        if self._json:
            record = {"time": now, "level": level, "message": what, "worker_id": self._worker_id}
            record.update(fields)
            if trace:
                record["exception"] = trace
            text = json.dumps(record, ensure_ascii=True) + "\n"
        else:
            named = " ".join(f"{name}={_plain(str(value))}" for name, value in fields.items())
            text = f"{now} {level} worker {self._worker_id}: {what} {named}".rstrip() + "\n" + trace
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError):
            # Nobody reads the log: that must not end the service.
            return


def _plain(text: str) -> str:
    """Text that cannot forge a line of the log or a terminal's sequence."""
    return text if text.isprintable() else json.dumps(text)
