"""Load generators for bench/serve.py, each in a process and on a core of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent


class Figures(NamedTuple):
    """What one run of a load generator has shown; times in microseconds."""

    requests: int
    duration: float
    p50: float
    p99: float
    p999: float


def run(kind: str, port: int, connections: int, seconds: float, core: int) -> Figures:
    """One run against a server on loopback.

    Args:
        kind: `get`, `post` (10 KB), `websocket`, or `http2` (streams of one connection).
        port: Where the server listens.
        connections: How many at once.
        seconds: How long.
        core: The processor that the generator may use.
    """
    pinned = ["taskset", "-c", str(core)]
    if kind == "websocket":
        script = str(HERE / "websocket_load.py")
        return _figures(
            [*pinned, sys.executable, script, str(port), str(connections), f"{seconds:g}"]
        )
    url = f"http://127.0.0.1:{port}/"
    if kind == "http2":
        return _h2load(pinned, url, connections, seconds)
    load = [
        *pinned,
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds:g}s",
        "-s",
        str(HERE / "wrk.lua"),
    ]
    return _figures([*load, url, "--", *(["10240"] if kind == "post" else [])])


def _figures(command: list[str]) -> Figures:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    line = next((line for line in done.stdout.splitlines() if line.startswith("figures ")), None)
    if line is None:
        raise SystemExit(f"{command!r} gave no figures:\n{done.stdout}{done.stderr}")
    requests, duration, p50, p99, p999, wrong = map(float, line.split()[1:])
    if wrong:
        raise SystemExit(f"{command!r}: {wrong:.0f} requests were not answered as they should be")
    return Figures(int(requests), duration, p50, p99, p999)


def _h2load(pinned: list[str], url: str, streams: int, seconds: float) -> Figures:
    with tempfile.NamedTemporaryFile("r", suffix=".tsv") as log:
        load = ["h2load", "-c1", f"-m{streams}", "-t1", f"-D{seconds:g}", f"--log-file={log.name}"]
        subprocess.run([*pinned, *load, url], check=True, capture_output=True)
        rows = [line.split("\t") for line in log.read().splitlines()]
    wrong = [row for row in rows if row[1] != "200"]
    if wrong or not rows:
        raise SystemExit(f"h2load: {len(wrong)} of {len(rows)} requests were not answered with 200")
    times = sorted(float(row[2]) for row in rows)

    def at(share: float) -> float:
        return times[min(len(times) - 1, int(len(times) * share))]

    return Figures(len(rows), seconds * 1e6, at(0.5), at(0.99), at(0.999))
