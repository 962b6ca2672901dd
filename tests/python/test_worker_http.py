"""The worker over real sockets: scope, bodies both ways, what applications do wrong."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from serving import Worker, read_until, serving, talk_both_ways

HEAD = b"Host: a\r\nConnection: close\r\n"


@contextlib.contextmanager
def client_of(target: str, **settings: Any) -> Iterator[tuple[httpx.Client, Worker]]:
    with (
        serving(target, **settings) as worker,
        httpx.Client(base_url=worker.url, timeout=20) as client,
    ):
        yield client, worker


def test_hello_keeps_the_connection_and_names_the_request() -> None:
    with client_of("hello") as (client, worker):
        answers = [client.get("/") for _ in range(3)]
        assert [answer.text for answer in answers] == ["Hello"] * 3
        assert answers[0].headers["content-type"] == "text/plain"
        assert answers[0].headers["content-length"] == "5"
        assert len({answer.headers["x-request-id"] for answer in answers}) == 3
        client.close()
        assert worker.end() == 0
        assert worker.log == []


def test_the_scope_says_what_came() -> None:
    with serving("show_scope", config={"root_path": "/mounted", "log_format": "json"}) as worker:
        request = (
            b"gEt /caf%C3%A9/%2F%ff?q=%20&r HTTP/1.1\r\nHost: shop.example\r\nX-B: 2\r\n"
            b"X-A: one\r\nx-a: two\r\nConnection: close\r\n\r\n"
        )
        head, _, body = worker.exchange(request).partition(b"\r\n\r\n")
        scope = ast.literal_eval(body.decode())
        request_id = scope["extensions"].pop("request_id")
        assert f"x-request-id: {request_id}".encode() in head
        assert scope.pop("client")[0] == "127.0.0.1"
        headers = scope.pop("headers")
        assert headers[0] == (b"host", b"shop.example")
        assert [value for name, value in headers if name == b"x-a"] == [b"one", b"two"]
        assert (b"x-b", b"2") in headers
        assert scope == {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/mounted/café//\ufffd",
            "raw_path": b"/caf%C3%A9/%2F%ff",
            "query_string": b"q=%20&r",
            "root_path": "/mounted",
            "server": ("127.0.0.1", worker.port),
            "state": {"mine": 1},
            "extensions": {"http.response.pathsend": {}, "http.response.early_hint": {}},
        }


def test_http_1_0_is_told_and_closed() -> None:
    with serving("show_scope") as worker:
        answer = worker.exchange(b"GET / HTTP/1.0\r\n\r\n")
        assert b"'http_version': '1.0'" in answer


def test_a_body_comes_back_as_it_went() -> None:
    with client_of("echo") as (client, _):
        for length in (0, 1, 10_000, 1_000_000):
            body = bytes(index % 251 for index in range(length))
            assert client.post("/", content=body).content == body

        def pieces() -> Iterator[bytes]:
            for index in range(50):
                yield b"%d " % index * 100

        assert client.post("/", content=pieces()).content == b"".join(pieces())


def test_both_directions_are_open_at_once() -> None:
    with serving("echo") as worker, worker.connect() as connection:
        talk_both_ways(connection)


def test_pipelined_requests_are_answered_in_order() -> None:
    with serving("show_scope") as worker:
        one = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
        requests = b"".join(one % index for index in range(20))
        answer = worker.exchange(requests + b"GET /20 HTTP/1.1\r\n" + HEAD + b"\r\n")
        assert answer.count(b"HTTP/1.1 200 OK") == 21
        places = [answer.index(b"'path': '/%d'" % index) for index in range(21)]
        assert places == sorted(places)


def test_the_application_hears_that_the_client_has_left() -> None:
    with client_of("goodbye") as (client, worker):
        with worker.connect() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            read_until(connection, b"waiting")
        facts = ast.literal_eval(client.get("/facts").text)
        assert facts == {
            "message": "http.disconnect",
            "error": "ConnectionResetError",
            "again": "http.disconnect",
            "end": True,
        }
        client.close()
        assert worker.end() == 0
        assert worker.log == [], "an application that ends by the error of send() did nothing wrong"


@pytest.mark.parametrize(
    ("path", "said"),
    [("translated", []), ("grouped", []), ("mistaken", ["LookupError: a mistake"])],
)
def test_what_fails_because_the_client_has_left_is_no_fault(path: str, said: list[str]) -> None:
    with serving("goodbye") as worker:
        with worker.connect() as connection:
            connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            read_until(connection, b"waiting")
        assert worker.end() == 0
        assert len(worker.log) == len(said)
        for record, text in zip(worker.log, said, strict=True):
            assert text in record["exception"]


FAULTS_BEFORE = [
    ("raises", "LookupError: a secret place"),
    ("late", "LookupError: later"),
    ("exits", "SystemExit: 5"),
    ("nothing", None),
    ("crlf", "control character"),
    ("nul", "control character"),
    ("name", 'not "a b"'),
    ("text", "a pair of bytes"),
    ("pair", "a pair of bytes"),
    ("status", "an int from 200"),
    ("informational", "informational"),
    ("lengths", "Content-Length is repeated"),
    ("body-first", "http.response.start comes first"),
    ("unknown", "http.response.unknown"),
    ("no-dict", "takes a message as a dict"),
    ("no-type", 'no "type"'),
    ("twice", "http.response.body is due"),
    ("started", "LookupError: within"),
    ("early", "LookupError: within the response"),
]


def test_what_fails_before_the_response_is_a_500_and_one_record() -> None:
    with client_of("faulty") as (client, worker):
        ids = {}
        for fault, _ in FAULTS_BEFORE:
            answer = client.get(f"/{fault}")
            assert answer.status_code == 500, fault
            assert answer.text == "Internal Server Error\n"
            ids[answer.headers["x-request-id"]] = fault
        client.close()
        assert worker.end() == 0
        assert [ids[record["request_id"]] for record in worker.log] == [
            fault for fault, _ in FAULTS_BEFORE
        ]
        for record, (fault, text) in zip(worker.log, FAULTS_BEFORE, strict=True):
            assert record["path"] == f"/{fault}"
            assert record["method"] == "GET"
            if text is None:
                assert "without a response" in record["message"]
            else:
                assert text in record["exception"]


@pytest.mark.parametrize(
    ("fault", "text"),
    [("within", "raised within its response"), ("half", "returned before the end")],
)
def test_what_fails_within_the_response_cuts_it(fault: str, text: str) -> None:
    with serving("faulty") as worker:
        with httpx.Client(base_url=worker.url) as client, pytest.raises(httpx.HTTPError):
            client.get(f"/{fault}")
        assert worker.end() == 0
        assert [text in record["message"] for record in worker.log] == [True]


def test_what_fails_after_the_response_is_only_logged() -> None:
    with client_of("faulty") as (client, worker):
        assert client.get("/after").text == "whole"
        client.close()
        assert worker.end() == 0
        assert ["after its response" in record["message"] for record in worker.log] == [True]


@pytest.mark.parametrize(("length", "whole"), [(5, True), (4, False), (6, False)])
def test_content_length_is_kept_or_the_response_is_cut(length: int, whole: bool) -> None:
    with serving("lengths") as worker:
        answer = worker.exchange(b"GET /%d HTTP/1.1\r\n" % length + HEAD + b"\r\n")
        assert answer.endswith(b"\r\n\r\nxxxxx") == whole
        assert worker.end() == 0
        assert len(worker.log) == (0 if whole else 1)


def test_some_responses_have_no_body_and_some_headers_are_the_servers() -> None:
    with client_of("bodiless") as (client, worker):
        for status in (204, 304):
            answer = client.get(f"/{status}")
            assert (answer.status_code, answer.content) == (status, b"")
            assert "content-length" not in answer.headers
        head = client.head("/200")
        assert (head.status_code, head.content) == (200, b"")
        answer = client.get("/200")
        assert answer.text == "body"
        assert "transfer-encoding" not in answer.headers
        assert "x-secret" not in answer.headers.get("connection", "")
        assert answer.headers.get_list("a") == ["1", "2"]
        client.close()
        assert worker.end() == 0
        assert worker.log == []


def test_trailers_reach_clients_that_take_them() -> None:
    with serving("trailing") as worker:
        plain = worker.exchange(b"GET / HTTP/1.1\r\n" + HEAD + b"\r\n")
        assert plain.endswith(b"none")
        request = b"GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n"
        answer = worker.exchange(request)
        assert b"7\r\noffered\r\n0\r\nx-sum: 7\r\n\r\n" in answer


def test_send_belongs_to_the_loops_thread() -> None:
    with client_of("from_thread") as (client, _):
        assert "called from another" in client.get("/").text


def test_an_application_may_be_awaited_as_an_object() -> None:
    with client_of("Awaitable3") as (client, _):
        assert client.get("/").text == "awaited"
