"""Sessions at work: signed, lasting, ending, in cookies and in Redis."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from typing import Any

import pytest
from browsing import KEY, Browser, production
from chirp import (
    App,
    AppConfig,
    ChirpError,
    Request,
    Response,
    SessionConfig,
    SessionMiddleware,
    csrf_field,
    get_session,
    secure_stack,
)
from chirp.middleware.sessions import RedisSessionStore, regenerate_session


def remembering(config: SessionConfig, settings: AppConfig | None = None) -> Browser:
    """An app with a session that can be filled, read and emptied."""
    app = App(settings or AppConfig())
    app.add_middleware(SessionMiddleware(config))

    @app.route("/set/{value}")
    def fill(value: str, request: Request) -> str:
        request.session["value"] = value
        return "set"

    @app.route("/get")
    async def read() -> Any:
        return str(get_session().get("value"))

    @app.route("/clear")
    def clear(request: Request) -> None:
        request.session.clear()

    @app.route("/rotate")
    def rotate(request: Request) -> None:
        value = request.session["value"]
        regenerate_session()["value"] = value

    @app.route("/unfit")
    def unfit(request: Request) -> None:
        request.session["value"] = secrets.token_hex(4000)

    return Browser(app)


def test_a_session_lasts_from_request_to_request() -> None:
    browser = remembering(SessionConfig(secret_key=KEY))
    assert "set-cookie" not in browser.get("/get").headers
    given = browser.get("/set/one")
    (cookie,) = given.headers.get_list("set-cookie")
    assert re.fullmatch(
        r"chirp_session=[\w.-]+; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax", cookie
    )
    assert given.headers["vary"] == "Cookie"
    unchanged = browser.get("/get")
    assert unchanged.text == "one"
    assert "set-cookie" not in unchanged.headers
    assert "Max-Age=0" in browser.get("/clear").headers["set-cookie"]
    assert browser.get("/get").text == "None"


def test_what_depends_on_the_session_is_marked_for_caches() -> None:
    app = App(AppConfig(secret_key=KEY))
    for middleware in secure_stack(app.config):
        app.add_middleware(middleware)
    app.route("/mine")(lambda request: request.session.get("name", "nobody"))
    app.route("/form")(csrf_field)
    app.route("/anyone")(lambda: "the same for all")
    browser = Browser(app)
    assert browser.get("/mine").headers["vary"] == "Cookie"
    assert browser.get("/form").headers["vary"] == "Cookie"
    assert "vary" not in browser.get("/anyone").headers


def test_a_forged_session_is_none() -> None:
    browser = remembering(SessionConfig(secret_key=KEY))
    browser.get("/set/one")
    whole = browser.cookies["chirp_session"]
    body, stamp, signature = whole.split(".")
    other = remembering(SessionConfig(secret_key=KEY[::-1]))
    other.get("/set/two")
    longer = remembering(SessionConfig(secret_key=KEY, signer_digest="sha512"))
    longer.get("/set/three")
    assert len(longer.cookies["chirp_session"]) > len(whole)
    for forged in (
        f"{body}x.{stamp}.{signature}",
        f"{body}.{stamp}.",
        body,
        "",
        other.cookies["chirp_session"],
        longer.cookies["chirp_session"],
    ):
        headers = {"Cookie": f"chirp_session={forged}"}
        assert (
            remembering(SessionConfig(secret_key=KEY)).get("/get", headers=headers).text == "None"
        )
    headers = {"Cookie": f"chirp_session={whole}"}
    assert remembering(SessionConfig(secret_key=KEY)).get("/get", headers=headers).text == "one"


def test_the_cookie_is_secure_outside_development() -> None:
    for settings, config, secure in (
        (AppConfig(), {}, False),
        (production(), {}, True),
        (AppConfig(env="staging", secret_key=KEY), {}, True),
        (production(), {"secure": False}, False),
        (AppConfig(), {"secure": True, "samesite": "none"}, True),
    ):
        browser = remembering(SessionConfig(secret_key=KEY, **config), settings)
        cookie = browser.get("/set/x").headers["set-cookie"]
        assert ("; Secure" in cookie) is secure


def test_the_cookie_is_deleted_as_it_was_set() -> None:
    config = SessionConfig(
        secret_key=KEY, cookie_name="__Host-session", httponly=False, samesite="strict"
    )
    browser = remembering(config, production())
    given = browser.get("/set/x").headers["set-cookie"]
    deleted = browser.get("/clear").headers["set-cookie"]
    assert deleted == "__Host-session=; Path=/; Max-Age=0; Secure; SameSite=Strict"
    assert given.partition("; ")[2].replace("86400", "0") == deleted.partition("; ")[2]


def test_a_session_that_no_cookie_holds_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    assert remembering(SessionConfig(secret_key=KEY)).get("/unfit").status_code == 500
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ChirpError)


def test_sessions_end_in_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_000_000.0]
    monkeypatch.setattr("time.time", lambda: clock[0])
    idle = remembering(SessionConfig(secret_key=KEY, idle_timeout_seconds=60))
    whole = remembering(SessionConfig(secret_key=KEY, absolute_timeout_seconds=100))
    aged = remembering(SessionConfig(secret_key=KEY, max_age=100))
    for browser in (idle, whole, aged):
        browser.get("/set/one")
    clock[0] += 59
    assert [browser.get("/get").text for browser in (idle, whole, aged)] == ["one"] * 3
    clock[0] += 59
    assert [browser.get("/get").text for browser in (idle, whole, aged)] == ["one", "None", "None"]
    clock[0] += 61
    assert idle.get("/get").text == "None"


class Redis:
    """Speaks as much of RESP as a session store asks for."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.lives: dict[str, int] = {}
        self.url = ""

    async def __aenter__(self) -> Redis:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0?protocol=2"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            words = []
            for _ in range(int(line[1:])):
                size = int((await reader.readline())[1:])
                words.append((await reader.readexactly(size + 2))[:-2].decode())
            writer.write(self._answer(*words))
        writer.close()

    def _answer(self, command: str, *words: str) -> bytes:
        command = command.upper()
        if command == "GET":
            value = self.values.get(words[0])
            return b"$-1\r\n" if value is None else f"${len(value)}\r\n{value}\r\n".encode()
        if command == "SET":
            assert words[2] == "EX"
            self.values[words[0]], self.lives[words[0]] = words[1], int(words[3])
        if command == "EXISTS":
            return b":%d\r\n" % (words[0] in self.values)
        if command == "DEL":
            return b":%d\r\n" % (self.values.pop(words[0], None) is not None)
        return b"+OK\r\n"


