"""Failures as data: what kind, one line of message, and the user's own frames."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from .ownership import is_own, is_probe
from .positions import PositionTable, line_position
from .redaction import Redactor
from .sources import Position, source

_MOST_FRAMES = 64
"""Of a deeper stack (endless recursion) the first and last half are kept."""

_MOST_FOLDERS = 64
"""As many are looked into for a module that is missing."""

_OTHERS = frozenset({"build", "dist", "env", "node_modules", "target", "venv"})

Failure = dict[str, Any]


class FailureReport(Exception):
    """Carries a finished failure to the place that writes the document."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure["message"])
        self.failure = failure


def failure(kind: str, message: str, **details: Any) -> Failure:
    """A failure of a kind; details are the other fields of ``Failure`` in ``snapshot.rs``."""
    return {"kind": kind, "message": message, **details}


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """Up to three names that look like ``name``, best first."""
    from difflib import get_close_matches

    candidates = sorted({each for each in names if each != name})
    folded = {each.lower(): each for each in reversed(candidates)}
    found = get_close_matches(name.lower(), folded, n=3, cutoff=0.6)
    return [folded[each] for each in found]


def text_of_error(error: BaseException) -> str:
    """What an exception says; nothing where its own code fails to say it."""
    try:
        return str(error)
    except Exception:
        return ""


class Explainer:
    """Turns exceptions of the user's code into failures."""

    def __init__(self, table: PositionTable, redactor: Redactor, app_dir: str) -> None:
        self._table = table
        self._redactor = redactor
        self._app_dir = app_dir

    def explain(
        self, error: BaseException, target_module: str, *, factory: bool = False
    ) -> Failure:
        """The failure that ``error`` means, raised by ``target_module`` or by a factory."""
        frames = self.frames(error.__traceback__)
        described: dict[str, Any] = {"exception": type(error).__name__, "frames": frames}
        message = self._redactor.line(text_of_error(error)) or type(error).__name__
        if isinstance(error, SystemExit):
            code = None if error.code is None else self._redactor.line(text_of_error(error))
            return failure("system_exit", f"sys.exit({code or ''})", exit_code=code, **described)
        if isinstance(error, SyntaxError):
            return self._syntax_error(error, described)
        if factory:
            return failure("factory_failed", message, **described)
        if isinstance(error, ModuleNotFoundError):
            return self._module_not_found(error, target_module, message, described)
        if isinstance(error, ImportError):
            return failure("import_error", message, nearest=_nearest_import(error), **described)
        return failure("exception", message, **described)

    def frames(self, traceback: TracebackType | None) -> list[dict[str, Any]]:
        """The stack, outermost first, without the probe and the import machinery."""
        entries: list[TracebackType] = []
        while traceback is not None:
            if not is_probe(traceback.tb_frame.f_code.co_filename):
                entries.append(traceback)
            traceback = traceback.tb_next
        if len(entries) > _MOST_FRAMES:
            half = _MOST_FRAMES // 2
            entries = entries[:half] + entries[-half:]
        found = []
        for entry in entries:
            self._learn_variables(entry)
            position = self._table.of_traceback(entry)
            if position is not None:
                code = entry.tb_frame.f_code
                found.append(frame(position, code.co_name, own=is_own(code.co_filename)))
        return found

    def _learn_variables(self, entry: TracebackType) -> None:
        """What an exception quotes, its functions mostly have in a variable with a telling name."""
        frame = entry.tb_frame
        self._redactor.learn_named(frame.f_locals)
        if is_own(frame.f_code.co_filename):
            self._redactor.learn_named(frame.f_globals)
        try:
            # Not by vars(): a lazy object would be made, for which the exception says it cannot be.
            attributes = object.__getattribute__(frame.f_locals.get("self"), "__dict__")
        except AttributeError:
            return
        self._redactor.learn_named(attributes)

    def _syntax_error(self, error: SyntaxError, described: dict[str, Any]) -> Failure:
        message = self._redactor.line(error.msg or "invalid syntax")
        position = _syntax_position(error)
        if position is not None:
            own = is_own(str(position["file"]))
            described["frames"] = [*described["frames"], frame(position, "<module>", own=own)]
        return failure("syntax_error", message, **described)

    def _module_not_found(
        self, error: ModuleNotFoundError, target: str, message: str, described: dict[str, Any]
    ) -> Failure:
        missing = error.name or ""
        own = bool(missing) and (target == missing or target.startswith(missing + "."))
        near: list[str] = []
        if missing:
            parent, _, leaf = missing.rpartition(".")
            prefix = parent + "." if parent else ""
            near = [prefix + name for name in nearest(leaf, self._modules_in(parent))]
        folder = self._folder_with(missing) if missing else None
        if folder is not None and not own:
            # `src.shop` where shop imports what is in `src` without it; else it is a mere namesake.
            dotted = folder.replace(os.sep, ".") + "."
            if target.startswith(dotted):
                near = [target.removeprefix(dotted)]
            else:
                folder = None
        if folder is not None:
            message = f"{message} in {self._app_dir}" if own else message
            folder = os.path.relpath(os.path.join(self._app_dir, folder))
        elif own and self._is_app_folder(missing):
            # `src.shop` with the app's folder `src`: the folder is no package there.
            _, _, below = target.partition(".")
            missing, near = target, [below]
        return failure(
            "module_not_found",
            message,
            missing_module=missing or None,
            own_module=own,
            folder=folder,
            nearest=near,
            **described,
        )

    def _modules_in(self, package: str) -> list[str]:
        """Names of the modules of a package, or of the app's folder."""
        if package:
            folders = list(getattr(sys.modules.get(package), "__path__", []))
            folders = folders or [os.path.join(self._app_dir, *package.split("."))]
        else:
            folders = [self._app_dir]
        return [name for folder in folders for name in _modules_of(folder)]

    def _folder_with(self, module: str) -> str | None:
        """A folder one or two levels below the app's folder that holds the module."""
        top = module.partition(".")[0]
        above = [""]
        for _ in range(2):
            folders = [each for folder in above for each in self._folders_in(folder)]
            for each in folders:
                if top in _modules_of(os.path.join(self._app_dir, each)):
                    return each
            above = folders[:_MOST_FOLDERS]
        return None

    def _is_app_folder(self, package: str) -> bool:
        return package == os.path.basename(os.path.abspath(self._app_dir))

    def _folders_in(self, folder: str) -> list[str]:
        """The folders in a folder of the app that may hold code, by name."""
        try:
            with os.scandir(os.path.join(self._app_dir, folder)) as entries:
                names = sorted(each.name for each in entries if each.is_dir())
        except OSError:
            return []
        shown = [name for name in names if not name.startswith((".", "_")) and name not in _OTHERS]
        return [os.path.join(folder, name) for name in shown]


