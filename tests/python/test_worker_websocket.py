"""WebSockets of the worker, with the clients that people use."""

from __future__ import annotations

import ast
import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from served_websocket import BAD_ACCEPTS, BAD_MESSAGES
from serving import Worker, serving
from websockets import Response
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.connection import Connection

PATIENCE = 20.0


@contextlib.contextmanager
def served(app: str, **settings: Any) -> Iterator[Worker]:
    """A worker of an application of ``served_websocket``."""
    with serving(f"served_websocket:{app}", **settings) as worker:
        yield worker


def opened(worker: Worker, path: str = "/", **options: Any) -> ClientConnection:
    """A WebSocket to the worker."""
    options = {"proxy": None, "max_size": None, "open_timeout": PATIENCE, **options}
    socket: ClientConnection = connect(f"ws://127.0.0.1:{worker.port}{path}", **options)
    return socket


def seen(worker: Worker, count: int) -> list[Any]:
    """What the application has noted, once it is so much."""
    deadline = time.monotonic() + PATIENCE
    while True:
        noted: list[Any] = ast.literal_eval(httpx.get(worker.url).text)
        if len(noted) >= count:
            return noted
        assert time.monotonic() < deadline, noted
        time.sleep(0.01)


def closed(socket: Connection) -> tuple[int, str]:
    """Code and reason that the server closes with."""
    with pytest.raises(ConnectionClosed) as caught:
        socket.recv(PATIENCE)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