def test_redis_keeps_sessions() -> None:
    asyncio.run(_redis_keeps_sessions())


async def _redis_keeps_sessions() -> None:
    async with Redis() as server:
        inner = SessionConfig(secret_key=KEY, max_age=60)
        store = RedisSessionStore(inner, server.url)
        middleware = SessionMiddleware(SessionConfig(secret_key=KEY, store=store))

        async def ask(cookie: str | None, **changes: Any) -> tuple[str | None, dict[str, Any]]:
            """The cookie behind a request that changes the session so, and what it found."""
            headers = [] if cookie is None else [(b"cookie", f"chirp_session={cookie}".encode())]
            scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
            request = Request(scope, receive, AppConfig())
            found: dict[str, Any] = {}

            async def handler(request: Request) -> Response:
                found.update(request.session)
                if changes.pop("rotate", False):
                    request.state["chirp.session_rotate"] = True
                if changes.pop("clear", False):
                    request.session.clear()
                request.session.update(changes)
                return Response("x")

            response = await middleware(request, handler)
            return next((each.value for each in response.cookies), cookie), found

        async def receive() -> dict[str, Any]:
            return {"type": "http.disconnect"}

        first, _ = await ask(None, value="one")
        (key,) = server.values
        assert key.startswith("chirp:session:")
        assert json.loads(server.values[key]) == {"value": "one"}
        assert server.lives[key] == 60
        assert first is not None
        assert KEY not in first
        assert "one" not in first
        assert await ask(first) == (first, {"value": "one"})
        assert await ask("forged") == ("forged", {})
        second, _ = await ask(first, rotate=True)
        assert second != first
        assert key not in server.values
        assert len(server.values) == 1
        # An id that ended is not taken up again.
        third, found = await ask(first, value="new")
        assert found == {}
        assert third not in (first, second)
        assert await ask(second, clear=True) == ("", {"value": "one"})
        assert len(server.values) == 1
        await middleware.aclose()
