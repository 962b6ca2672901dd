"""``worker_mode = "sync"``: requests on threads, with the semantics of the event loop's mode."""

from __future__ import annotations

import ast
import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from pounce_rs.worker.journal import Journal
from pounce_rs.worker.service import default_threads
from pounce_rs.worker.threads import ThreadedApp
from serving import read_all, read_until, serving, starting, talk_both_ways

CLOSE = b"Host: a\r\nConnection: close\r\n\r\n"


def sync(**config: Any) -> dict[str, Any]:
    """A configuration with threads."""
    return {"worker_mode": "sync", "executor_threads_per_worker": 4, **config}


def test_requests_that_block_are_served_at_once_each_on_a_loop_of_its_own() -> None:
    with serving("blocking_apps:together", config=sync()) as worker:
        with ThreadPoolExecutor(8) as clients:
            asked = [clients.submit(httpx.get, worker.url, timeout=30) for _ in range(8)]
            answers = [one.result().text.split() for one in asked]
        # Eight requests, four threads: the barrier lets through those who stand there together.
        assert len({thread for thread, _ in answers}) == 4
        assert len({loop for _, loop in answers}) == 4
        assert len({tuple(answer) for answer in answers}) == 4
        assert worker.end() == 0
        assert worker.log == []


def test_more_requests_than_threads_wait_in_order_and_health_does_not(tmp_path: Path) -> None:
    config = sync(executor_threads_per_worker=1, health_check_path="/health")
    with (
        serving("blocking_apps:held", config=config) as worker,
        ThreadPoolExecutor(3) as clients,
    ):
        first = clients.submit(httpx.get, f"{worker.url}{tmp_path}/first", timeout=30)
        while not (tmp_path / "first.begun").exists():
            time.sleep(0.01)
        second = clients.submit(httpx.get, f"{worker.url}/free", timeout=30)
        status = httpx.get(f"{worker.url}/health").json()
        while status["active_connections"] < 3:
            status = httpx.get(f"{worker.url}/health").json()
        assert not second.done()
        (tmp_path / "first").touch()
        assert first.result().text == "first"
        assert second.result().text == "first free"


def test_bodies_stream_both_ways() -> None:
    with serving("echo", config=sync()) as worker, httpx.Client(timeout=20) as client:
        for length in (0, 1, 10_000, 1_000_000):
            body = bytes(index % 251 for index in range(length))
            assert client.post(worker.url, content=body).content == body

        def pieces() -> Iterator[bytes]:
            for index in range(50):
                yield b"%d " % index * 100

        assert client.post(worker.url, content=pieces()).content == b"".join(pieces())
        with worker.connect() as connection:
            talk_both_ways(connection)


def test_neither_a_slow_reader_nor_a_slow_app_fills_the_memory() -> None:
    with serving("flood", config=sync()) as worker, worker.connect() as connection:
        before = worker.memory()
        connection.sendall(b"GET / HTTP/1.1\r\n" + CLOSE)
        connection.recv(1024)
        worker.rest()
        assert worker.memory() - before < 16_000_000
        received = 1024
        while more := connection.recv(1 << 20):
            received += len(more)
        assert received > 3200 * 65536
    with serving("sink", config=sync(max_request_size=1 << 28)) as worker:
        before = worker.memory()
        length = 64 << 20
        answer = httpx.post(worker.url, content=iter([bytes(1 << 20)] * 64), timeout=60)
        assert answer.text == str(length)
        assert worker.memory() - before < 16_000_000


def test_a_client_that_leaves_is_told_of() -> None:
    with serving("goodbye", config=sync()) as worker:
        with worker.connect() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            read_until(connection, b"waiting")
        facts = ast.literal_eval(httpx.get(f"{worker.url}/facts", timeout=20).text)
        assert facts["message"] == facts["again"] == "http.disconnect"
        assert facts["error"] == "ConnectionResetError"
        assert worker.end() == 0
        assert worker.log == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("raises", "LookupError: a secret place"),
        ("nothing", "without a response"),
        ("late", "LookupError: later"),
        ("exits", "the app raised SystemExit"),
        ("crlf", "control character"),
        ("status", "int from 200 to 999"),
        ("twice", "http.response.body is due"),
        ("body-first", "http.response.start comes first"),
        ("no-dict", "not <class 'list'>"),
    ],
)
def test_what_fails_before_the_response_is_a_500_and_logged_once(fault: str, said: str) -> None:
    with serving("faulty", config=sync()) as worker:
        answer = httpx.get(f"{worker.url}/{fault}")
        assert (answer.status_code, answer.text) == (500, "Internal Server Error\n")
        # The thread serves on.
        assert httpx.get(f"{worker.url}/nothing").status_code == 500
        assert worker.end() == 0
        [line] = [one for one in worker.log if one["path"] == f"/{fault}"][:1]
        assert said in line["message"] + line.get("exception", "")
        assert line["request_id"] == answer.headers["x-request-id"]


