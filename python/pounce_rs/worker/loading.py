"""The application of a target, by the rules of the preflight."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any

from pounce_rs.probe.asgi import judge
from pounce_rs.probe.failures import Explainer, FailureReport
from pounce_rs.probe.ownership import is_probe
from pounce_rs.probe.positions import PositionTable
from pounce_rs.probe.redaction import Redactor
from pounce_rs.probe.resolve import Resolver, parse
from pounce_rs.probe.session import Session, close_session, open_session
from pounce_rs.role import become_worker


class LoadingError(Exception):
    """There is no application to serve; the text says why, for people.

    Attributes:
        trace: The traceback of the exception that was the reason; empty where there was none.
    """

    def __init__(self, text: str, trace: str = "") -> None:
        super().__init__(text)
        self.trace = trace


def load(
    target: str, app_dir: str | None, kind: str, app_config: Mapping[str, Any] | None = None
) -> Any:
    """Import the application that ``target`` names, as ``pounce check`` does.

    Args:
        target: ``module:attribute``, or the like.
        app_dir: Directory that it is imported from; None means the working directory.
        kind: ``pounce``, or ``chirp`` where a target without an attribute means ``app``.
        app_config: Settings of a Chirp app from outside its code, as ``Document`` has them.

    Raises:
        LoadingError: The target is wrong, or its code fails, or its settings do.
    """
    if app_config is None:
        return _import(target, app_dir, kind)
    # As in `chirp check`: the settings below the keywords of the code come from the session, which
    # collects what is wrong with them.
    open_session(Session(dict(app_config["base"])))
    try:
        app = _import(target, app_dir, kind)
        wrong = [message for _, message in app._chirp_overrule(app_config["flags"])]
    finally:
        close_session()
    if wrong:
        raise LoadingError("\n  ".join((f"{target}: the app's settings are not valid:", *wrong)))
    return app


def _import(target: str, app_dir: str | None, kind: str) -> Any:
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
        details, cause = report.failure, report.__cause__
        # Where the module itself is missing there is no code of the application's that has failed.
        trace = "" if cause is None or details.get("own_module") else _trace(cause)
        message = f"{target}: {details['message']}"
        exception = details.get("exception")
        if exception:
            message = f"{target}: {exception}: {details['message']}"
        near = details.get("nearest")
        if near:
            message += f"; did you mean {' or '.join(map(str, near))}?"
        raise LoadingError(message, trace) from None
    return require_app(found.app, target)


def _trace(error: BaseException) -> str:
    """The traceback of an exception, without what imports the application."""
    told = traceback.TracebackException(type(error), error, error.__traceback__)
    seen: list[traceback.TracebackException | None] = [told]
    for each in seen:
        if each is not None:
            each.stack[:] = [frame for frame in each.stack if not is_probe(frame.filename)]
            seen += [each.__cause__, each.__context__, *(getattr(each, "exceptions", None) or ())]
    return "".join(told.format())


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
