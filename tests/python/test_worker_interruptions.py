"""An application that raises what ends a program, where only a part of it is to end."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from serving import read_all, serving, starting, without_uvloop
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

TARGET = "interrupting_app:app"
UPLOAD = (
    b"POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\n"
)
"""The head of a request that the application is at until the body comes."""
RAISED = {"exit": "SystemExit: 7", "interrupt": "KeyboardInterrupt"}


@pytest.fixture(params=["uvloop", "asyncio"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Where the worker has this event loop."""
    return without_uvloop(tmp_path) if request.param == "asyncio" else {}


@pytest.mark.parametrize("error", ["exit", "interrupt"])
@pytest.mark.parametrize("moment", ["at-once", "later"])
def test_a_request_ends_nobody_but_itself(
    moment: str, error: str, environment: dict[str, str]
) -> None:
    with serving(TARGET, environment=environment) as worker:
        with worker.connect() as other:
            other.sendall(UPLOAD)
            assert other.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
            for _ in range(3):
                found = httpx.get(f"{worker.url}/{moment}?{error}", timeout=20)
                assert found.status_code == 500
            other.sendall(b"x")
            assert read_all(other).endswith(b"\r\n\r\nserved")
        assert worker.end() == 0
        assert [record["event"] for record in worker.log] == ["request_failed"] * 3
        assert all(record["exception"].strip().endswith(RAISED[error]) for record in worker.log)
        # Nothing but the records.
        assert len(worker.output.splitlines()) == 3


def test_a_websocket_ends_nobody_but_itself() -> None:
    with serving(TARGET) as worker:
        with connect(f"ws://127.0.0.1:{worker.port}/", proxy=None) as socket:
            socket.send("leave")
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=20)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1011
        assert httpx.get(worker.url).text == "served"
        assert worker.end() == 0
        [line] = worker.output.splitlines()
        assert json.loads(line)["event"] == "request_failed"


def test_another_task_ends_the_worker_after_its_requests(environment: dict[str, str]) -> None:
    with serving(TARGET, environment=environment) as worker:
        with worker.connect() as other:
            other.sendall(UPLOAD)
            assert other.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
            assert httpx.get(f"{worker.url}/background").text == "served"
            worker.until(b"D")
            other.sendall(b"x")
            assert read_all(other).endswith(b"\r\n\r\nserved")
        assert worker.wait() == 7
        [record] = worker.log
        assert record["event"] == "worker_interrupted"
        assert "raised SystemExit outside of its requests" in record["message"]


def test_a_start_that_exits_is_told_with_its_reason() -> None:
    with starting(TARGET, {"RAISES": "startup"}) as worker:
        assert worker.wait() == 3
        worker.until(b"never")
        assert worker.news == b"Fthe app's lifespan startup failed: SystemExit: 7\n"
        assert [record["event"] for record in worker.log] == ["worker_failed", "worker_not_started"]
        assert len(worker.output.splitlines()) == 2


def test_an_end_that_is_interrupted_is_told_and_is_one() -> None:
    with serving(TARGET, environment={"RAISES": "shutdown"}) as worker:
        assert worker.end() == 0
        [line] = worker.output.splitlines()
        assert json.loads(line)["message"] == "the app raised in its lifespan shutdown"


def test_a_lifespan_that_breaks_down_is_told_when_it_does() -> None:
    with serving(TARGET, environment={"RAISES": "meanwhile"}) as worker:
        assert httpx.get(worker.url).text == "served"
        assert worker.end() == 0
        [line] = worker.output.splitlines()
        told = json.loads(line)
        assert told["message"] == "the app's lifespan ended while it serves: it is served without"
        assert told["exception"].strip().endswith("LookupError: the queue is gone")


def test_threads_that_keep_the_process_are_named() -> None:
    with serving(TARGET, environment={"RAISES": "thread"}) as worker:
        worker.process.terminate()
        assert worker.process.stderr is not None
        told = json.loads(worker.process.stderr.readline())
        assert told["event"] == "threads_left"
        assert told["message"].endswith("that have not ended: never-ending")
