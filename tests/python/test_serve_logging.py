"""The log: one set of keys everywhere, slow requests, the life of workers and connections."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from launching import APP, BIN, LIMIT, Server, serve, wait_for
from serving import serving

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def records(text: str) -> list[dict[str, Any]]:
    """The JSON lines of a log."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_supervisor_workers_and_access_log_have_the_same_keys(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(
        "async def app(scope, receive, send):\n    raise LookupError(scope['type'])\n"
    )
    (tmp_path / "pounce.toml").write_text("lifecycle_logging = true\n")
    with (tmp_path / "access").open("wb") as file:
        words = ["--port", "0", "--workers", "2", "--config", "pounce.toml"]
        with serve(tmp_path, *words, stdout=file) as server:
            server.started()
            assert httpx.get(server.up["addresses"][0]).status_code == 500
            server.signal(signal.SIGTERM)
            code, rest = server.end()
            assert code == 0
            stderr = records("".join(server.seen) + rest)
    stdout = records((tmp_path / "access").read_text())
    for record in stderr + stdout:
        assert list(record)[:3] == ["timestamp", "level", "event"], record
        assert TIMESTAMP.fullmatch(record["timestamp"]), record
    assert all(record["message"] for record in stderr)
    assert {record["event"] for record in stdout} == {
        "request",
        "connection_opened",
        "connection_closed",
    }
    seen = {record["event"] for record in stderr}
    assert {"worker_started", "worker_ready", "request_failed", "worker_draining"} <= seen
    assert {record["worker_id"] for record in stderr if record["event"] == "worker_ended"} == {0, 1}


def test_one_request_is_not_plural(tmp_path: Path) -> None:
    config = {"lifecycle_logging": True, "access_log": False, "log_format": "text"}
    with (tmp_path / "log").open("wb") as file, serving("hello", config=config, stdout=file) as one:
        httpx.get(one.url)
        assert one.end() == 0
    assert " connection 1 closed after 1 request, " in (tmp_path / "log").read_text()


@pytest.mark.parametrize("form", ["json", "text"])
def test_connections_are_told_of_when_asked(form: str, tmp_path: Path) -> None:
    config = {"lifecycle_logging": True, "access_log": False, "log_format": form}
    with (tmp_path / "log").open("wb") as file, serving("hello", config=config, stdout=file) as one:
        with httpx.Client() as client:
            for _ in range(3):
                client.get(one.url)
        assert one.end() == 0
    lines = (tmp_path / "log").read_text().splitlines()
    if form == "text":
        assert " connection 1 opened" in lines[0]
        assert " connection 1 closed after 3 requests, " in lines[1]
        return
    opened, closed = map(json.loads, lines)
    assert (opened["event"], opened["connection"], opened["tls"]) == ("connection_opened", 1, False)
    assert opened["peer"] == closed["peer"]
    assert (closed["event"], closed["requests"], closed["http_version"]) == (
        "connection_closed",
        3,
        "1.1",
    )
    assert closed["duration_ms"] >= 0


@pytest.mark.parametrize(
    ("config", "paths"),
    [
        ({}, [("/0.6", None), ("/streamed/0.6", None)]),
        ({"log_slow_requests_threshold": 0.5}, [("/0.6", True), ("/streamed/0.6", None)]),
        ({"log_slow_requests_threshold": 0.5, "log_level": "warning"}, [("/0.6", True)]),
        ({"log_slow_requests_threshold": 0.5, "log_level": "error"}, []),
        ({"log_slow_requests_threshold": 0.5, "access_log": False}, []),
    ],
)
@pytest.mark.parametrize("blocking", ["", "block"])
def test_slow_requests_are_marked(
    config: dict[str, Any], paths: list[tuple[str, bool | None]], blocking: str, tmp_path: Path
) -> None:
    with (
        (tmp_path / "log").open("wb") as file,
        serving("waiting", config=config, stdout=file) as worker,
    ):
        with httpx.Client(headers={"x-how": blocking}) as client:
            for path in ("/0.6", "/streamed/0.6"):
                assert client.get(worker.url + path).text == "waited"
        assert worker.end() == 0
    found = records((tmp_path / "log").read_text())
    assert [(record["path"], record.get("slow")) for record in found] == paths
    for record in found:
        assert record["level"] == ("warning" if record.get("slow") else "info")


def test_a_log_that_nobody_reads_holds_nobody_up(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    received = bytearray()

    def whole() -> bool:
        with contextlib.suppress(BlockingIOError):
            received.extend(os.read(reader, 1 << 20))
        return received.count(b"\n") == asked

    with serve(tmp_path, "--port", "0", stdout=writer) as server:
        server.started()
        asked = 0
        # Twice of what the pipe takes; a line has more than 150 bytes.
        while asked * 150 < 2 * fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ):
            assert server.get() == "first"
            asked += 1
        # Read on again, it has every line.
        wait_for(whole)
        assert [record["status"] for record in records(received.decode())] == [200] * asked
        server.stop()
    os.close(writer)
    os.close(reader)


def test_records_that_nobody_reads_hold_nobody_up(tmp_path: Path) -> None:
    failing = "async def app(scope, receive, send):\n    raise ValueError('x' * 9000)\n"
    (tmp_path / "served.py").write_text(failing, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        reader, writer = os.pipe()
        command = [str(BIN / "pounce"), "served:app", "--fd", str(listener.fileno())]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            stderr=writer,
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
        )
        os.close(writer)
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            with httpx.Client(timeout=LIMIT) as client:
                size = fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ)
                for _ in range(2 * size // 9000):
                    assert client.get(url).status_code == 500
                # Read on again, the log tells what it lost; the last record before may be cut.
                os.set_blocking(reader, False)
                assert len(os.read(reader, 2 * size)) > size // 2
                received = bytearray()

                def told(records: int) -> bool:
                    with contextlib.suppress(BlockingIOError):
                        received.extend(os.read(reader, 1 << 20))
                    return received.count(b'"event"') == records and received.endswith(b"\n")

                for records in (2, 3):
                    assert client.get(url).status_code == 500
                    wait_for(functools.partial(told, records))
                events = [json.loads(line)["event"] for line in received.strip().splitlines()]
                assert events == ["request_failed", "log_lost", "request_failed"]
            # The supervisor, too, has something to say.
            process.send_signal(signal.SIGUSR1)
            process.terminate()
            assert process.wait(LIMIT) == 0
        finally:
            process.kill()
            process.wait()
            os.close(reader)


def test_who_is_started_without_output_has_the_null_device(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(APP, encoding="utf-8")
    command = 'exec "$0" "$@" <&- >&-'
    words = [str(BIN / "pounce"), "served:app", "--port", "0", "--log-format", "json"]
    with Server(tmp_path, "sh", "-c", command, *words) as server:
        server.started()
        assert server.get("/descriptors").count("/dev/null") >= 2
        server.signal(signal.SIGTERM)
        code, rest = server.end()
        assert code == 0
        assert "crashed" not in rest
