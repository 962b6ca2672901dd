"""Whether an object is an ASGI 3 application, and what else it is (ASGI spec, "Applications")."""

from __future__ import annotations

from typing import Any, NamedTuple

from .callables import accepts, is_async, required_parameters, unwrapped


class Verdict(NamedTuple):
    """What an object is: an app, a factory of one, or neither, and why."""

    app: bool
    factory: bool
    reason: str


def judge(value: Any) -> Verdict:
    """Classify ``value``; ``reason`` completes the sentence "shop:app is ..."."""
    if getattr(type(value), "_chirp_app", False):
        # An app of this project's own chirp is served by its own server, whatever it can be called
        # with today.
        return Verdict(True, False, "a Chirp application")
    if not callable(value):
        return Verdict(False, False, _described(value))
    module = type(value).__module__
    if module.split(".")[0] == "flask" or _is_wsgi_handler(value):
        return Verdict(
            False, False, f"a WSGI application ({type(value).__name__}), not an ASGI one"
        )
    if isinstance(value, type):
        return _judge_class(value)
    if accepts(value, 3) and (is_async(value) is not False or len(required_parameters(value)) == 3):
        return Verdict(True, False, "an ASGI 3 application")
    if accepts(value, 1) and _first_parameter(value) == "scope":
        return Verdict(False, False, "an ASGI 2 application (callable twice); ASGI 3 is needed")
    if (
        accepts(value, 2)
        and not accepts(value, 0)
        and _first_parameter(value) in ("environ", "env")
    ):
        return Verdict(False, False, "a WSGI application, not an ASGI one")
    if _is_function(value):
        return Verdict(False, True, "a function, not an ASGI application")
    return Verdict(
        False, False, f"{_described(value)} that cannot be called with scope, receive, send"
    )


def _judge_class(value: type) -> Verdict:
    names = [name for name in required_parameters(value) if name != "self"]
    if hasattr(value, "__await__") and len(names) == 3:
        return Verdict(True, False, "an ASGI 3 application class")
    if names[:1] == ["scope"] and len(names) == 1:
        return Verdict(
            False, False, "an ASGI 2 application class (callable twice); ASGI 3 is needed"
        )
    return Verdict(False, True, f"the class {value.__qualname__}, not an instance of it")


def _is_function(value: Any) -> bool:
    return hasattr(unwrapped(value), "__code__")


def _first_parameter(value: Any) -> str:
    names = required_parameters(value)
    return names[0] if names else ""


def _is_wsgi_handler(value: Any) -> bool:
    return any(base.__name__ == "WSGIHandler" for base in type(value).__mro__)


def _described(value: Any) -> str:
    if value is None:
        return "None"
    kind = type(value)
    name = kind.__qualname__
    if hasattr(value, "__path__") or name == "module":
        return "a module"
    article = "an" if name[:1].lower() in "aeiou" else "a"
    return f"{article} {name}"
