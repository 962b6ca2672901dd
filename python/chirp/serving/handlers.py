"""Calling handlers: what they get by name and type, and sync ones in a thread."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chirp.errors import ConfigurationError, NotFound
from chirp.http.request import Request
from chirp.serving.signatures import annotated, signature

#: Annotations that a parameter of the path is converted to.
_CONVERTED: dict[object, Callable[[Any], Any]] = {int: int, float: float, str: str}


def is_async(function: Callable[..., Any]) -> bool:
    """Whether a call gives an awaitable or an async iterator, so that it does not block."""
    while isinstance(function, functools.partial):
        function = function.func
    for each in (function, getattr(function, "__call__", None)):  # noqa: B004 # it is asked further
        if inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each):
            return True
    return False


async def call(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Call a function and wait for its result; a sync one runs in a thread, in this context.

    Raises:
        RuntimeError: A sync one raised `StopIteration`, which no future can carry.
    """
    if is_async(function):
        result = function(*arguments, **keywords)
    else:
        context = contextvars.copy_context()
        bound = functools.partial(context.run, _in_thread, function, *arguments, **keywords)
        result = await asyncio.get_running_loop().run_in_executor(None, bound)
    return await result if inspect.isawaitable(result) else result


def _in_thread(function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Any:
    # Up to Python 3.11 a future that is given StopIteration never ends, nor does who awaits it.
    try:
        return function(*arguments, **keywords)
    except StopIteration as error:
        raise RuntimeError(f"{_name(function)} raised StopIteration") from error


@dataclass(frozen=True)
class Handler:
    """A handler with what its signature asks for, found out once.

    Attributes:
        function: The handler.
        request: Names of the parameters that get the request.
        converted: Parameters of the path by name, with what their annotation converts to.
        positional: Names of positional-only parameters, in order.
    """

    function: Callable[..., Any]
    request: tuple[str, ...]
    converted: Mapping[str, Callable[[Any], Any] | None]
    positional: tuple[str, ...]

    @classmethod
    def of(cls, function: Callable[..., Any], path: str, names: tuple[str, ...]) -> Handler:
        """Look at a handler.

        Args:
            function: The handler.
            path: The route's path, for messages.
            names: Names of the parameters of that path.

        Raises:
            ConfigurationError: It asks for something that no request brings.
        """
        request, positional = [], []
        converted: dict[str, Callable[[Any], Any] | None] = {}
        try:
            parameters = signature(function).parameters.values()
        except ValueError:
            raise ConfigurationError(
                f"route {path!r}: the handler {_name(function)} does not tell its parameters: "
                "wrap it in a function"
            ) from None
        types = annotated(function)
        for parameter in parameters:
            name = parameter.name
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                if parameter.kind is parameter.VAR_KEYWORD:
                    converted.update({left: None for left in names if left not in converted})
                continue
            annotation = types.get(name)
            if annotation is Request or (name == "request" and name not in names):
                request.append(name)
            elif name in names:
                converted[name] = _CONVERTED.get(annotation)
            elif parameter.default is parameter.empty:
                known = ", ".join(("request", *names))
                raise ConfigurationError(
                    f"route {path!r}: the handler {_name(function)} takes {name!r}, which is "
                    f"neither the request nor a parameter of the path; there are: {known}"
                )
            else:
                continue
            if parameter.kind is parameter.POSITIONAL_ONLY:
                positional.append(name)
        return cls(function, tuple(request), converted, tuple(positional))

    async def __call__(self, request: Request) -> Any:
        """Call it for a request whose path parameters are set.

        Raises:
            NotFound: A parameter of the path is no value of the type that it is annotated with.
        """
        keywords: dict[str, Any] = dict.fromkeys(self.request, request)
        for name, convert in self.converted.items():
            value = request.path_params[name]
            try:
                keywords[name] = value if convert is None else convert(value)
            except (ValueError, OverflowError):
                raise NotFound from None
        arguments = [keywords.pop(name) for name in self.positional]
        return await call(self.function, *arguments, **keywords)


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))