def test_what_fails_within_the_response_cuts_it() -> None:
    with serving("faulty", config=sync()) as worker:
        answer = worker.exchange(b"GET /early HTTP/1.1\r\n" + CLOSE)
        assert not answer.endswith(b"0\r\n\r\n")
        assert worker.end() == 0
        assert "within its response" in worker.log[0]["message"]


def test_background_tasks_go_on_between_requests() -> None:
    with serving("blocking_apps:background", config=sync()) as worker:
        assert httpx.get(f"{worker.url}/start").status_code == 200
        text = ""
        while not text:
            text = httpx.get(f"{worker.url}/done").text
        assert text == "in a thread of the executor"


def test_a_drain_waits_for_blocked_threads_and_has_an_end(tmp_path: Path) -> None:
    with serving("blocking_apps:held", config=sync()) as worker, worker.connect() as connection:
        connection.sendall(f"GET {tmp_path}/a HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        while not (tmp_path / "a.begun").exists():
            time.sleep(0.01)
        worker.process.send_signal(signal.SIGTERM)
        worker.until(b"D")
        (tmp_path / "a").touch()
        assert read_all(connection).endswith(b"a")
        assert worker.wait() == 0
    config = sync(shutdown_timeout=0.2)
    with serving("blocking_apps:held", config=config) as worker, worker.connect() as connection:
        connection.sendall(f"GET {tmp_path}/b HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        while not (tmp_path / "b.begun").exists():
            time.sleep(0.01)
        # The thread never comes back: the process ends all the same.
        assert worker.end() == 1
        assert "1 requests are cut off" in worker.log[0]["message"]


def test_the_executor_has_as_many_threads_as_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"executor_threads_per_worker": 3}
    with serving("blocking_apps:in_executor", config=config) as worker:
        # Three stand at the barrier at once, and no fourth begins before they leave.
        assert httpx.get(worker.url, timeout=30).text == "[1, 2, 3]"
        assert worker.end() == 0
    for cpus, threads in ((1, 5), (8, 12), (64, 32)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid, cpus=cpus: set(range(cpus)))
        assert default_threads() == threads


def test_lifespan_runs_and_hooks_do_not() -> None:
    with serving("with_lifespan", config=sync()) as worker:
        assert "'shared': ['/1']" in httpx.get(f"{worker.url}/1").text
        assert worker.end() == 0
        assert b"the app has shut down" in worker._log
    with serving("blocking_apps:hooked", config=sync(log_level="debug")) as worker:
        assert httpx.get(worker.url).text == "served"
        assert worker.end() == 0
        assert not [line for line in worker.log if "hook" in line["event"]]
    config = sync(worker_startup_failure="shutdown")
    with starting("blocking_apps:hooked", config=config) as worker:
        assert worker.wait() == 3
        assert "need worker_mode async" in worker.log[-1]["message"]


def test_other_modes_say_what_they_are() -> None:
    for mode, lines in (("auto", 0), ("async", 0), ("subinterpreter", 1)):
        with serving("hello", config={"worker_mode": mode}) as worker:
            assert httpx.get(worker.url).text == "Hello"
            assert worker.end() == 0
            assert len(worker.log) == lines
    assert "served as async" in worker.log[0]["message"]


@pytest.mark.parametrize("denial", [True, False])
def test_websockets_are_refused_with_a_reason(
    denial: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("it is not asked")

    async def refuse() -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        extensions: dict[str, Any] = {"websocket.http.response": {}} if denial else {}
        scope = {"type": "websocket", "path": "/chat", "extensions": extensions}
        with ThreadPoolExecutor(1) as executor:
            threaded = ThreadedApp(app, 1, executor, Journal("json", 0))
            await threaded(scope, receive, send)
        return sent

    before = threading.active_count()
    sent = asyncio.run(refuse())
    assert threading.active_count() == before
    if denial:
        assert [message["type"] for message in sent] == [
            "websocket.http.response.start",
            "websocket.http.response.body",
        ]
        assert sent[0]["status"] == 501
        assert b"worker_mode async" in sent[1]["body"]
    else:
        assert sent == [{"type": "websocket.close", "code": 1011, "reason": "not supported"}]
    assert "/chat was refused" in capsys.readouterr().err
