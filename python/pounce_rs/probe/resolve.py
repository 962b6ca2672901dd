"""From a target to an object: import the module, walk the attribute, call the factory."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from .asgi import Verdict, judge
from .callables import definition, required_parameters
from .failures import Explainer, Failure, FailureReport, failure, frame, nearest
from .sources import Position, source

_TARGET = re.compile(r"(?P<module>\w+(?:\.\w+)*)(?::(?P<attribute>\w+(?:\.\w+)*)(?P<call>\(\))?)?")


class Target(NamedTuple):
    """A target taken apart."""

    spec: str
    module: str
    attribute: str
    factory: bool


def parse(spec: str, kind: str) -> Target:
    """Take ``module:attribute`` apart; for kind ``chirp`` the attribute may be left out (``app``).

    Raises :class:`FailureReport` where the text is no target.
    """
    match = _TARGET.fullmatch(spec)
    if match is None or (match["attribute"] is None and kind != "chirp"):
        form = "module:attribute or module:factory()"
        raise FailureReport(
            failure("target_syntax", f"{spec!r} is not {form}", nearest=_spelled(spec))
        )
    return Target(spec, match["module"], match["attribute"] or "app", match["call"] is not None)


def _spelled(spec: str) -> list[str]:
    """The target that a path or a half target probably means."""
    path, _, attribute = spec.partition(":")
    module = re.sub(r"\.py$", "", path.removeprefix("./")).strip("/").replace("/", ".")
    corrected = f"{module}:{attribute.strip() or 'app'}"
    return [corrected] if corrected != spec and _TARGET.fullmatch(corrected) else []


def _unknown(_error: BaseException) -> Failure | None:
    return None


class Resolved(NamedTuple):
    """The object that a target names."""

    app: Any
    factory: bool


class Resolver:
    """Resolves one target, with every way to fail as a :class:`FailureReport`."""

    def __init__(self, target: Target, kind: str, explainer: Explainer) -> None:
        self._target = target
        self._kind = kind
        self._explainer = explainer
        self.on_error: Callable[[BaseException], Failure | None] = _unknown

    def resolve(self) -> Resolved:
        """Import, look up and, where asked for, call."""
        found = self._attribute(self._import())
        if self._target.factory:
            return Resolved(self._made(found), True)
        verdict = self._judge(found)
        if verdict.app:
            return Resolved(found, False)
        if verdict.factory and self._kind == "chirp":
            return Resolved(self._made(found), True)
        spec = self._target.spec
        message = f"{spec} is {verdict.reason}"
        details: dict[str, Any] = {"frames": self._defined_at(found), "nearest": []}
        if verdict.factory:
            details["nearest"] = [f"{spec}()"]
            details["required_parameters"] = required_parameters(found)
        else:
            details["nearest"] = self._apps()
        raise FailureReport(failure("not_asgi", message, **details))

    def _judge(self, found: Any) -> Verdict:
        try:
            return judge(found)
        except Exception as error:
            # A stand-in for something that is made later, say: any attribute may raise anything.
            said = self._explainer.explain(error, "")["message"]
            kind = type(found).__name__
            message = f"{self._target.spec} is an object of {kind} that only raises: {said}"
            frames = self._frames_at(self._assigned_at())
            raise FailureReport(failure("not_asgi", message, frames=frames)) from error

    def _import(self) -> Any:
        try:
            # Unlike importlib.import_module this leaves no frame of its own in the stack.
            __import__(self._target.module)
            return sys.modules[self._target.module]
        except BaseException as error:
            raise FailureReport(self._explained(error, factory=False)) from error

    def _explained(self, error: BaseException, *, factory: bool) -> Failure:
        known = self.on_error(error)
        return known or self._explainer.explain(error, self._target.module, factory=factory)

    def _attribute(self, module: Any) -> Any:
        found = module
        walked = self._target.module
        for name in self._target.attribute.split("."):
            try:
                found = getattr(found, name)
            except AttributeError:
                message = f"{walked} has no attribute {name!r}"
                near = nearest(name, dir(found))
                if found is module:
                    near = near or self._apps()
                raise FailureReport(failure("attribute_missing", message, nearest=near)) from None
            except BaseException as error:
                raise FailureReport(self._explained(error, factory=False)) from error
            walked = f"{walked}.{name}"
        return found

    def _apps(self) -> list[str]:
        """Names in the target's module that hold an ASGI app."""
        module = sys.modules.get(self._target.module)
        names = [name for name in vars(module) if not name.startswith("_")] if module else []
        return [name for name in names if _is_instance_app(getattr(module, name, None))][:3]

    def _made(self, factory: Any) -> Any:
        spec = self._target.spec
        if not callable(factory):
            message = (
                f"{spec}: {self._target.attribute} is {judge(factory).reason} and cannot be called"
            )
            raise FailureReport(failure("not_asgi", message))
        needed = required_parameters(factory)
        if needed and self._judge(factory).app:
            name = self._target.attribute
            message = f"{name} is the app itself, and {spec} would call it to make one"
            frames = self._defined_at(factory)
            nearest = [spec.removesuffix("()")]
            raise FailureReport(failure("not_asgi", message, frames=frames, nearest=nearest))
        if needed:
            names = ", ".join(needed)
            raise FailureReport(
                failure(
                    "factory_arguments",
                    f"{self._target.attribute} needs {names}: a factory is called without",
                    required_parameters=needed,
                    frames=self._defined_at(factory),
                )
            )
        try:
            made = factory()
        except BaseException as error:
            raise FailureReport(self._explained(error, factory=True)) from error
        verdict = self._judge(made)
        if not verdict.app:
            reason = verdict.reason
            if hasattr(made, "cr_code") and hasattr(made, "close"):
                made.close()
                reason = (
                    "a coroutine: an async factory cannot be called before there is an event loop"
                )
            raise FailureReport(
                failure(
                    "factory_not_app",
                    f"{self._target.attribute}() returned {reason}",
                    frames=self._defined_at(factory),
                )
            )
        return made

    def _defined_at(self, value: Any) -> list[dict[str, Any]]:
        name = getattr(value, "__name__", "<module>")
        return self._frames_at(definition(value) or self._assigned_at(), name)

    def _frames_at(self, position: Position | None, name: str = "<module>") -> list[dict[str, Any]]:
        return [] if position is None else [frame(position, name, own=True)]

    def _assigned_at(self) -> Position | None:
        """The last line of the target's module that gives the attribute its value."""
        filename = module_file(self._target.module)
        text = source(filename) if filename is not None else None
        if text is None:
            return None
        pattern = rf"^{self._target.attribute}[ \t]*(?::[^=\n]+)?=(?!=)"
        found = [match.end() for match in re.finditer(pattern, text.text, re.MULTILINE)]
        return text.whole_line(text.line_of(found[-1])) if found else None


def _is_instance_app(value: Any) -> bool:
    try:
        return not isinstance(value, type) and judge(value).app
    except Exception:
        return False  # an object that raises when it is looked at


def module_file(name: str) -> str | None:
    """Absolute path of a loaded module's source file."""
    filename = getattr(sys.modules.get(name), "__file__", None)
    return os.path.abspath(filename) if isinstance(filename, str) else None
