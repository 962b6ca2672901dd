"""Handlers: what they get, what they return, and what a client sees of their errors."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from browsing import Browser, http, speak
from chirp import (
    App,
    AppConfig,
    ConfigurationError,
    HTTPError,
    NotFound,
    Redirect,
    Request,
    Response,
    StreamingResponse,
    get_request,
)


def answering(value: Any) -> Browser:
    """An app whose only handler returns this value."""
    app = App()
    app.route("/", methods=["GET", "POST"])(lambda: value)
    return Browser(app)


@pytest.mark.parametrize(
    ("value", "status", "kind", "body"),
    [
        ("<b>ä</b>", 200, "text/html; charset=utf-8", "<b>ä</b>".encode()),
        (b"\x00", 200, "application/octet-stream", b"\x00"),
        ({"ä": [1, None]}, 200, "application/json", '{"ä":[1,null]}'.encode()),
        ([1], 200, "application/json", b"[1]"),
        (None, 204, None, b""),
        (("gone", 410), 410, "text/html; charset=utf-8", b"gone"),
        (({"a": 1}, 201, {"X-A": "b"}), 201, "application/json", b'{"a":1}'),
        (("x", 200, {"Content-Type": "text/css"}), 200, "text/css", b"x"),
        (Response("x", 418, "text/plain"), 418, "text/plain", b"x"),
        (Redirect("/there"), 302, "text/plain; charset=utf-8", b""),
        (Response("x").with_status(304), 304, None, b""),
    ],
)
def test_what_a_handler_returns_is_a_response(
    value: Any, status: int, kind: str | None, body: bytes
) -> None:
    response = answering(value).get("/")
    assert response.status_code == status
    assert response.headers.get("content-type") == kind
    assert response.content == body
    assert (response.headers.get("content-length") is None) == (status in (204, 304))


@pytest.mark.parametrize(
    "value",
    [
        1,
        object(),
        Response({"a": 1}),  # type: ignore[arg-type]
        ("x", True),
        ("x", 99),
        ("x",),
        {1, 2},
        {"a": object()},
        float("nan"),
    ],
)
def test_what_is_no_response_is_an_error(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    response = answering(value).get("/")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], TypeError)


def test_a_response_is_changed_step_by_step() -> None:
    first = Response("x")
    second = (
        first.with_status(201)
        .with_header("X-A", "1")
        .with_headers({"X-B": "2"})
        .with_cookie("theme", "dark", max_age=60, secure=True)
        .without_cookie("old")
        .with_vary("Accept")
        .with_vary("accept", "Origin")
    )
    assert (first.status, first.headers, first.cookies) == (200, (), ())
    response = answering(second).get("/")
    assert response.headers["vary"] == "Accept, Origin"
    assert response.headers.get_list("set-cookie") == [
        "theme=dark; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax",
        "old=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
    ]


@pytest.mark.parametrize("bad", ["a\r\nSet-Cookie: x=y", "a\nb", "a\0", "\u20ac"])
def test_a_header_cannot_break_the_response_apart(bad: str) -> None:
    with pytest.raises(ValueError, match="X-A"):
        Response("x").with_header("X-A", bad)
    with pytest.raises(ValueError, match="name of a header"):
        Response("x").with_header(bad, "x")
    cookies: list[dict[str, Any]] = [{"value": bad}, {"value": "x", "path": bad}, {"value": "a;b"}]
    for cookie in cookies:
        with pytest.raises(ValueError, match="cookie"):
            Response("x").with_cookie("c", **cookie)
    assert answering(Response("x", headers=(("X-A", bad),))).get("/").status_code == 500
    assert answering(("x", 200, {"X-A": bad})).get("/").status_code == 500


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"value": 5}, "a string, not int"),
        ({"value": "x", "max_age": 1.5}, "whole number of seconds"),
        ({"value": "x", "samesite": "relaxed"}, "lax, strict, none"),
    ],
)
def test_a_cookie_that_browsers_would_misread_is_refused(wrong: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Response("x").with_cookie("c", **wrong)


def test_a_redirect_goes_to_a_url() -> None:
    there = answering(Redirect("/東京 tour?q=é%20&r=#top\r\nX: y", 303)).get("/")
    assert there.status_code == 303
    where = "/%E6%9D%B1%E4%BA%AC%20tour?q=%C3%A9%20&r=#top%0D%0AX:%20y"
    assert there.headers["location"] == where
    with pytest.raises(ValueError, match="301, 302, 303, 307, 308"):
        Redirect("/", 200)


@pytest.mark.parametrize("status", ["200", 1000, 103, True])
def test_a_status_is_one(status: Any, caplog: pytest.LogCaptureFixture) -> None:
    response = answering(Response("x", status)).get("/")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert f"200 to 599, not {status!r}" in caplog.text


def test_an_error_says_in_words_what_went_wrong() -> None:
    for wrong in ((404, {"why": "gone"}), ("404",), (200,)):
        with pytest.raises(ConfigurationError, match="HTTPError"):
            HTTPError(*wrong)


def test_parameters_by_name_and_type() -> None:
    app = App()

    @app.route("/a/{id}/{rest:path}")
    async def both(rest: str, asked: Request, id: int, page: int = 1) -> str:  # noqa: A002
        return f"{id!r} {rest} {page} {asked.path} {asked.path_params}"

    @app.route("/whole/{share:float}")
    def whole(share: int) -> str:
        return str(share)

    @app.route("/b/{id}")
    def positional(id: str, request: Any, /, **more: Any) -> str:  # noqa: A002
        return f"{id!r} {request.method} {more}"

    @app.route("/c/{id}/{name}")
    def rest(**parameters: Any) -> dict[str, Any]:
        return parameters

    class Caller:
        async def __call__(self, request: Request) -> str:
            return get_request().path + str(request is get_request())

    app.route("/d")(Caller())
    browser = Browser(app)
    assert browser.get("/a/7/x/y").text == "7 x/y 1 /a/7/x/y {'id': '7', 'rest': 'x/y'}"
    assert browser.get("/a/seven/x").status_code == 404
    assert browser.get("/whole/7.0").text == "7"
    assert browser.get(f"/whole/{'9' * 400}.0").status_code == 404
    assert browser.get("/b/7").text == "'7' GET {}"
    assert browser.get("/c/1/two").json() == {"id": "1", "name": "two"}
    assert browser.get("/d").text == "/dTrue"


def test_a_handler_that_asks_for_too_much_stops_the_start() -> None:
    app = App()

    @app.route("/users/{id}")
    def user(id: int, database: object) -> str:  # noqa: A002
        return ""

    said = r"'/users/\{id\}'.*'database'.*request, id"
    (failed,) = speak(app, {"type": "lifespan"}, [{"type": "lifespan.startup"}])
    assert failed["type"] == "lifespan.startup.failed"
    assert re.search(said, failed["message"])
    with pytest.raises(ConfigurationError, match=said):
        Browser(app).get("/users/7")


def test_a_handler_without_a_signature_stops_the_start() -> None:
    app = App()
    app.route("/")(dict)
    with pytest.raises(ConfigurationError, match="'/': the handler dict does not tell"):
        Browser(app).get("/")


def test_sync_handlers_run_in_a_thread_and_know_their_request() -> None:
    app = App()

    @app.route("/sync")
    def sync() -> str:
        return f"{threading.current_thread() is threading.main_thread()} {get_request().path}"

    @app.route("/async")
    async def async_() -> str:
        return f"{threading.current_thread() is threading.main_thread()} {get_request().path}"

    browser = Browser(app)
    assert browser.get("/sync").text == "False /sync"
    assert browser.get("/async").text == "True /async"
    with pytest.raises(LookupError, match="no request"):
        get_request()


def test_streams() -> None:
    app = App()
    closed = []

    @app.route("/async")
    async def numbers() -> AsyncIterator[str]:
        for number in range(3):
            yield f"{number} {get_request().path} "

    @app.route("/sync")
    def threads() -> Iterator[bytes]:
        try:
            yield b""
            yield str(threading.current_thread() is threading.main_thread()).encode()
        finally:
            closed.append("sync")

    @app.route("/events")
    def events() -> StreamingResponse:
        async def endless() -> AsyncIterator[str]:
            try:
                yield "data: 1\n\n"
                await asyncio.sleep(3600)
            finally:
                closed.append("events")

        return StreamingResponse(endless(), content_type="text/event-stream")

    browser = Browser(app)
    assert browser.get("/async").text == "0 /async 1 /async 2 /async "
    assert browser.get("/sync").text == "False"
    assert browser.request("HEAD", "/sync").text == ""
    for chunk in (1, None):
        with pytest.raises(TypeError, match="a chunk of a StreamingResponse"):
            answering(StreamingResponse(["a", chunk, "b"])).get("/")  # type: ignore[list-item]
    # Behind its request this client is gone: the stream is not waited for.
    start, first = speak(app, http(path="/events"), [{"type": "http.request", "body": b""}])
    assert (start["status"], first["body"]) == (200, b"data: 1\n\n")
    assert closed == ["sync", "events"]


def test_who_raises_stop_iteration_in_a_thread_answers(caplog: pytest.LogCaptureFixture) -> None:
    app = App()

    @app.route("/")
    def first() -> str:
        return next(iter(()))

    @app.route("/handled")
    def missing() -> None:
        raise LookupError

    @app.error(LookupError)
    def handle(error: LookupError) -> str:
        return next(iter(()))

    browser = Browser(app)
    for path, name in (("/", "first"), ("/handled", "handle")):
        caplog.clear()
        response = browser.get(path)
        assert (response.status_code, response.text) == (500, "Internal Server Error")
        (record,) = caplog.records
        assert record.exc_info is not None
        assert str(record.exc_info[1]).endswith(f"{name} raised StopIteration")


def failing(error: Callable[[], Exception], **settings: Any) -> tuple[App, Browser]:
    app = App(AppConfig(**settings))

    @app.route("/")
    async def fail() -> str:
        raise error()

    return app, Browser(app)


def test_errors_are_answered_in_plain_text() -> None:
    _, browser = failing(lambda: HTTPError(402, "<b>pay</b>", (("X-Price", "3"),)))
    response = browser.get("/")
    assert (response.status_code, response.text) == (402, "<b>pay</b>")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-price"] == "3"
    assert browser.get("/nowhere").text == "Not Found"


def test_an_unforeseen_error_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    _, browser = failing(lambda: ValueError("tea4two"))
    response = browser.get("/")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    (record,) = caplog.records
    assert record.name == "chirp"
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "GET '/' failed (request id unknown)"
    _, open_browser = failing(lambda: ValueError("tea4two"), debug=True)
    assert "ValueError: tea4two" in open_browser.get("/").text


def test_error_handlers_by_status_and_class(caplog: pytest.LogCaptureFixture) -> None:
    class TooLate(Exception):
        pass

    class MuchTooLate(TooLate):
        pass

    app, browser = failing(MuchTooLate)

    @app.error(404)
    def lost(request: Request) -> str:
        return f"no {request.path}"

    @app.error(405)
    def other() -> tuple[str, int]:
        return "teapot", 418

    @app.error(TooLate)
    async def late(request: Request, error: Exception) -> Response:
        return Response(type(error).__name__, 410)

    @app.error(NotFound)
    def precise(*arguments: Any) -> str:
        return f"{len(arguments)}"

    assert (browser.get("/").status_code, browser.get("/").text) == (410, "MuchTooLate")
    assert (browser.get("/x").status_code, browser.get("/x").text) == (404, "2")
    refused = browser.post("/")
    assert (refused.status_code, refused.headers["allow"]) == (418, "GET, HEAD, OPTIONS")
    assert caplog.records == []


@pytest.mark.parametrize("what", [500, Exception])
def test_a_handler_for_500_answers_what_nobody_foresaw(
    what: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app, browser = failing(lambda: KeyError("x"))
    app.error(what)(lambda request, error: {"failed": type(error).__name__})
    response = browser.get("/")
    assert (response.status_code, response.json()) == (500, {"failed": "KeyError"})
    assert len(caplog.records) == 1


def test_nothing_is_declared_behind_the_first_request() -> None:
    app, browser = failing(NotFound)
    browser.get("/")
    for declare in (
        lambda: app.route("/late"),
        lambda: app.add_middleware(print),
        lambda: app.on_startup(lambda: None),
        lambda: app.error(404),
    ):
        with pytest.raises(ConfigurationError, match="serving already"):
            declare()


HANDLERS_FOR_TYPE_CHECKERS = """
from typing import TYPE_CHECKING

from chirp import App, Request

if TYPE_CHECKING:
    from shop import Item, OutOfStock

app = App()


@app.route("/items/{id}")
def item(id: int, wanted: Request, also: "Item | None" = None) -> Item:
    if id == 0:
        raise LookupError(wanted.path)
    return {"id": id + 1}


@app.error(LookupError)
def missing(wanted: Request, error: OutOfStock) -> Item:
    return f"{wanted.path} {error}", 410
"""


def test_annotations_may_name_what_type_checkers_know() -> None:
    # Without the future import where the language allows such names by itself: since Python 3.14.
    future = "" if sys.version_info >= (3, 14) else "from __future__ import annotations\n"
    names: dict[str, Any] = {}
    exec(compile(future + HANDLERS_FOR_TYPE_CHECKERS, "shop.py", "exec", dont_inherit=True), names)
    client = Browser(names["app"])
    assert client.get("/items/41").json() == {"id": 42}
    assert client.get("/items/none").status_code == 404
    gone = client.get("/items/0")
    assert (gone.status_code, gone.text) == (410, "/items/0 /items/0")
