"""The log: one set of keys everywhere, slow requests, the life of workers and connections."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest
from launching import serve
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