def frame(position: Position, function: str, *, own: bool) -> dict[str, Any]:
    """One frame of a stack."""
    return {"position": position, "function": function, "own": own}


def _modules_of(folder: str) -> list[str]:
    names = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name, extension = os.path.splitext(entry.name)
                if (extension == ".py" and name.isidentifier()) or (
                    name.isidentifier() and os.path.exists(os.path.join(entry.path, "__init__.py"))
                ):
                    names.append(name)
    except OSError:
        return []
    return [name for name in names if name != "__init__"]


def _nearest_import(error: ImportError) -> list[str]:
    import re

    module = sys.modules.get(error.name or "")
    wanted = getattr(error, "name_from", None)
    if wanted is None and (match := re.search(r"cannot import name '(\w+)'", str(error))):
        wanted = match.group(1)
    return nearest(str(wanted), vars(module)) if module is not None and wanted else []


def _syntax_position(error: SyntaxError) -> Position | None:
    if not error.filename or not error.lineno:
        return None
    text = source(error.filename)
    if text is None:
        return None
    whole = line_position(text.path, error.lineno)
    row = text.line_text(error.lineno)
    if not error.offset or error.offset < 1 or error.offset - 1 > len(row):
        return whole
    start = (text.start_of(error.lineno) or 0) + error.offset - 1
    same_line = error.end_lineno == error.lineno and error.end_offset
    length = error.end_offset - error.offset if same_line and error.end_offset else 0
    return text.position(start, min(start + max(length, 1), len(text.text)))
