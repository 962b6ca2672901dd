"""`App`: routes, middleware, hooks and health checks, kept with their places, and then served."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pounce_rs._native import AppConfig, check_snapshot, implicit_app_config
from pounce_rs.probe import snapshot_app
from pounce_rs.probe.positions import call_site
from pounce_rs.probe.session import current

from chirp.contracts import CheckResult, Severity
from chirp.errors import ConfigurationError, What, check_error_handler
from chirp.health import HealthCheck
from chirp.middleware.sessions import SessionMiddleware
from chirp.routing import RouteDeclaration, check_path, normalize_methods, pattern

if TYPE_CHECKING:
    from pounce_rs.probe.positions import CallSite

    from chirp.http.request import Receive
    from chirp.serving.runtime import Runtime
    from chirp.serving.sending import Send

Handler = TypeVar("Handler", bound=Callable[..., Any])
Hook = TypeVar("Hook", bound=Callable[[], Awaitable[None] | None])


@dataclass(frozen=True)
class MiddlewareDeclaration:
    """A middleware as it was added: the object, its priority and the `add_middleware` call."""

    middleware: object
    priority: int
    position: CallSite | None


@dataclass(frozen=True)
class HookDeclaration:
    """A lifecycle hook and where it was registered."""

    function: Callable[[], Awaitable[None] | None]
    position: CallSite | None


@dataclass(frozen=True)
class HealthCheckDeclaration:
    """A readiness check and the `add_health_check` call."""

    check: HealthCheck
    position: CallSite | None

    @property
    def name(self) -> str:
        """The name of the check."""
        return self.check.name


class App:
    """A Chirp application.

    Args:
        config: Its settings; by default `AppConfig()`.

    Raises:
        TypeError: `config` is something else than an `AppConfig`.
    """

    #: Tells this package's apps from those of other packages, without an import.
    _chirp_app: ClassVar[bool] = True

    def __init__(self, config: AppConfig | None = None) -> None:
        if config is not None and not isinstance(config, AppConfig):
            raise TypeError(f"App takes an AppConfig, not {type(config).__name__}")
        self._config = config if config is not None else implicit_app_config()
        self._chirp_created_at = call_site(1)
        self._chirp_routes: list[RouteDeclaration] = []
        self._chirp_middleware: list[MiddlewareDeclaration] = []
        self._chirp_hooks: dict[str, list[HookDeclaration]] = {
            "startup": [],
            "shutdown": [],
            "worker_startup": [],
            "worker_shutdown": [],
        }
        self._chirp_health_checks: list[HealthCheckDeclaration] = []
        #: Field, message and the `run(...)` call of mistakes in its arguments.
        self._chirp_run_problems: list[tuple[str | None, str, CallSite | None]] = []
        self._chirp_error_handlers: dict[What, Callable[..., Any]] = {}
        self._declared: dict[tuple[str, tuple[str, ...]], RouteDeclaration] = {}
        self._runtime: Runtime | None = None

    def __repr__(self) -> str:
        """Show the posture and how much is declared."""
        return (
            f"<chirp.App env={self.config.env!r} routes={len(self._chirp_routes)} "
            f"middleware={len(self._chirp_middleware)}>"
        )

    @property
    def config(self) -> AppConfig:
        """The settings of this app."""
        return self._config

    def route(
        self,
        path: str,
        *,
        methods: Iterable[str] | None = None,
        name: str | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declare a handler for a path.

        Args:
            path: Starts with `/`; parameters as `{name}`, `{name:int}`, `{name:float}` or, at the
                end, `{name:path}`.
            methods: HTTP methods; by default GET.
            name: Name of the route.

        Raises:
            ConfigurationError: The path or a method cannot be used, or another handler has both.
        """
        self._refuse_when_serving("route")
        check_path(path)
        verbs = normalize_methods(path, methods)
        position = call_site(1)

        def declare(handler: Handler) -> Handler:
            if not callable(handler):
                raise ConfigurationError(
                    f"route {path!r}: a handler is callable, {type(handler).__name__} is not"
                )
            declaration = RouteDeclaration(path, verbs, name, handler, position)
            for verb in verbs:
                earlier = self._declared.setdefault((verb, pattern(path)), declaration)
                if earlier is not declaration:
                    same = "" if earlier.path == path else f", as {earlier.path!r}"
                    raise ConfigurationError(
                        f"route {verb} {path!r} is declared twice{same}: "
                        f"by {_name(earlier.handler)} and by {_name(handler)}"
                    )
            self._chirp_routes.append(declaration)
            return handler

        return declare

    def error(self, what: What) -> Callable[[Handler], Handler]:
        """Declare what answers an error instead of the plain page.

        The handler takes nothing, the request, or the request and the exception, and returns what a
        route's handler may return; without a status of its own it keeps that of the error.

        Args:
            what: A status of 400 to 599, or a class of exceptions; a class wins over a status.

        Raises:
            ConfigurationError: It is neither, or has a handler already.
        """
        self._refuse_when_serving("error")
        check_error_handler(what)

        def declare(handler: Handler) -> Handler:
            check_error_handler(what, handler)
            if self._chirp_error_handlers.setdefault(what, handler) is not handler:
                raise ConfigurationError(f"error({what!r}) has a handler already")
            return handler

        return declare

    def add_middleware(self, middleware: object, *, priority: int = 0) -> None:
        """Put a middleware around the handlers.

        Args:
            middleware: An async callable of two parameters, the request and the next step.
            priority: The lower, the further out; equal ones keep the order in which they are
                added, the first one outermost.

        Raises:
            ConfigurationError: A class was given instead of an instance, or the priority is no
                integer.
        """
        self._refuse_when_serving("add_middleware")
        if isinstance(middleware, type):
            raise ConfigurationError(
                f"add_middleware takes an instance: {middleware.__name__}(...), "
                f"not the class {middleware.__name__}"
            )
        if isinstance(priority, bool) or not isinstance(priority, int):
            raise ConfigurationError(
                f"add_middleware: priority is an integer, not {type(priority).__name__}"
            )
        if isinstance(middleware, SessionMiddleware) and not middleware.config.secret_key:
            # Only a preflight lets such an object live: there it is one finding among others.
            self._config._chirp_problems.append(
                ("secret_key", "SessionMiddleware has an empty secret_key to sign cookies with")
            )
        self._chirp_middleware.append(MiddlewareDeclaration(middleware, priority, call_site(1)))

    def on_startup(self, function: Hook) -> Hook:
        """Run a function without parameters, sync or async, before the first request."""
        return self._hook("startup", function)

    def on_shutdown(self, function: Hook) -> Hook:
        """Run a function without parameters, sync or async, behind the last request."""
        return self._hook("shutdown", function)

    def on_worker_startup(self, function: Hook) -> Hook:
        """Run a function without parameters in every worker that starts."""
        return self._hook("worker_startup", function)

    def on_worker_shutdown(self, function: Hook) -> Hook:
        """Run a function without parameters in every worker that ends."""
        return self._hook("worker_shutdown", function)

    def _hook(self, moment: str, function: Hook) -> Hook:
        self._refuse_when_serving(f"on_{moment}")
        if not callable(function):
            raise ConfigurationError(
                f"on_{moment} takes a function without parameters, not {type(function).__name__}"
            )
        self._chirp_hooks[moment].append(HookDeclaration(function, call_site(2)))
        return function

    def add_health_check(self, check: HealthCheck) -> None:
        """Add a dependency to the readiness probe.

        Raises:
            ConfigurationError: It is no `HealthCheck`, or its name is taken.
        """
        self._refuse_when_serving("add_health_check")
        if not isinstance(check, HealthCheck):
            raise ConfigurationError(
                f"add_health_check takes a HealthCheck, not {type(check).__name__}"
            )
        if any(known.name == check.name for known in self._chirp_health_checks):
            raise ConfigurationError(f"a health check named {check.name!r} is there already")
        self._chirp_health_checks.append(HealthCheckDeclaration(check, call_site(1)))

    def check(self, *, deploy: bool = False, warnings_as_errors: bool = False) -> CheckResult:
        """Judge this app as `chirp check` does, but by its code alone: nothing else is read.

        Args:
            deploy: Judge it as production, where warnings count as errors too. The app itself is
                not changed.
            warnings_as_errors: Whether warnings make the result not `ok`.

        Returns:
            Every finding; `print(app.check())` shows the report.
        """
        snapshot = snapshot_app(self, secret_fields=AppConfig._chirp_secret_fields)
        document, report = check_snapshot(
            json.dumps(snapshot), deploy=deploy, warnings_as_errors=warnings_as_errors
        )
        strict = deploy or warnings_as_errors
        return CheckResult.from_json(
            document, failing=Severity.WARNING if strict else Severity.ERROR, report=report
        )

    def run(self, host: str | None = None, port: int | None = None) -> None:
        """Serve the app until the server is told to stop; inside a preflight, hand it over.

        Needs no `if __name__ == "__main__"`: workers run the program up to this call.

        Args:
            host: Bind address instead of the configured one.
            port: Port instead of the configured one.

        Raises:
            ConfigurationError: `host` or `port` is not valid, or worker hooks meet sync workers.
            SystemExit: The server did not start or did not end well; why is on standard error.
        """
        config = self._config
        session = current()
        if host is not None or port is not None:
            config = config.replace(
                host=config.host if host is None else host,
                port=config.port if port is None else port,
            )
            # Inside a preflight nothing raises: the mistakes go to the report with the others.
            known = self._config._chirp_problems
            site = call_site(1)
            self._chirp_run_problems.extend(
                (field, message, site)
                for field, message in config._chirp_problems
                if (field, message) not in known
            )
        if session is not None:
            session.hand_over(self, call_site(1))
            return
        # Only here: a preflight has no need of the server.
        from chirp.serving.launch import run  # noqa: PLC0415

        run(self, config)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer as an ASGI 3 application; from the first call on nothing more can be declared.

        Raises:
            ConfigurationError: A handler or a middleware cannot be called; where the server asks
                for the lifespan, its start-up fails instead.
        """
        if self._runtime is None:
            # Only here: a preflight, which imports this module, answers no requests.
            from chirp.serving.runtime import Runtime  # noqa: PLC0415

            try:
                self._runtime = Runtime(self)
            except ConfigurationError as error:
                if scope["type"] != "lifespan":
                    raise
                # An app that raises here counts as one without a lifespan, and would be served.
                await receive()
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
        await self._runtime(scope, receive, send)

    def _chirp_overrule(self, flags: Mapping[str, Any]) -> list[tuple[str | None, str]]:
        """Let flags of `chirp run` win over what the code says; give what is wrong with it all."""
        wrong = list(self._config._chirp_problems)
        if flags:
            self._config = self._config.replace(**flags)
            wrong.extend(each for each in self._config._chirp_problems if each not in wrong)
        return [*wrong, *((field, message) for field, message, _ in self._chirp_run_problems)]

    def _refuse_when_serving(self, what: str) -> None:
        if self._runtime is not None:
            raise ConfigurationError(
                f"{what}: the app is serving already, and what is declared now would reach nobody"
            )


def _name(handler: Callable[..., Any]) -> str:
    return f"{handler.__module__}.{getattr(handler, '__qualname__', type(handler).__qualname__)}"
