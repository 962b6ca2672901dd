"""The worker's life: start, lifespan, drain, signals, its supervisor."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import read_all, read_until, serving, starting


def test_lifespan_state_is_copied_for_each_request_and_the_end_is_told() -> None:
    with serving("with_lifespan") as worker:
        with httpx.Client(base_url=worker.url) as client:
            client.get("/1")
            assert (
                client.get("/2").text == "{'shared': ['/1', '/2'], 'seen': 'only by this request'}"
            )
        assert worker.end() == 0
        assert b"the app has shut down" in worker.output
        worker.until(b"D")


@pytest.mark.parametrize(
    ("fault", "mode", "config", "said"),
    [
        ("fails", "auto", {}, "no database"),
        ("fails", "on", {}, "no database"),
        ("raises", "on", {}, "LookupError: no table"),
        ("hangs", "auto", {"startup_timeout": 0.2}, "startup_timeout (0.2 s)"),
    ],
)
def test_a_failed_start_is_told_and_ends_the_worker(
    fault: str, mode: str, config: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIFESPAN", fault)
    with starting("with_lifespan", lifespan=mode, config=config) as worker:
        assert worker.wait() == 3
        worker.until(b"never")
        assert worker.news.startswith(b"F")
        assert said in worker.news.decode()
        assert said in worker.log[-1]["message"]


def test_a_start_that_fails_with_a_traceback_is_told_in_one_line() -> None:
    environment = {"LIFESPAN": "fails as frameworks do"}
    with starting("with_lifespan", environment=environment) as worker:
        assert worker.wait() == 3
        worker.until(b"never")
        reason = "the app's lifespan startup failed: LookupError: no table"
        assert worker.news == f"F{reason}\n".encode()
        [line] = worker.output.decode().splitlines()
        told = json.loads(line)
        assert (told["event"], told["message"]) == ("worker_not_started", reason)
        assert told["exception"].startswith("Traceback")


def test_who_is_told_to_end_while_it_starts_is_shut_down() -> None:
    with starting("with_lifespan", environment={"LIFESPAN": "told to end"}) as worker:
        assert worker.wait() == 1
        assert worker.output == b"the app has shut down\n"


def test_code_that_fails_is_told_with_its_own_frames(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import deeper\n", encoding="utf-8")
    (tmp_path / "deeper.py").write_text("1 / 0\n", encoding="utf-8")
    with starting("broken:app", app_dir=str(tmp_path)) as worker:
        assert worker.wait() == 3
        [line] = worker.output.decode().splitlines()
        told = json.loads(line)
        assert told["message"] == "broken:app: ZeroDivisionError: division by zero"
        for file in ("broken.py", "deeper.py"):
            assert f'{file}", line 1, in <module>' in told["exception"]
        assert told["exception"].count("File ") == 2
    with starting("missing_module:app") as worker:
        assert worker.wait() == 3
        [line] = worker.output.decode().splitlines()
        assert "exception" not in json.loads(line)


def test_an_application_without_lifespan_is_served_unless_it_must_have_one() -> None:
    for mode in ("auto", "off"):
        with serving("hello", lifespan=mode) as worker:
            assert httpx.get(worker.url).text == "Hello"
            assert worker.end() == 0
            assert worker.log == []
    with starting("hello", lifespan="on") as worker:
        assert worker.wait() == 3
    with serving("with_lifespan", environment={"LIFESPAN": "raises"}) as worker:
        assert worker.end() == 0
        assert "served without" in worker.log[0]["message"]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("served:helo", "no attribute 'helo'; did you mean served:hello"),
        ("served:not_an_app", "an int"),
        ("missing_module:app", "missing_module"),
        ("nonsense", "module:attribute"),
    ],
)
def test_a_target_that_cannot_be_served_is_told(target: str, said: str) -> None:
    with starting(target if ":" in target else f"{target}:") as worker:
        assert worker.wait() == 3
        worker.until(b"never")
        assert said.split(";", maxsplit=1)[0] in worker.news.decode()


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "no JSON"),
        ("[]", "no JSON object"),
        ('{"protocol": 99}', "protocol 99"),
        ('{"protocol": 1, "target": "a:b"}', "listeners"),
        ('{"protocol": 1, "target": "a:b", "listeners": [99]}', "descriptor 99"),
        ('{"protocol": 1, "target": "a:b", "listeners": [0]}', "no socket"),
        ('{"protocol": 1, "target": "a:b", "listeners": [], "config": {"porrt": 1}}', "porrt"),
        (
            '{"protocol": 1, "target": "a:b", "listeners": [], "lifespan": "x"}',
            "lifespan is one of",
        ),
    ],
)
def test_settings_that_cannot_be_followed_are_told(document: str, said: str) -> None:
    command = [sys.executable, "-m", "pounce_rs.worker", "--settings", document]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_are_read_from_a_descriptor() -> None:
    reading, writing = os.pipe()
    os.write(writing, json.dumps({"protocol": 2}).encode())
    os.close(writing)
    command = [sys.executable, "-m", "pounce_rs.worker", "--settings-fd", str(reading)]
    done = subprocess.run(command, pass_fds=[reading], capture_output=True, text=True, check=False)
    os.close(reading)
    assert (done.returncode, "protocol 2" in done.stderr) == (4, True)


def test_a_drain_finishes_what_is_in_flight() -> None:
    with serving("slow") as worker, worker.connect() as connection:
        connection.sendall(b"GET /0.5 HTTP/1.1\r\nHost: a\r\n\r\n")
        received = read_until(connection, b"begun")
        worker.process.send_signal(signal.SIGTERM)
        assert b"ended" in received + read_all(connection)
        assert worker.wait() == 0
        assert worker.log == []


def test_a_drain_has_an_end() -> None:
    with (
        serving("slow", config={"shutdown_timeout": 0.3}) as worker,
        worker.connect() as connection,
    ):
        connection.sendall(b"GET /60 HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(4096)
        assert worker.end() == 1
        assert "1 requests are cut off" in worker.log[0]["message"]
        assert worker.log[1]["event"] == "request_failed"
        assert worker.log[1]["message"] == "cut off by the end of shutdown_timeout"
        assert worker.log[1]["path"] == "/60"
        assert b"Traceback" not in worker.output
        assert b"ended" not in read_all(connection)


def test_a_second_signal_forces_the_end_unless_there_is_a_supervisor() -> None:
    with serving("slow", lifeline_fd=None) as worker, worker.connect() as connection:
        connection.sendall(b"GET /60 HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(4096)
        worker.process.send_signal(signal.SIGTERM)
        worker.until(b"D")
        assert worker.end(signal.SIGINT) == 1


def test_a_supervised_worker_is_not_forced_by_signals() -> None:
    with serving("slow") as worker, worker.connect() as connection:
        connection.sendall(b"GET /0.5 HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(4096)
        worker.process.send_signal(signal.SIGTERM)
        worker.until(b"D")
        assert worker.end(signal.SIGINT) == 0
        assert b"ended" in read_all(connection)


def test_a_worker_retires_within_reload_timeout() -> None:
    config = {"shutdown_timeout": 0.1, "reload_timeout": 20}
    with serving("slow", config=config) as worker, worker.connect() as connection:
        connection.sendall(b"GET /0.5 HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(4096)
        assert worker.end(signal.SIGUSR2) == 0
        assert b"ended" in read_all(connection)
    with serving("slow", config=config) as worker, worker.connect() as connection:
        connection.sendall(b"GET /60 HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(4096)
        worker.process.send_signal(signal.SIGUSR2)
        worker.until(b"D")
        assert worker.end() == 1


def test_the_access_log_names_the_request_and_can_be_off(tmp_path: Path) -> None:
    for config, lines in (({}, 1), ({"access_log": False}, 0), ({"log_level": "warning"}, 0)):
        with (
            (tmp_path / "access").open("wb") as file,
            serving("hello", config=config, stdout=file) as worker,
        ):
            answer = httpx.get(f"{worker.url}/shop?secret=1")
            assert worker.end() == 0
        records = [json.loads(line) for line in (tmp_path / "access").read_text().splitlines()]
        assert len(records) == lines
        for record in records:
            assert record["path"] == "/shop"
            assert record["status"] == 200
            assert answer.headers["x-request-id"] in record.values()


def test_a_client_behind_a_trusted_proxy_is_known() -> None:
    headers = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    # A name stands for all its addresses; one that cannot be resolved is told, and hurts no other.
    for trusted in (["127.0.0.1"], ["localhost"], ["proxy.invalid", "localhost"]):
        with serving("show_scope", config={"trusted_hosts": trusted}) as worker:
            scope = ast.literal_eval(httpx.get(worker.url, headers=headers).text)
            assert worker.end() == 0
            told = [entry["message"] for entry in worker.log]
        assert (scope["client"][0], scope["scheme"]) == ("203.0.113.7", "https")
        unresolved = "proxy.invalid in trusted_hosts cannot be resolved, its peers are not trusted"
        assert [message.startswith(unresolved) for message in told] == [True] * (len(trusted) - 1)
    with serving("show_scope") as worker:
        scope = ast.literal_eval(httpx.get(worker.url, headers=headers).text)
    assert (scope["client"][0], scope["scheme"]) == ("127.0.0.1", "http")
    assert b"x-forwarded-for" not in dict(scope["headers"])


def test_signals_of_the_supervisor_do_not_kill_a_worker() -> None:
    with serving("hello") as worker:
        for number in (signal.SIGHUP, signal.SIGUSR1):
            worker.process.send_signal(number)
        assert httpx.get(worker.url).text == "Hello"
        assert worker.end() == 0


def test_a_worker_ends_with_its_supervisor() -> None:
    with serving("hello") as worker:
        os.close(worker.lifeline)
        assert worker.wait() == 0
        assert "supervisor is gone" in worker.log[0]["message"]


def test_a_worker_gives_signs_of_life() -> None:
    with serving("hello") as worker:
        worker.until(b"..")
