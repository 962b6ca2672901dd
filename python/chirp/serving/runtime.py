"""A declared app, made ready to answer: the ASGI application behind `App.__call__`."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from chirp.context import current_request
from chirp.errors import ClientDisconnected, MethodNotAllowed, NotFound
from chirp.http.request import Receive, Request
from chirp.http.response import TEXT, AnyResponse, Redirect, Response
from chirp.routing import PARAMETER
from chirp.serving.failures import Failures
from chirp.serving.handlers import Handler
from chirp.serving.probes import Probes
from chirp.serving.results import respond
from chirp.serving.router import Router
from chirp.serving.sending import RawHeaders, Send, raw_headers, send_response
from chirp.serving.settings import without_effect
from chirp.serving.stack import compiled, ordered

if TYPE_CHECKING:
    from chirp.app import App

Scope = MutableMapping[str, Any]

logger = logging.getLogger("chirp")


class Runtime:
    """Routes, middleware and hooks of an app in the form that requests need.

    Args:
        app: The app; what is declared later has no effect here.

    Raises:
        ConfigurationError: A handler or a middleware cannot be called.
    """

    def __init__(self, app: App) -> None:
        self._config = app.config
        self._router: Router[Handler] = Router()
        for route in app._chirp_routes:
            names = tuple(match[1] for match in PARAMETER.finditer(route.path))
            handler = Handler.of(route.handler, route.path, names)
            self._router.add(route.path, route.methods, handler)
        self._failures = Failures(app._chirp_error_handlers, debug=app.config.debug)
        declared = [(entry.middleware, entry.priority) for entry in app._chirp_middleware]
        self._stack = ordered(declared, app.config)
        self._answer = compiled(self._stack, self._dispatch, self._failures)
        self._hooks = {
            moment: [hook.function for hook in hooks] for moment, hooks in app._chirp_hooks.items()
        }
        self._probes = Probes([entry.check for entry in app._chirp_health_checks])
        self._has_lifespan = False
        # A route that has a probe's path answers itself; the preflight says so.
        self._live_path = self._unless_owned(app.config.health_path)
        self._ready_path = self._unless_owned(app.config.ready_path)

    def _unless_owned(self, path: str) -> str | None:
        return None if self._router.owns(path) else path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI scope: http, lifespan, websocket, or a worker's start and end.

        Raises:
            ValueError: The scope is of another type.
        """
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "lifespan":
            await self._lifespan(receive, send)
        elif kind == "websocket":
            await _deny_websocket(scope, receive, send)
        elif kind == "pounce.worker.startup":
            await self._run_hooks("worker_startup")
        elif kind == "pounce.worker.shutdown":
            await self._run_all_hooks("worker_shutdown")
        else:
            raise ValueError(f"a Chirp app has no answer to the ASGI scope type {kind!r}")

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, self._config)
        token = current_request.set(request)
        try:
            response, headers = await self._respond(request)
            head = request.method == "HEAD"
            await send_response(response, headers, head=head, receive=receive, send=send)
        except ClientDisconnected:
            return
        finally:
            current_request.reset(token)
            request.close()

    async def _respond(self, request: Request) -> tuple[AnyResponse, RawHeaders]:
        try:
            response = await self._probe(request) or await self._answer(request)
            return response, raw_headers(response)
        except ClientDisconnected:
            raise
        except Exception as error:
            response = await self._failures.respond(request, error)
            return response, raw_headers(response)

    async def _probe(self, request: Request) -> Response | None:
        if request.method not in ("GET", "HEAD"):
            return None
        if request.path == self._live_path:
            return self._probes.liveness()
        if request.path == self._ready_path:
            if not self._has_lifespan:
                # A server without lifespan has no start-up to wait for.
                self._probes.state = "ready"
            return await self._probes.readiness()
        return None

    async def _dispatch(self, request: Request) -> AnyResponse:
        """The last step behind all middleware: the route's handler."""
        try:
            match = self._router.match(request.method, request.path)
        except MethodNotAllowed as refused:
            if request.method != "OPTIONS":
                raise
            return Response(b"", 204, TEXT, refused.headers)
        except NotFound:
            elsewhere = self._router.elsewhere(request.path)
            if elsewhere is None:
                raise
            return _moved(request, elsewhere)
        request.path_params = match.parameters
        return respond(await match.target(request))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        self._has_lifespan = True
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._tell_what_has_no_effect()
                try:
                    await self._run_hooks("startup")
                except Exception as error:
                    logger.exception("a startup hook raised")
                    reason = f"{type(error).__name__}: {error}"
                    await send({"type": "lifespan.startup.failed", "message": reason})
                    return
                self._probes.state = "ready"
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                self._probes.state = "draining"
                failed = await self._run_all_hooks("shutdown")
                await self._close_middleware()
                if failed:
                    await send({"type": "lifespan.shutdown.failed", "message": failed})
                else:
                    await send({"type": "lifespan.shutdown.complete"})
                return
            else:
                raise ValueError(f"{message['type']!r} is no message of the lifespan protocol")

    def _tell_what_has_no_effect(self) -> None:
        idle = without_effect(self._config)
        if idle:
            logger.warning("this version has no use for these settings: %s", ", ".join(idle))

    async def _close_middleware(self) -> None:
        for middleware in self._stack:
            close = getattr(middleware, "aclose", None)
            if close is not None:
                await close()

    async def _run_hooks(self, moment: str) -> None:
        for hook in self._hooks[moment]:
            await _run(hook)

    async def _run_all_hooks(self, moment: str) -> str:
        """Run hooks that must not keep each other from running; give what went wrong."""
        failed = []
        for hook in self._hooks[moment]:
            try:
                await _run(hook)
            except Exception as error:
                logger.exception("a %s hook raised", moment)
                failed.append(f"{type(error).__name__}: {error}")
        return "; ".join(failed)


async def _run(hook: Callable[[], Awaitable[None] | None]) -> None:
    """Run a hook on the event loop, where what it opens belongs."""
    result = hook()
    if inspect.isawaitable(result):
        await result


def _moved(request: Request, path: str) -> Response:
    query = request.scope.get("query_string", b"").decode("latin-1")
    root = request.scope.get("root_path", "").rstrip("/")
    return Redirect(root + path + (f"?{query}" if query else ""), 308).response()


async def _deny_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a WebSocket: Chirp's routes are HTTP."""
    if (await receive())["type"] != "websocket.connect":
        return
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1000, "reason": ""})
        return
    headers = [(b"content-type", TEXT.encode())]
    await send({"type": "websocket.http.response.start", "status": 404, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b"no WebSocket is served here"})
