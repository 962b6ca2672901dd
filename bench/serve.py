"""Measure one worker against uvicorn and granian: requests per second, latency, CPU per request.

Every server runs the same applications on the same interpreter, in interleaved rounds, pinned to
one core; the load generator (``wrk``) has another. What decides is CPU microseconds per request, as
both share the machine with whatever else runs there.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
PATIENCE = 20.0
TICKS = os.sysconf("SC_CLK_TCK")


class Round(NamedTuple):
    """What one run of the load generator has shown."""

    rate: float
    cpu: float
    p50: float
    p99: float


SERVERS = (
    "pounce",
    "pounce, access log",
    "granian",
    "granian, access log",
    "uvicorn",
    "uvicorn, access log",
)


def command(server: str, app: str, port: int, descriptor: int) -> list[str]:
    """The command line of a server."""
    name, _, log = server.partition(", ")
    python = sys.executable
    if name == "pounce":
        document = {
            "protocol": 1,
            "target": f"serve_apps:{app}",
            "app_dir": str(HERE),
            "listeners": [descriptor],
            "config": {"access_log": bool(log)},
        }
        return [python, "-m", "pounce_rs.worker", "--settings", json.dumps(document)]
    if name == "granian":
        options = ["--interface", "asgi", "--loop", "uvloop", "--no-ws", "--http", "1"]
        options += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        options += ["--access-log"] if log else []
        return [python, "-m", "granian", *options, f"serve_apps:{app}"]
    options = ["--loop", "uvloop", "--http", "httptools", "--port", str(port)]
    options += [] if log else ["--no-access-log"]
    return [python, "-m", "uvicorn", *options, f"serve_apps:{app}"]


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(below for child in children for below in tree(int(child)))]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all below it."""
    total = 0
    for process in tree(pid):
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        fields = stat.rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


@contextlib.contextmanager
def running(server: str, app: str, core: int) -> Iterator[tuple[int, int]]:
    """A server that answers, as (pid, port)."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    if server.startswith("pounce"):
        listener.listen(1024)
    else:
        listener.close()
    descriptors = () if listener.fileno() < 0 else (listener.fileno(),)
    process = subprocess.Popen(
        ["taskset", "-c", str(core), *command(server, app, port, *descriptors or (-1,))],
        pass_fds=descriptors,
        cwd=HERE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        answers(port)
        yield process.pid, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        listener.close()


def answers(port: int) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), 5) as probe,
        ):
            probe.sendall(b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
            if probe.recv(12).endswith(b"200"):
                return
        if time.monotonic() > deadline:
            raise SystemExit(f"no answer on port {port}")
        time.sleep(0.05)


def measure(pid: int, port: int, connections: int, seconds: float, core: int) -> Round:
    """One run of the load generator."""
    load = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", "--latency"]
    url = f"http://127.0.0.1:{port}/"
    subprocess.run([*load, "-d1s", url], check=True, capture_output=True)
    before = cpu_seconds(pid)
    done = subprocess.run(
        [*load, f"-d{seconds:g}s", url], check=True, capture_output=True, text=True
    )
    used = cpu_seconds(pid) - before
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise SystemExit(done.stdout)
    requests = int(found(r"(\d+) requests in", done.stdout))
    rate = float(found(r"Requests/sec:\s+([\d.]+)", done.stdout))
    microseconds = [latency(found(rf"\n\s+{share}%\s+(\S+)", done.stdout)) for share in (50, 99)]
    return Round(rate, used / requests * 1e6, *microseconds)


def found(pattern: str, text: str) -> str:
    """The group of a pattern that must be there."""
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"wrk says no {pattern!r}:\n{text}")
    return match[1]


def latency(text: str) -> float:
    """Microseconds of wrk's time."""
    match = re.fullmatch(r"([\d.]+)(us|ms|s)", text)
    if match is None:
        raise SystemExit(f"{text!r} is no time")
    return float(match[1]) * {"us": 1, "ms": 1e3, "s": 1e6}[match[2]]


def table(app: str, connections: int, rounds: dict[str, list[Round]]) -> list[str]:
    """The medians of one workload."""
    lines = [
        f"## {app}, {connections} connections",
        "",
        "| server | requests/s | CPU us/request | p50 us | p99 us | CPU, times granian |",
        "|---|---|---|---|---|---|",
    ]
    base = statistics.median(one.cpu for one in rounds["granian"])
    for server, seen in rounds.items():
        middle = Round(*(statistics.median(column) for column in zip(*seen, strict=True)))
        figures = f"{middle.rate:.0f} | {middle.cpu:.1f} | {middle.p50:.0f} | {middle.p99:.0f}"
        lines.append(f"| {server} | {figures} | {middle.cpu / base:.2f} |")
    return [*lines, ""]


def main() -> None:
    """Run everything and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--apps", nargs="+", default=["hello", "json_1k"])
    parser.add_argument("--connections", nargs="+", type=int, default=[1, 64])
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--write", type=Path, help="where the report goes; else it is printed")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    versions = [f"{name} {version(name)}" for name in ("granian", "uvicorn", "httptools", "uvloop")]
    report = [
        "# One worker: pounce, granian, uvicorn",
        "",
        f"CPython {platform.python_version()}, {', '.join(versions)}; medians of {given.rounds} "
        f"interleaved rounds of {given.seconds:g} s, wrk with one thread on a core of its own. "
        f"Written by `{' '.join(['bench/serve.py', *sys.argv[1:]])}`.",
        "",
    ]
    for app in given.apps:
        for connections in given.connections:
            rounds: dict[str, list[Round]] = {server: [] for server in given.servers}
            for _ in range(given.rounds):
                for server, seen in rounds.items():
                    with running(server, app, 0) as (pid, port):
                        seen.append(measure(pid, port, connections, given.seconds, 1))
            report += table(app, connections, rounds)
            print("\n".join(report[-len(rounds) - 5 :]), flush=True)
    if given.write:
        given.write.write_text("\n".join(report), encoding="utf-8")


if __name__ == "__main__":
    main()
