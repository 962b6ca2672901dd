"""Requests: what a handler reads of them, and what they cannot hold."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import Browser, http, speak
from chirp import App, Request
from chirp.http.headers import QueryParams


def test_the_request() -> None:
    app = App()

    @app.route("/{name}", methods=["POST"])
    async def tell(request: Request) -> dict[str, Any]:
        return {
            "url": request.url,
            "query": [request.query["a"], request.query.get_list("a"), request.query.get("b")],
            "cookies": dict(request.cookies),
            "header": request.headers["X-One"],
            "host": request.host,
            "scheme": request.scheme,
            "htmx": request.is_htmx,
            "length": request.content_length,
            "text": await request.text(),
        }

    browser = Browser(app)
    response = browser.post(
        "/caf%C3%A9?a=1&a=%C3%A4",
        content="grüße".encode("latin-1"),
        headers={
            "Content-Type": 'text/plain; charset="latin-1"',
            "Cookie": 'a=1; b="2"; a=3',
            "x-one": "1",
            "HX-Request": "true",
        },
    )
    assert response.json() == {
        "url": "/caf%C3%A9?a=1&a=%C3%A4",
        "query": ["1", ["1", "ä"], None],
        "cookies": {"a": "1", "b": "2"},
        "header": "1",
        "host": "shop.example",
        "scheme": "https",
        "htmx": True,
        "length": 5,
        "text": "grüße",
    }
    bad = browser.post("/x?a=1", content=b"\xff", headers={"X-One": "1"})
    assert (bad.status_code, bad.text) == (400, "the body is not text in utf-8")
    # Python reads the last ones, and they are no charsets.
    others = ("idna", "punycode", "unicode_escape", "raw-unicode-escape", "UTF7", "palmos")
    for charset in ("nope", "base64", "undefined", "utf-8\0", *others):
        unknown = {"X-One": "1", "Content-Type": f"text/plain; charset={charset}"}
        assert browser.post("/x?a=1", content=b"x", headers=unknown).status_code == 400


def test_a_server_may_leave_the_raw_path_out() -> None:
    app = App()
    app.route("/{name}")(lambda request: request.url)
    scope = http(path="/café")
    scope.pop("raw_path", None)
    assert speak(app, scope)[1]["body"] == b"/caf%C3%A9"


@pytest.mark.parametrize(
    ("query", "number"),
    [
        (b"n=12", 12),
        (b"n=-3", -3),
        (b"n=%2B3", 3),
        (b"n=1_000", None),
        (b"n=+3", None),
        (b"n=%D9%A3", None),
        (b"n=" + b"9" * 5000, None),
        (b"n=", None),
        (b"m=1", None),
    ],
)
def test_an_integer_is_what_others_take_for_one(query: bytes, number: int | None) -> None:
    assert QueryParams(query).get_int("n") == number


def test_a_query_is_utf_8_escaped_or_not() -> None:
    query = QueryParams("a=é&b=%C3%A9&c=%FF".encode() + b"\xff")
    assert dict(query) == {"a": "é", "b": "é", "c": "\ufffd\ufffd"}


def test_json_bodies() -> None:
    app = App()

    @app.route("/", methods=["POST"])
    async def echo(request: Request) -> Any:
        return {"value": await request.json()}

    browser = Browser(app)
    assert browser.post("/", content=b'["\xc3\xa4"]').json() == {"value": ["ä"]}
    # Half of a surrogate pair is JSON, and no text that UTF-8 could carry.
    assert browser.post("/", content=b'"\\ud800\xc3\xa4"').content == b'{"value":"\\ud800\xc3\xa4"}'
    for body in (b"{", b"", b"\xff\xfe\xff", b"[" * 100_000, b"[NaN]", b"-Infinity"):
        response = browser.post("/", content=body)
        assert (response.status_code, response.text[:16]) == (400, "the body is no J")


def test_a_body_is_streamed_once() -> None:
    app = App()

    @app.route("/", methods=["POST"])
    async def twice(request: Request) -> str:
        pieces = [piece async for piece in request.stream()]
        with pytest.raises(RuntimeError, match="once"):
            await request.body()
        return str(pieces)

    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "body": b"", "more_body": True},
        {"type": "http.request", "body": b"b"},
    ]
    _, body = speak(app, http("POST"), messages)
    assert body["body"] == b"[b'a', b'b']"
    # Nobody is left to answer where the client goes away in the middle.
    assert speak(app, http("POST"), messages[:1]) == []
