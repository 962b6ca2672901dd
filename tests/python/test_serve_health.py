"""Health: while the app starts, while it serves, and at the end; with drain_delay and reloads."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import httpx
from launching import APP, LIMIT, serve, wait_for
from serving import read_all, serving, starting

PROBE = {"health_check_path": "/health"}
GATE = """
import pathlib, time
def wait(name):
    pathlib.Path(name).touch()
    while not pathlib.Path(name + " may go on").exists():
        time.sleep(0.01)
"""
BLOCKING = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        wait("lifespan")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def probe(port: int) -> tuple[int, dict[str, Any]]:
    """Status and body of a probe over a connection of its own."""
    answer = httpx.get(f"http://127.0.0.1:{port}/health", timeout=LIMIT)
    body: dict[str, Any] = answer.json()
    return answer.status_code, body


def test_a_ready_worker_says_so_and_keeps_it_out_of_the_log(tmp_path: Path) -> None:
    with (tmp_path / "access").open("wb") as file:
        config = {**PROBE, "root_path": "/shop"}
        with serving("hello", config=config, worker_id=3, stdout=file) as worker:
            status, body = probe(worker.port)
            assert (status, body["status"], body["worker_id"]) == (200, "ok", 3)
            assert body["active_connections"] == 1
            assert body["uptime_seconds"] >= 0
            head = httpx.head(f"{worker.url}/health")
            assert (head.status_code, head.content) == (200, b"")
            # What the app is mounted under plays no part: this is the app's.
            assert httpx.get(f"{worker.url}/shop/health").text == "Hello"
            assert httpx.post(f"{worker.url}/health").text == "Hello"
            assert worker.end() == 0
    lines = [json.loads(line) for line in (tmp_path / "access").read_text().splitlines()]
    assert [(line["method"], line["path"]) for line in lines] == [
        ("GET", "/shop/health"),
        ("POST", "/health"),
    ]


def test_health_is_told_while_the_app_is_imported_and_while_its_lifespan_blocks(
    tmp_path: Path,
) -> None:
    (tmp_path / "served.py").write_text(GATE + "wait('import')\n" + BLOCKING, encoding="utf-8")
    port = free_port()
    words = ["--port", str(port), "--health-check-path", "/health", "--workers", "2"]
    with serve(tmp_path, *words) as server:
        answers: list[str] = []
        clients = []
        for stage in ("import", "lifespan"):
            wait_for((tmp_path / stage).exists)
            # Both workers start: whichever a probe comes to answers it.
            for _ in range(8):
                status, body = probe(port)
                assert (status, body["status"]) == (503, "starting")
                assert body["worker_id"] in (0, 1)
            for number in range(4):
                client = threading.Thread(target=_ask, args=(port, f"/{stage}{number}", answers))
                client.start()
                clients.append(client)
            (tmp_path / f"{stage} may go on").touch()
        server.started()
        for client in clients:
            client.join(LIMIT)
        assert sorted(answers) == sorted(
            f"/{stage}{number}" for stage in ("import", "lifespan") for number in range(4)
        )
        assert probe(port)[0] == 200
        server.stop()


def _ask(port: int, path: str, answers: list[str]) -> None:
    answers.append(httpx.get(f"http://127.0.0.1:{port}{path}", timeout=LIMIT).text)


def test_who_waits_for_an_app_that_does_not_start_is_let_go() -> None:
    with starting("with_lifespan", config={**PROBE, "startup_timeout": 1}) as worker:
        worker.until(b"S")
        with worker.connect() as waiting:
            waiting.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            worker.until(b"R")
            assert worker.end() == 0
            assert b"200" in read_all(waiting)
    environment = {"LIFESPAN": "hangs"}
    with starting("with_lifespan", environment, config={**PROBE, "startup_timeout": 1}) as worker:
        worker.until(b"S")
        with worker.connect() as waiting:
            waiting.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert worker.wait() == 3
            assert read_all(waiting) == b""


def test_a_worker_beside_others_takes_nothing_in_while_it_starts() -> None:
    environment = {"LIFESPAN": "hangs"}
    config = {**PROBE, "startup_timeout": 0.5}
    with starting("with_lifespan", environment, config=config, early=False) as worker:
        assert worker.wait() == 3
        worker.until(b"never")
        assert b"S" not in worker.news.partition(b"F")[0]


def test_draining_is_told_during_drain_delay_and_everything_is_served() -> None:
    # Time enough for these requests on a machine that is busy.
    config = {**PROBE, "drain_delay": 6.0}
    with serving("hello", config=config) as worker, httpx.Client() as kept:
        assert kept.get(f"{worker.url}/health").status_code == 200
        worker.process.send_signal(signal.SIGTERM)
        worker.until(b"D")
        status, body = probe(worker.port)
        assert (status, body["status"]) == (503, "draining")
        assert kept.get(f"{worker.url}/health").status_code == 503
        served = kept.get(worker.url)
        assert (served.text, served.headers.get("connection")) == ("Hello", None)
        assert httpx.get(worker.url).text == "Hello"
        assert worker.wait() == 0


def test_a_second_signal_cuts_the_delay_short() -> None:
    with serving("hello", config={"drain_delay": 3600}, lifeline_fd=None) as worker:
        worker.process.send_signal(signal.SIGTERM)
        worker.until(b"D")
        assert worker.end() == 1


def test_the_supervisor_waits_for_the_delay_and_a_second_signal_forces(tmp_path: Path) -> None:
    (tmp_path / "pounce.toml").write_text(
        'health_check_path = "/health"\ndrain_delay = 8\nshutdown_timeout = 0.1\n'
    )
    words = ["--port", "0", "--workers", "2", "--config", "pounce.toml"]
    with serve(tmp_path, *words) as server:
        server.started()
        server.signal(signal.SIGTERM)
        server.event("stopping")
        port = int(server.up["addresses"][0].rpartition(":")[2])
        wait_for(lambda: probe(port)[1]["status"] == "draining")
        assert server.get() == "first"
        # shutdown_timeout and its grace together are shorter than the delay.
        code, rest = server.end()
        assert (code, "worker_killed" in rest) == (0, False), rest
    (tmp_path / "pounce.toml").write_text("drain_delay = 3600\n")
    with serve(tmp_path, *words) as server:
        server.started()
        server.signal(signal.SIGTERM)
        server.event("stopping")
        assert server.force() != 0


def test_a_unix_socket_is_to_be_found_during_the_delay(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    (tmp_path / "pounce.toml").write_text('health_check_path = "/health"\ndrain_delay = 6\n')
    with serve(tmp_path, "--uds", str(path), "--config", "pounce.toml") as server:
        server.started()
        server.signal(signal.SIGTERM)
        server.event("stopping")
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), timeout=LIMIT) as client:
            wait_for(lambda: client.get("http://a/health").json()["status"] == "draining")
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), timeout=LIMIT) as client:
            assert client.get("http://a/").text == "first"
        assert server.end()[0] == 0
        assert not path.exists()


def test_a_launch_that_fails_knows_no_delay(tmp_path: Path) -> None:
    # Of two workers one comes up, one does not.
    broken = "import os\ntry:\n    os.mkdir('first')\nexcept FileExistsError:\n    raise\n"
    (tmp_path / "served.py").write_text(broken + APP, encoding="utf-8")
    (tmp_path / "pounce.toml").write_text("drain_delay = 3600\nshutdown_timeout = 3600\n")
    words = ["--port", "0", "--workers", "2", "--config", "pounce.toml"]
    with serve(tmp_path, *words) as server:
        code, said = server.end()
    assert code != 0
    assert "FileExistsError" in said


def test_a_reload_is_no_drain(tmp_path: Path) -> None:
    words = ["--port", "0", "--workers", "1", "--health-check-path", "/health"]
    with serve(tmp_path, *words) as server:
        server.started()
        port = int(server.up["addresses"][0].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as busy:
            busy.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_for((tmp_path / "slow").exists)
            busy.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            text = GATE + "wait('import')\n" + APP.replace("first", "second")
            (tmp_path / "served.py").write_text(text, encoding="utf-8")
            server.signal(signal.SIGUSR1)
            wait_for((tmp_path / "import").exists)
            # The old generation serves all the while; nobody waits for the new one.
            for _ in range(20):
                assert probe(port)[1]["status"] == "ok"
                assert server.get() == "first"
            (tmp_path / "import may go on").touch()
            server.event("reloaded")
            assert probe(port)[1]["status"] == "ok"
            (tmp_path / "go on").touch()
            answers = read_all(busy)
        assert b"first" in answers
        assert b"draining" not in answers
        assert b"connection: close" in answers
        server.stop()


def test_the_replacement_of_a_crashed_worker_says_that_it_starts(tmp_path: Path) -> None:
    words = ["--port", "0", "--workers", "1", "--health-check-path", "/health"]
    with serve(tmp_path, *words) as server:
        [pid] = server.started()["workers"]
        port = int(server.up["addresses"][0].rpartition(":")[2])
        text = GATE + "wait('import')\n" + APP.replace("first", "second")
        (tmp_path / "served.py").write_text(text, encoding="utf-8")
        os.kill(pid, signal.SIGKILL)
        wait_for((tmp_path / "import").exists)
        assert probe(port)[1]["status"] == "starting"
        (tmp_path / "import may go on").touch()
        assert server.get() == "second"
        assert probe(port)[1]["status"] == "ok"
        server.stop()


def test_workers_of_a_unix_socket_leave_it_to_those_who_serve(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    words = ["--uds", str(path), "--workers", "2", "--health-check-path", "/health"]
    with serve(tmp_path, *words) as server:
        pids = server.started()["workers"]
        text = GATE + "wait('import')\n" + APP.replace("first", "second")
        (tmp_path / "served.py").write_text(text, encoding="utf-8")
        os.kill(pids[1], signal.SIGKILL)
        wait_for((tmp_path / "import").exists)
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), timeout=LIMIT) as client:
            for _ in range(10):
                # A connection each: all of them come to the worker that serves.
                answer = client.get("http://a/", headers={"connection": "close"})
                assert answer.text == "first"
            assert client.get("http://a/health").json()["worker_id"] == 0
        (tmp_path / "import may go on").touch()
        server.stop()


def test_a_server_that_is_told_to_stop_while_it_starts_does_so_at_once(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(GATE + "wait('import')\n" + APP, encoding="utf-8")
    port = free_port()
    (tmp_path / "pounce.toml").write_text("shutdown_timeout = 3600\ndrain_delay = 3600\n")
    words = ["--port", str(port), "--health-check-path", "/health", "--config", "pounce.toml"]
    with serve(tmp_path, *words) as server:
        wait_for((tmp_path / "import").exists)
        assert probe(port)[1]["status"] == "starting"
        server.signal(signal.SIGTERM)
        code, _ = server.end()
        assert code == 0
