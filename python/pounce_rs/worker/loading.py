"""The application of a target, by the rules of the preflight."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

from pounce_rs.probe.asgi import judge
from pounce_rs.probe.failures import Explainer, FailureReport
from pounce_rs.probe.positions import PositionTable
from pounce_rs.probe.redaction import Redactor
from pounce_rs.probe.resolve import Resolver, parse
from pounce_rs.role import become_worker


class LoadingError(Exception):
    """There is no application to serve; the text says why, for people."""


def load(target: str, app_dir: str | None, kind: str) -> Any:
    """Import the application that ``target`` names, as ``pounce check`` does.

    Raises:
        LoadingError: The target is wrong, or its code fails. The traceback is on standard error.
    """
    directory = os.path.abspath(app_dir or os.getcwd())
    # `python -m` has put the working directory in front; the app's own stands in its place.
    if sys.path and sys.path[0] in ("", os.getcwd()):
        del sys.path[0]
    sys.path.insert(0, directory)
    become_worker()
    explainer = Explainer(PositionTable(), Redactor((), ()), directory)
    try:
        found = Resolver(parse(target, kind), kind, explainer).resolve()
    except FailureReport as report:
        cause = report.__cause__
        if cause is not None:
            traceback.print_exception(type(cause), cause, cause.__traceback__)
        details = report.failure
        message = f"{target}: {details['message']}"
        exception = details.get("exception")
        if exception:
            message = f"{target}: {exception}: {details['message']}"
        near = details.get("nearest")
        if near:
            message += f"; did you mean {' or '.join(map(str, near))}?"
        raise LoadingError(message) from None
    return require_app(found.app, target)


def require_app(app: Any, name: str) -> Any:
    """Give ``app`` back, if it can be served.

    Raises:
        LoadingError: It is no ASGI 3 application.
    """
    if not callable(app):
        raise LoadingError(
            f"{name} is {judge(app).reason}, which this version cannot serve: it is not callable"
        )
    return app
