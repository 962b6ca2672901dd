"""A browser for Chirp apps in this process: keeps cookies, follows nothing by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, MutableMapping
from typing import Any

import httpx
from chirp import App, AppConfig

KEY = "0123456789abcdef0123456789abcdef"


def production(**settings: Any) -> AppConfig:
    """Settings of a deployed shop."""
    given = {"allowed_hosts": ("shop.example",), "secret_key": KEY, **settings}
    return AppConfig(env="production", **given)


class Browser:
    """Asks an app, over HTTPS unless told otherwise."""

    def __init__(self, app: App, base: str = "https://shop.example") -> None:
        self._app = app
        self._base = base
        self.cookies = httpx.Cookies()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request and give its response."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url=self._base, cookies=self.cookies
            ) as client:
                response = await client.request(method, path, **options)
                self.cookies = client.cookies
                return response

        return asyncio.run(ask())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)


def speak(
    app: Callable[..., Coroutine[Any, Any, None]],
    scope: MutableMapping[str, Any],
    messages: Iterable[MutableMapping[str, Any]] = (),
) -> list[MutableMapping[str, Any]]:
    """Call an app for a scope; give what it sends. Behind the messages the client is gone."""
    sent: list[MutableMapping[str, Any]] = []
    waiting = iter(messages)

    async def receive() -> MutableMapping[str, Any]:
        return next(waiting, {"type": "http.disconnect"})

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def http(method: str = "GET", path: str = "/", **more: Any) -> dict[str, Any]:
    """An HTTP scope."""
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "https",
        "headers": [],
        **more,
    }
