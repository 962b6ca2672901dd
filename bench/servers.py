"""The servers that bench/serve.py compares: how each is started, asked and accounted for."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
PATIENCE = 20.0
TICKS = os.sysconf("SC_CLK_TCK")
NAMES = ("pounce", "granian", "uvicorn", "hypercorn", "bare hyper")
LOGS = ("off", "on", "shipped")
"""No server writes an access log; all do, to the same place; each as it comes."""
BARE = Path(os.environ.get("BENCH_BARE_HYPER", HERE / "../target/release/hello_server"))


class Account(NamedTuple):
    """What a server has used so far."""

    cpu: float
    """Seconds of user and system time."""
    memory: int
    """Resident bytes at their highest, all processes together."""


def can(server: str, app: str, http2: bool) -> bool:
    """Whether a server takes part in a workload."""
    if server == "bare hyper":
        return app == "hello" and not http2
    # uvicorn does not speak HTTP/2; hypercorn leaves streams of this load without an answer.
    return not (http2 and server in ("uvicorn", "hypercorn"))


def command(server: str, app: str, port: int, log: str, http2: bool) -> list[str]:
    """The command line of a server with one worker."""
    target = f"serve_apps:{app}"
    python = sys.executable
    if server == "bare hyper":
        return [str(BARE), "bare", str(port)]
    if server == "pounce":
        options = ["--app", target, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        options += {"off": ["--no-access-log"], "on": [], "shipped": []}[log]
        return [python, "-m", "pounce", "serve", *options]
    if server == "granian":
        options = ["--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
        options += ["--loop", "uvloop", "--workers", "1", "--http", "2" if http2 else "1"]
        options += [] if "websocket" in app else ["--no-ws"]
        options += ["--access-log"] if log == "on" else []
        return [python, "-m", "granian", *options, target]
    if server == "uvicorn":
        options = ["--host", "127.0.0.1", "--port", str(port)]
        options += ["--loop", "uvloop", "--http", "httptools", "--ws", "websockets"]
        options += ["--no-access-log"] if log == "off" else []
        return [python, "-m", "uvicorn", *options, target]
    options = ["--bind", f"127.0.0.1:{port}", "--workers", "1", "--worker-class", "uvloop"]
    options += ["--access-logfile", "-"] if log == "on" else []
    return [python, "-m", "hypercorn", *options, target]


def versions() -> str:
    """What is compared, with versions."""
    found = []
    for name in (
        "pounce-rs",
        "granian",
        "uvicorn",
        "httptools",
        "websockets",
        "hypercorn",
        "uvloop",
    ):
        with contextlib.suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return ", ".join(found)


def _tree(pid: int) -> list[int]:
    """A process and all below it."""
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        children += map(int, (task / "children").read_text(encoding="ascii").split())
    return [pid, *(below for child in children for below in _tree(child))]


def account(pid: int) -> Account:
    """What a process and all below it have used."""
    ticks = memory = 0
    for process in _tree(pid):
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        fields = stat.rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace")
        highest = status.partition("VmHWM:")[2].split(maxsplit=1)
        memory += int(highest[0]) * 1024 if highest else 0
    return Account(ticks / TICKS, memory)


@contextlib.contextmanager
def running(server: str, app: str, log: str, http2: bool, core: int) -> Iterator[tuple[int, int]]:
    """A server that answers, on one core, as (pid, port)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    process = subprocess.Popen(
        ["taskset", "-c", str(core), *command(server, app, port, log, http2)],
        cwd=HERE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await_answer(process, port, http2)
        yield process.pid, port
    finally:
        tree = _tree(process.pid) if process.poll() is None else []
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            # Its workers would outlive it.
            for member in tree:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member, signal.SIGKILL)
            process.wait()


def _await_answer(process: subprocess.Popen[bytes], port: int, http2: bool) -> None:
    """Wait until a server answers; a server for HTTP/2 alone, until it takes connections."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), 5) as probe,
        ):
            if http2:
                return
            probe.sendall(b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
            if b"200" in probe.recv(15):
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"no answer on port {port}: {process.args!r}")
        time.sleep(0.05)