@pytest.mark.parametrize("compression", ["deflate", None])
def test_messages_come_back(compression: str | None) -> None:
    with served("echo") as worker:
        with opened(worker, compression=compression) as socket:
            assert bool(socket.protocol.extensions) == bool(compression)
            for length in (0, 1, 10, 125, 126, 65_535, 65_536, 1_000_000):
                text = "h\u00e9llo \U0001f40e "[:length] * (length // 8 + 1)
                for message in (text, text.encode()):
                    socket.send(message)
                    assert socket.recv(PATIENCE) == message
            socket.send(["in ", "three ", "parts"])
            assert socket.recv(PATIENCE) == "in three parts"
            assert socket.ping("x").wait(PATIENCE)
            for number in range(200):
                socket.send(str(number))
            assert [socket.recv(PATIENCE) for _ in range(200)] == [str(n) for n in range(200)]
            socket.close(4002, "by now")
        assert seen(worker, 1) == [(4002, "by now")]
        assert worker.end() == 0
        assert worker.log == []


def test_the_scope_says_what_came() -> None:
    with served("show_scope", config={"root_path": "/mounted"}) as worker:
        options: dict[str, Any] = {"subprotocols": ["one", "two"], "compression": None}
        with opened(worker, "/caf%C3%A9?q=1", **options) as socket:
            assert socket.subprotocol == "two"
            assert socket.response is not None
            answer = socket.response.headers
            assert answer.get_all("x-mine") == ["1", "2"]
            assert answer.get_all("connection") == ["upgrade"]
            scope = ast.literal_eval(str(socket.recv(PATIENCE)))
            assert closed(socket) == (1000, "")
        assert scope.pop("extensions") == {
            "request_id": answer["x-request-id"],
            "websocket.http.response": {},
        }
        assert scope.pop("client")[0] == "127.0.0.1"
        headers = dict(scope.pop("headers"))
        assert headers[b"sec-websocket-protocol"] == b"one, two"
        assert scope == {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": "/mounted/caf\u00e9",
            "raw_path": b"/caf%C3%A9",
            "query_string": b"q=1",
            "root_path": "/mounted",
            "server": ("127.0.0.1", worker.port),
            "subprotocols": ["one", "two"],
            "state": {},
        }


def refused(worker: Worker, path: str) -> Response:
    """The answer to a handshake that is not accepted."""
    with pytest.raises(InvalidStatus) as caught, opened(worker, path):
        pass
    return caught.value.response


def test_a_handshake_may_be_refused_or_denied() -> None:
    with served("by_path") as worker:
        assert refused(worker, "/refuse").status_code == 403
        denied = refused(worker, "/deny")
        assert (denied.status_code, denied.body) == (401, b"who are you")
        assert denied.headers["www-authenticate"] == "Basic"
        assert seen(worker, 1) == ["websocket.disconnect"]
        assert worker.end() == 0
        assert worker.log == []


BEFORE = [
    ("nothing", "without an answer", None),
    ("raise", "before the WebSocket's handshake", "LookupError: before"),
    ("early", "before the WebSocket's handshake", "websocket.accept, websocket.close or"),
    ("crlf", "before the WebSocket's handshake", "control character"),
    ("unoffered", "before the WebSocket's handshake", "none of those that the client"),
    ("subprotocol-bytes", "before the WebSocket's handshake", "a str or None"),
    ("own-header", "before the WebSocket's handshake", "sec-websocket-protocol is the server's"),
    ("deny-well", "before the WebSocket's handshake", "denies the handshake, but 200 is a success"),
]
WITHIN = [
    ("fail", "LookupError: within"),
    ("exit", "SystemExit: 5"),
    ("empty", 'neither "text" nor "bytes"'),
    ("text-bytes", "is a str or None"),
    ("bytes-text", "are bytes, not"),
    ("surrogate", "surrogates not allowed"),
    ("unknown", "no message that is sent to a WebSocket"),
    ("twice", "websocket.send or websocket.close is due"),
    ("code", "may stand in a close frame"),
    ("code-text", "may stand in a close frame"),
]


def test_what_fails_before_it_is_accepted_is_a_500_and_one_record() -> None:
    assert set(BAD_ACCEPTS) < {way for way, _, _ in BEFORE}
    with served("by_path") as worker:
        ids = []
        for way, _, _ in BEFORE:
            answer = refused(worker, f"/{way}")
            assert (answer.status_code, answer.body) == (500, b"Internal Server Error\n"), way
            ids.append(answer.headers["x-request-id"])
        assert worker.end() == 0
        assert [record["request_id"] for record in worker.log] == ids
        for record, (way, what, error) in zip(worker.log, BEFORE, strict=True):
            assert record["path"] == f"/{way}"
            assert what in record["message"]
            assert (error is None) == ("exception" not in record)
            assert error is None or error in record["exception"]


def test_what_fails_within_is_closed_with_1011_and_one_record() -> None:
    assert set(BAD_MESSAGES) < {way for way, _ in WITHIN}
    with served("by_path") as worker:
        ids = []
        for way, _ in WITHIN:
            with opened(worker, f"/{way}") as socket:
                assert socket.response is not None
                ids.append(socket.response.headers["x-request-id"])
                assert closed(socket)[0] == 1011, way
        assert worker.end() == 0
        assert [record["request_id"] for record in worker.log] == ids
        for record, (_, error) in zip(worker.log, WITHIN, strict=True):
            assert error in record["exception"]


def test_an_application_closes_or_returns() -> None:
    with served("by_path") as worker:
        with opened(worker, "/close") as socket:
            assert closed(socket) == (4001, "enough")
        with opened(worker, "/return") as socket:
            assert socket.recv(PATIENCE) == b"last"
            assert closed(socket) == (1000, "")
        message, late = seen(worker, 2)
        assert message == {"type": "websocket.disconnect", "code": 4001, "reason": "enough"}
        assert "has closed" in late
        assert worker.end() == 0
        assert worker.log == []


def test_a_client_that_vanishes_is_told_of_and_sending_to_it_is_an_error() -> None:
    with served("by_path") as worker:
        socket = opened(worker, "/gone")
        socket.socket.shutdown(2)
        expected = [
            ("websocket.disconnect", 1006, ""),
            "ConnectionResetError",
            "websocket.disconnect",
        ]
        assert seen(worker, 3) == expected
        with opened(worker, "/gone"):
            pass
        assert seen(worker, 6)[3:] == [("websocket.disconnect", 1000, ""), *expected[1:]]
        assert worker.end() == 0
        assert worker.log == []


def test_tasks_may_wait_and_be_cancelled() -> None:
    with served("by_path") as worker:
        with opened(worker, "/tasks") as socket:
            assert socket.recv(PATIENCE) == "now"
            for text in ("a", "b"):
                socket.send(text)
            seen(worker, 5)
            socket.send("c")
            assert closed(socket) == (1000, "")
        noted = seen(worker, 8)
        assert noted == ["timeout", True, True, "a", "b", "c", True, "websocket.disconnect"]
        assert worker.end() == 0
        assert worker.log == []


def test_messages_beyond_the_limit_are_refused() -> None:
    with served("echo", config={"websocket_max_message_size": 1000}) as worker:
        for message in ("x" * 1001, "x" * 50_000_000):
            with opened(worker) as socket:
                socket.send("y" * 1000)
                assert socket.recv(PATIENCE) == "y" * 1000
                with contextlib.suppress(ConnectionClosed):
                    socket.send(message)
                assert closed(socket)[0] == 1009
        assert [code for code, _ in seen(worker, 2)] == [1009, 1009]


def test_compression_can_be_off() -> None:
    with (
        served("echo", config={"websocket_compression": False}) as worker,
        opened(worker) as socket,
    ):
        assert socket.protocol.extensions == []
        socket.send("x" * 1000)
        assert socket.recv(PATIENCE) == "x" * 1000


def test_a_slow_client_does_not_fill_the_memory() -> None:
    with served("by_path") as worker, opened(worker, "/flood", compression=None) as socket:
        before = worker.memory()
        worker.rest()
        assert worker.memory() - before < 8_000_000
        for _ in range(3200):
            assert len(socket.recv(PATIENCE)) == 65536
        assert closed(socket) == (1000, "")
        assert worker.memory() - before < 8_000_000


def test_a_slow_application_does_not_fill_the_memory() -> None:
    with served("by_path") as worker, opened(worker, "/slow", compression=None) as socket:
        before = worker.memory()
        highest = 0
        for _ in range(400):
            socket.send(bytes(500_000))
            highest = max(highest, worker.memory())
        assert socket.recv(PATIENCE) == "200000000"
        assert highest - before < 8_000_000


@pytest.mark.parametrize(("number", "code"), [(signal.SIGUSR2, 1012), (signal.SIGTERM, 1001)])
def test_the_end_of_the_worker_is_told(number: int, code: int) -> None:
    with served("echo") as worker:
        with opened(worker) as socket:
            socket.send("x")
            socket.recv(PATIENCE)
            worker.process.send_signal(number)
            assert closed(socket)[0] == code
        assert worker.wait() == 0
        assert worker.log == []


def test_the_access_log_has_a_line_at_the_end() -> None:
    with served("echo", stdout=subprocess.PIPE) as worker:
        with opened(worker, "/path?secret", compression=None) as socket:
            socket.send("hello")
            socket.recv(PATIENCE)
        assert worker.process.stdout is not None
        line = worker.process.stdout.readline()
        assert b'"path":"/path","http_version":"1.1","status":101,"bytes":11,' in line
        worker.process.stdout.close()


def test_an_endpoint_of_starlette() -> None:
    with served("starlette") as worker:
        with opened(worker, "/shout") as socket:
            socket.send('{"say": "hello"}')
            assert socket.recv(PATIENCE) == '{"said":"HELLO"}'
        assert refused(worker, "/nowhere").status_code == 403


def test_a_route_of_fastapi() -> None:
    with served("fastapi") as worker:
        with opened(worker, "/rooms/7?token=ann") as socket:
            socket.send("hi")
            assert socket.recv(PATIENCE) == "ann in 7: hi"
        with opened(worker, "/endless") as socket:
            socket.send("x")
        assert refused(worker, "/rooms/7").status_code == 403
        assert refused(worker, "/rooms/x?token=ann").status_code == 403
        assert worker.end() == 0
        assert worker.log == [], "a client that leaves is no fault"
