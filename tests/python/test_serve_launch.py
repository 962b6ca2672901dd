"""Launches: where a server listens, who may start it, and what stops it before it begins."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pounce
import pytest
from launching import APP, BIN, Server, lives, serve, wait_for


def get_unix(path: Path) -> bytes:
    """The body of a response over a Unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(path))
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        response = http.client.HTTPResponse(client)
        response.begin()
        return response.read()


def test_a_taken_port_is_told_with_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with serve(tmp_path, "--port", str(port), "--workers", "2") as server:
            code, said = server.end()
    assert code == 1
    assert f"port {port} is taken" in said
    assert f"pid {os.getpid()}" in said


def test_a_second_server_on_the_same_port_is_refused(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0", "--workers", "2") as first:
        port = first.started()["addresses"][0].rpartition(":")[2]
        with serve(tmp_path, "--port", port, "--workers", "2") as second:
            code, said = second.end()
        assert code == 1
        assert "taken" in said
        assert first.get() == "first"
        first.stop()


def test_every_mistake_of_the_configuration_stops_it(tmp_path: Path) -> None:
    (tmp_path / "pounce.toml").write_text("worker = 2\nport = 70000\n", encoding="utf-8")
    with serve(tmp_path) as server:
        code, said = server.end()
    assert code == 1
    assert "did you mean `workers`?" in said
    assert "an integer from 0 to 65535" in said


def test_a_setting_that_cannot_be_honoured_stops_it(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0", "--http3") as server:
        code, said = server.end()
    assert code == 1
    assert "this build cannot honour http3_enabled" in said


def test_the_app_may_stand_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "pounce.toml").write_text('app = "served:app"\nport = 0\n', encoding="utf-8")
    (tmp_path / "served.py").write_text(APP, encoding="utf-8")
    command = [sys.executable, "-m", "pounce", "serve", "--log-format", "json"]
    with Server(tmp_path, *command) as server:
        assert server.started()["app"] == "served:app"
        assert server.get() == "first"
        server.stop()


def test_without_an_app_there_is_nothing_to_serve(tmp_path: Path) -> None:
    with Server(tmp_path, str(BIN / "pounce"), "serve") as server:
        code, said = server.end()
    assert code == 2
    assert "no app is named" in said


def test_a_unix_socket_is_made_with_its_permissions_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with serve(tmp_path, "--uds", str(path), "--workers", "2") as server:
        server.started()
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert get_unix(path) == b"first"
        server.stop()
    assert not path.exists()


def test_a_live_unix_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with serve(tmp_path, "--uds", str(path)) as first:
        first.started()
        with serve(tmp_path, "--uds", str(path)) as second:
            code, said = second.end()
        assert code == 1
        assert "taken" in said
        assert get_unix(path) == b"first"
        first.stop()


@pytest.mark.parametrize("activated", [False, True])
def test_an_inherited_socket_is_served(tmp_path: Path, activated: bool) -> None:
    (tmp_path / "served.py").write_text(APP, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Descriptor 3 of a process that keeps its id, as a service manager has it.
        flags = [] if activated else ["--fd", "3"]
        script = (
            "import os, sys\n"
            f"os.dup2({listener.fileno()}, 3)\n"
            f"count = '{int(activated)}'\n"
            "os.environ.update(LISTEN_FDS=count, LISTEN_PID=str(os.getpid()))\n"
            f"os.execv({str(BIN / 'pounce')!r}, sys.argv[1:])\n"
        )
        words = ["pounce", "served:app", "--log-format", "json", "--workers", "2", *flags]
        command = [sys.executable, "-c", script, *words]
        with Server(tmp_path, *command, pass_fds=[listener.fileno()]) as server:
            up = server.started()
            assert up["addresses"] == [f"http://127.0.0.1:{listener.getsockname()[1]}"]
            assert server.get() == "first"
            server.stop()


def test_a_descriptor_that_does_not_listen_is_refused(tmp_path: Path) -> None:
    with serve(tmp_path, "--fd", "77") as server:
        code, said = server.end()
    assert code == 1
    assert "descriptor 77" in said


def test_the_pid_file_is_there_while_it_serves(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with serve(tmp_path, "--port", "0", "--pid-file", str(path)) as server:
        server.started()
        assert int(path.read_text(encoding="utf-8")) == server.process.pid
        server.stop()
    assert not path.exists()


PROGRAM = """
import os
import pounce
from served import app
workers = int(os.environ["WORKERS"])
pounce.run({app}, port=0, workers=workers, log_format="json", access_log=False)
print("behind")
"""


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("app", ["app", "'program:app'"])
def test_a_program_serves_its_app(tmp_path: Path, app: str, workers: int) -> None:
    (tmp_path / "served.py").write_text(APP, encoding="utf-8")
    (tmp_path / "program.py").write_text(PROGRAM.format(app=app), encoding="utf-8")
    command = [sys.executable, "program.py"]
    variables = {**os.environ, "WORKERS": str(workers)}
    with Server(tmp_path, *command, stdout=subprocess.PIPE, env=variables) as server:
        up = server.started()
        own = workers == 1 and app == "app"
        assert (up["workers"] == [server.process.pid]) == own
        assert int(server.get("/pid")) in up["workers"]
        assert server.get() == "first"
        server.signal(signal.SIGINT)
        output, _ = server.process.communicate(timeout=60)
        assert server.process.returncode == 0
        # A worker that imports the module of a target goes on behind its own run().
        imports = workers if app != "app" else 0
        assert output.count("behind") == 1 + imports
    assert not any(lives(pid) for pid in up["workers"])


BLOCKED = """
import asyncio
import pathlib
import threading
import pounce


async def app(scope, receive, send):
    assert scope["type"] == "http"
    pathlib.Path("asked").touch()
    await {waits}


pounce.run(app, port=0, workers={workers}, log_format="json", shutdown_timeout=0.2)
print("behind")
"""


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "waits", ["asyncio.Event().wait()", "asyncio.to_thread(threading.Event().wait)"]
)
def test_a_program_ends_in_its_time_whatever_blocks(
    tmp_path: Path, waits: str, workers: int
) -> None:
    text = BLOCKED.format(waits=waits, workers=workers)
    (tmp_path / "program.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "program.py"]
    with Server(tmp_path, *command, stdout=subprocess.PIPE) as server:
        up = server.started()
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_for((tmp_path / "asked").exists)
            server.signal(signal.SIGTERM)
            output, _ = server.process.communicate(timeout=60)
        assert server.process.returncode == 0
        # The program goes on, unless a thread keeps it.
        assert ("behind" in output) == (workers == 2 or "thread" not in waits)
    assert not any(lives(pid) for pid in up["workers"])


async def unserved(scope: object, receive: object, send: object) -> None:
    raise AssertionError("it is not served")


def test_a_live_app_needs_the_main_thread_without_a_loop() -> None:
    async def within() -> None:
        pounce.run(unserved, port=0)

    with pytest.raises(RuntimeError, match=r"unserved inside of a running event loop.*module:att"):
        asyncio.run(within())
    with (
        ThreadPoolExecutor(1, thread_name_prefix="mine") as executor,
        pytest.raises(RuntimeError, match=r"unserved in the thread mine_0.*module:att"),
    ):
        executor.submit(pounce.run, unserved, port=0).result(60)


@pytest.mark.parametrize("word", ["-", "/dev/stdin"])
def test_a_program_that_cannot_be_run_again_has_one_worker(tmp_path: Path, word: str) -> None:
    (tmp_path / "served.py").write_text(APP, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, word],
        input=PROGRAM.format(app="app"),
        cwd=tmp_path,
        env={**os.environ, "WORKERS": "2", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert "pounce.run cannot serve served.app in several workers" in said
    assert 'pounce.run("module:attribute")' in said


def test_a_program_on_the_command_line_is_run_again(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(APP, encoding="utf-8")
    command = [sys.executable, "-c", PROGRAM.format(app="app")]
    variables = {**os.environ, "WORKERS": "2"}
    with Server(tmp_path, *command, stdout=subprocess.DEVNULL, env=variables) as server:
        assert len(server.started()["workers"]) == 2
        assert server.get() == "first"
        server.stop()


def test_wrong_keywords_of_run_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="port"):
        pounce.run("served:app", port=70000)
    with pytest.raises(TypeError, match="not both"):
        pounce.run("served:app", config=pounce.ServerConfig(), port=1)
