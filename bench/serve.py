"""Compare one worker of pounce with its peers, and with bare hyper as the limit.

Every server runs the same applications on the same interpreter, in interleaved rounds, pinned to
one core; the load generator has the other. What decides is CPU microseconds per request, of all the
server's processes, as the cores are shared with whatever else runs on the machine.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

import load
import servers

SERVER_CORE, LOAD_CORE = 0, 1


class Workload(NamedTuple):
    """An application under one kind of load."""

    app: str
    load: str = "get"
    connections: tuple[int, ...] = (64, 1)
    log: str = "on"

    @property
    def http2(self) -> bool:
        """Whether the load speaks HTTP/2."""
        return self.load == "http2"

    def title(self, connections: int) -> str:
        """What people read."""
        unit = "stream" if self.http2 else "connection"
        unit += "s" if connections > 1 else ""
        unit += " of one connection, HTTP/2" if self.http2 else ""
        logs = {"off": "no access log", "on": "all with access log", "shipped": "as shipped"}
        return f"{self.app}, {connections} {unit}, {logs[self.log]}"


WORKLOADS = {
    "hello": Workload("hello"),
    "hello-quiet": Workload("hello", log="off"),
    "hello-shipped": Workload("hello", log="shipped"),
    "json": Workload("json_1k"),
    "echo": Workload("echo", "post"),
    "large": Workload("large"),
    "stream": Workload("stream"),
    "sockets": Workload("sockets"),
    "fastapi": Workload("fastapi"),
    "websocket": Workload("websocket_echo", "websocket"),
    "http2": Workload("hello", "http2"),
}


class Round(NamedTuple):
    """One run against one server."""

    rate: float
    cpu: float
    p50: float
    p99: float
    p999: float
    memory: float


def measure(server: str, workload: Workload, connections: int, seconds: float) -> Round:
    """Start a server, warm it up, load it."""
    with servers.running(server, workload.app, workload.log, workload.http2, SERVER_CORE) as (
        pid,
        port,
    ):
        load.run(workload.load, port, connections, 1.0, LOAD_CORE)
        before = servers.account(pid)
        seen = load.run(workload.load, port, connections, seconds, LOAD_CORE)
        after = servers.account(pid)
    return Round(
        rate=seen.requests / seen.duration * 1e6,
        cpu=(after.cpu - before.cpu) / seen.requests * 1e6,
        p50=seen.p50,
        p99=seen.p99,
        p999=seen.p999,
        memory=after.memory / 2**20,
    )


class Ratio(NamedTuple):
    """What pounce does, times what another server does: medians of the ratios of each round."""

    rate: float
    cpu: float


def ratios(rounds: dict[str, list[Round]]) -> dict[str, Ratio]:
    """The ratio to every server of one workload."""
    ours = rounds["pounce"]
    return {
        server: Ratio(
            statistics.median(our.rate / one.rate for our, one in zip(ours, seen, strict=True)),
            statistics.median(our.cpu / one.cpu for our, one in zip(ours, seen, strict=True)),
        )
        for server, seen in rounds.items()
    }


def table(title: str, rounds: dict[str, list[Round]]) -> list[str]:
    """The medians of one workload, and the ratios to pounce."""
    lines = [
        f"## {title}",
        "",
        "| server | requests/s | CPU us/request | p50 us | p99 us | p99.9 us | MiB "
        "| pounce's requests/s, times this | pounce's CPU, times this |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    to = ratios(rounds)
    for server, seen in rounds.items():
        middle = Round(*(statistics.median(column) for column in zip(*seen, strict=True)))
        latency = f"{middle.p50:.0f} | {middle.p99:.0f} | {middle.p999:.0f}"
        lines.append(
            f"| {server} | {middle.rate:.0f} | {middle.cpu:.1f} | {latency} "
            f"| {middle.memory:.0f} | {to[server].rate:.2f} | {to[server].cpu:.2f} |"
        )
    return [*lines, ""]


def overview(found: dict[str, dict[str, Ratio]], named: list[str]) -> list[str]:
    """All workloads in one table: requests a second and CPU a request, times the others."""
    others = [server for server in named if server != "pounce"]
    lines = [
        "## pounce, times the others: requests/s / CPU per request",
        "",
        "| workload | " + " | ".join(others) + " |",
        "|---|" + "---|" * len(others),
    ]
    for title, to in found.items():
        cells = [
            f"{to[server].rate:.2f} / {to[server].cpu:.2f}" if server in to else ""
            for server in others
        ]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def main() -> None:
    """Run everything and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--connections", nargs="+", type=int, help="instead of the workload's own")
    parser.add_argument("--servers", nargs="+", choices=servers.NAMES, default=list(servers.NAMES))
    parser.add_argument("--write", type=Path, help="where the report goes; else it is printed")
    given = parser.parse_args()
    unknown = set(given.workloads) - set(WORKLOADS)
    if unknown:
        parser.error(f"no workload is named {', '.join(sorted(unknown))}")
    if "pounce" not in given.servers:
        parser.error("pounce is what the others are compared with")
    for tool, package in (("wrk", "wrk"), ("h2load", "nghttp2-client")):
        if shutil.which(tool) is None:
            raise SystemExit(f"{tool} is missing: apt-get install {package}")
    head = [
        "# One worker: pounce and its peers",
        "",
        f"CPython {platform.python_version()}, {servers.versions()}; {given.rounds} interleaved "
        f"rounds of {given.seconds:g} s; server and load generator on a core each. Medians; the "
        "ratios are medians of the ratios of each round. CPU per request decides: the cores are "
        "shared with the machine's other work. Written by "
        f"`{' '.join(['bench/serve.py', *sys.argv[1:]])}`.",
        "",
    ]
    report: list[str] = []
    found: dict[str, dict[str, Ratio]] = {}
    for name in given.workloads or WORKLOADS:
        workload = WORKLOADS[name]
        taking_part = [
            server for server in given.servers if servers.can(server, workload.app, workload.http2)
        ]
        for connections in given.connections or workload.connections:
            rounds: dict[str, list[Round]] = {server: [] for server in taking_part}
            for _ in range(given.rounds):
                for server, seen in rounds.items():
                    seen.append(measure(server, workload, connections, given.seconds))
            title = workload.title(connections)
            found[title] = ratios(rounds)
            lines = table(title, rounds)
            report += lines
            print("\n".join(lines), flush=True)
            if given.write:
                text = "\n".join([*head, *overview(found, given.servers), *report])
                given.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
