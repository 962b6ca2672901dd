"""Servers on a terminal, and as the first process of a container."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from launching import APP, BIN, Server, lives, wait_for

IN_A_SESSION = """
import os, sys
os.setsid()
os.open(sys.argv[1], os.O_RDWR)  # becomes the terminal of the session
os.execvp(sys.argv[2], sys.argv[2:])
"""
COMMAND = [str(BIN / "pounce"), "served:app", "--log-format", "json", "--port", "0"]


class Terminal:
    """A terminal that the test can close."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        self.name = os.ttyname(slave)
        os.close(slave)

    def close(self) -> None:
        """Close it, as its window does."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1


@contextlib.contextmanager
def terminal() -> Iterator[Terminal]:
    """A fresh terminal."""
    opened = Terminal()
    try:
        yield opened
    finally:
        opened.close()


def start(folder: Path, on: Terminal, *words: str) -> Server:
    """A program that leads the session of a terminal."""
    (folder / "served.py").write_text(APP, encoding="utf-8")
    return Server(folder, sys.executable, "-c", IN_A_SESSION, on.name, *words)


def test_a_server_ends_with_its_terminal(tmp_path: Path) -> None:
    with terminal() as opened, start(tmp_path, opened, *COMMAND) as server:
        server.started()
        # As long as the terminal is there, SIGHUP is a reload.
        server.signal(signal.SIGHUP)
        server.event("reloaded")
        opened.close()
        server.event("stopping")
        assert server.end()[0] == 0


def test_a_server_ends_with_the_terminal_of_its_shell(tmp_path: Path) -> None:
    # The shell waits for it, and is what the terminal's end reaches first.
    shell = ["sh", "-c", '"$@"; exit', "sh", *COMMAND]
    with terminal() as opened, start(tmp_path, opened, *shell) as server:
        pid = server.started()["pid"]
        assert pid != server.process.pid
        opened.close()
        server.event("stopping")
        wait_for(lambda: not lives(pid))


def test_a_server_started_by_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    with terminal() as opened, start(tmp_path, opened, "nohup", *COMMAND) as server:
        server.started()
        opened.close()
        # The signal of the closing terminal, or ours: both are no more than a reload.
        server.signal(signal.SIGHUP)
        server.event("reloaded")
        assert server.get() == "first"
        server.stop()


def test_a_server_in_the_background_outlives_its_terminal(tmp_path: Path) -> None:
    background = ["sh", "-c", 'trap "" HUP; "$@"', "sh", "setsid", *COMMAND]
    with terminal() as opened, start(tmp_path, opened, *background) as server:
        pid = server.started()["pid"]
        opened.close()
        os.kill(pid, signal.SIGHUP)
        server.event("reloaded")
        assert server.get() == "first"
        os.kill(pid, signal.SIGTERM)
        assert server.end()[0] == 0


PROGRAM = """
import pounce
from served import app

pounce.run(app, port=0, workers=1, log_format="json", access_log=False)
"""


def test_a_program_that_serves_by_itself_ends_with_its_terminal(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    with terminal() as opened, start(tmp_path, opened, sys.executable, "program.py") as server:
        assert server.started()["workers"] == [server.process.pid]
        assert server.get() == "first"
        opened.close()
        code, said = server.end()
        assert code == 0, said
    assert (tmp_path / "shutdowns").exists()


def test_a_program_started_by_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    words = ["nohup", sys.executable, "program.py"]
    with terminal() as opened, start(tmp_path, opened, *words) as server:
        server.started()
        opened.close()
        server.signal(signal.SIGHUP)
        assert server.get() == "first"
        server.stop()


ORPHANS = """
import os
import subprocess

from served import app as rest


async def app(scope, receive, send):
    if scope["type"] != "http" or scope["path"] not in ("/orphan", "/processes"):
        return await rest(scope, receive, send)
    if scope["path"] == "/orphan":
        # Its parent ends at once: whoever is the first process inherits it.
        body = subprocess.run(["sh", "-c", "sleep 0.1 >/dev/null & echo $!"], stdout=-1).stdout
    else:
        body = " ".join(pid for pid in os.listdir("/proc") if pid.isdigit()).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""


def test_the_first_process_of_a_container_obeys_signals_and_reaps(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(APP, encoding="utf-8")
    (tmp_path / "orphans.py").write_text(ORPHANS, encoding="utf-8")
    command = [word.replace("served:app", "orphans:app") for word in COMMAND]
    contained = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *command]
    with Server(tmp_path, *contained, "--workers", "2") as server:
        assert server.started()["pid"] == 1
        orphan = server.get("/orphan").strip()
        wait_for(lambda: orphan not in server.get("/processes").split())
        (pid,) = children(server.process.pid)
        os.kill(pid, signal.SIGUSR1)
        server.event("reloaded")
        os.kill(pid, signal.SIGTERM)
        code, rest = server.end()
        assert code == 0, rest


def children(pid: int) -> list[int]:
    """Process ids of a process's children."""
    listing = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listing.split()]
