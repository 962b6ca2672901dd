"""The probe's main: runs in a child process of its own, imports the app once and answers."""

from __future__ import annotations

import gc
import os
import sys
import time
from json.encoder import JSONEncoder
from typing import Any

from .document import document, environment
from .failures import Explainer, Failure, FailureReport, failure, frame, text_of_error
from .frameworks import describe
from .frameworks.view import View
from .ownership import is_own
from .positions import PositionTable
from .recording import Recorder
from .redaction import Redactor
from .resolve import Resolver, Target, module_file, parse
from .session import Session, open_session

# Made before the app can put another serializer in place of json.dumps.
_ENCODER = JSONEncoder(ensure_ascii=False, allow_nan=False)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Import what the request names and describe it; failures of the app are part of the answer."""
    return _Run(request).document()


class _Run:
    """One request, from the target's text to the document."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._request = request
        self._fields = tuple(request.get("secret_fields", ()))
        self._prefixes = tuple(request.get("environ_prefixes", ()))
        self._redactor = Redactor(self._fields, self._prefixes)
        self._redactor.learn(request.get("base", {}))
        self._redactor.learn_environment()
        self._table = PositionTable()
        chirp = request.get("kind") == "chirp"
        self._session = Session(dict(request.get("base", {})) if chirp else None)
        self._recorder = Recorder(self._session)
        self._milliseconds = 0.0

    def document(self) -> dict[str, Any]:
        """Resolve the target and put the answer together."""
        request = self._request
        spec = str(request["target"])
        target = Target(spec, spec.partition(":")[0], spec.partition(":")[2], False)
        before = environment(self._prefixes)
        app: dict[str, Any] | None = None
        failed: Failure | None = None
        factory = False
        try:
            target = parse(spec, str(request.get("kind", "pounce")))
            found, factory = self._resolve(target, str(request["app_dir"]))
            # The process ends with the answer: collecting garbage before would only take time.
            gc.disable()
            app = self._describe(found, spec)
        except FailureReport as report:
            failed = report.failure
        self._redactor.learn_environment()
        after = environment(self._prefixes)
        return document(
            {
                "spec": spec,
                "module": target.module,
                "file": module_file(target.module),
                "attribute": target.attribute,
                "factory": factory or target.factory,
            },
            app,
            failed,
            self._redactor,
            self._fields,
            import_ms=self._milliseconds,
            environ={name: value for name, value in after.items() if before.get(name) != value},
        )

    def _resolve(self, target: Target, app_dir: str) -> tuple[Any, bool]:
        if sys.path and sys.path[0] == "":
            del sys.path[0]
        sys.path.insert(0, app_dir)
        open_session(self._session)
        self._recorder.install()
        explainer = Explainer(self._table, self._redactor, app_dir)
        resolver = Resolver(target, str(self._request.get("kind", "pounce")), explainer)
        resolver.on_error = lambda error: self._config_error(error, explainer)
        started = time.perf_counter()
        try:
            resolved = resolver.resolve()
        finally:
            self._milliseconds = (time.perf_counter() - started) * 1000
        return resolved.app, resolved.factory

    def _describe(self, app: Any, spec: str) -> dict[str, Any]:
        view = View(self._table, self._redactor, self._session, self._recorder, spec)
        try:
            return describe(app, view)
        except Exception as error:
            # The app's own lazy parts (pages, URL configuration) run here for the first time.
            explainer = Explainer(self._table, self._redactor, str(self._request["app_dir"]))
            raise FailureReport(explainer.explain(error, "")) from error

    def _config_error(self, error: BaseException, explainer: Explainer) -> Failure | None:
        refused = self._recorder.refused(error)
        if refused is None:
            return None
        frames = explainer.frames(refused.error.__traceback__)
        position = self._table.of(refused.site, "AppConfig")
        if position is not None:
            own = is_own(str(position["file"]))
            frames.insert(0, frame(position, "AppConfig", own=own))
        return failure(
            "config_error",
            self._redactor.line(text_of_error(refused.error)),
            exception=type(refused.error).__name__,
            fields=refused.fields,
            frames=frames,
        )


def run(request: dict[str, Any], descriptor: int) -> None:
    """Write the answer to ``descriptor``, its length in 8 bytes first, and end the process at once.

    A process that the app forked while it was imported comes past here too: it writes nothing.
    """
    process = os.getpid()
    try:
        answered = answer(request)
    except Exception:
        import traceback

        answered = {"probe_error": traceback.format_exc()}
    if os.getpid() == process:
        data = _ENCODER.encode(answered).encode("utf-8", "replace")
        _write(descriptor, len(data).to_bytes(8, "big") + data)
    os._exit(0)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
