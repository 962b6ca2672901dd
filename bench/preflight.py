"""Measures how long the commands take and how much memory they need, as whole processes.

    make bench                                       # builds, measures, writes bench/PREFLIGHT.md
    python bench/preflight.py --binaries target/release

Two questions: whether a native command starts and ends in a few milliseconds (goal: under 10), and
whether `chirp check` adds little to what the app's own import takes, also with very many routes
(goal: under 50 ms beyond the probe, and linear in the routes).

Wall and CPU time come from wait4(2) around each process. Peak memory comes from GNU time, because
a child of this process would inherit the interpreter's own peak. What the probe takes is the life
of the interpreter that it starts, which a shell script around the real one announces.
"""

from __future__ import annotations

import argparse
import os
import platform
import select
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

GNU_TIME = "/usr/bin/time"
ROUTES = (1_000, 5_000, 10_000)
#: Milliseconds.
COMMAND_GOAL = 10.0
BEYOND_PROBE_GOAL = 50.0

SERVER_FILE = """\
host = "127.0.0.1"
port = 0
workers = 2
log_format = "json"
trusted_hosts = ["10.0.0.0/8"]
"""

APP_HEAD = """\
from chirp import App, AppConfig, secure_stack

app = App(AppConfig.from_env(csp_nonce_enabled=True))
for middleware in secure_stack(app.config):
    app.add_middleware(middleware)
"""

APP_ROUTE = """
@app.route("/section{section}/page{number}/{{item}}", methods={methods})
async def page{number}(item: str) -> str:
    return item
"""

#: Says which process becomes the interpreter, and when, before it does.
INTERPRETER = """\
#!/usr/bin/env bash
echo $$ $EPOCHREALTIME >{announcements}
exec {python} "$@"
"""


@dataclass(frozen=True)
class Measured:
    """Medians of a command's runs."""

    wall_ms: float
    cpu_ms: float
    #: Peak resident memory of the command and what it starts.
    memory_mib: float


def run_once(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]
) -> tuple[float, float]:
    """Wall and CPU seconds of one run, children that it waited for included.

    Raises:
        SystemExit: The command fails; its output says why.
    """
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            words = output.read().decode(errors="replace")
            sys.exit(f"{shlex.join(map(str, command))} exited {process.returncode}:\n{words}")
    return wall, usage.ru_utime + usage.ru_stime


def peak_mib(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> float:
    """Peak resident memory of one run, in MiB."""
    with tempfile.NamedTemporaryFile("r") as report:
        run_once(
            [GNU_TIME, "--format", "%M", "--output", report.name, *command], folder, environment
        )
        return int(report.read()) / 1024


def measure(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str], runs: int
) -> Measured:
    """Medians over `runs` runs, after one that fills the caches."""
    run_once(command, folder, environment)
    times = [run_once(command, folder, environment) for _ in range(runs)]
    peaks = [peak_mib(command, folder, environment) for _ in range(3)]
    return Measured(
        wall_ms=1000 * median(wall for wall, _ in times),
        cpu_ms=1000 * median(cpu for _, cpu in times),
        memory_mib=median(peaks),
    )


def clean_environment() -> dict[str, str]:
    """The environment without settings of the commands under test, and with a secret key."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("POUNCE_", "CHIRP_", "RAILWAY_"))
    }
    return kept | {"CHIRP_SECRET_KEY": "6b2f0c9d41e85a73", "NO_COLOR": "1"}


def measure_commands(binaries: Path, folder: Path, runs: int) -> list[tuple[str, Measured]]:
    """The commands that need no app."""
    (folder / "pounce.toml").write_text(SERVER_FILE)
    environment = clean_environment()
    commands = (
        "pounce --version",
        "pounce config schema",
        "pounce config schema --output-format toml-template",
        "pounce config show --origin",
        "pounce check",
        "chirp config schema",
        "chirp config show",
    )
    measured = []
    for line in commands:
        name, *arguments = line.split()
        measured.append((line, measure([binaries / name, *arguments], folder, environment, runs)))
    return measured


def write_app(folder: Path, routes: int) -> None:
    """A Chirp app with so many routes, every tenth of them mutating, ready for production."""
    parts = [APP_HEAD]
    for number in range(routes):
        methods = '["GET", "POST"]' if number % 10 == 0 else '["GET"]'
        parts.append(APP_ROUTE.format(section=number // 100, number=number, methods=methods))
    (folder / "app.py").write_text("".join(parts))
    (folder / "chirp.toml").write_text(
        'allowed_hosts = ["shop.example"]\nstrict_transport_security = "max-age=31536000"\n'
    )


@dataclass(frozen=True)
class AppMeasured:
    """Medians of `chirp check` on one app, in milliseconds."""

    routes: int
    total_ms: float
    probe_ms: float
    memory_mib: float

    @property
    def beyond_ms(self) -> float:
        """Everything but the probe: starting, reading the snapshot, rules, report."""
        return self.total_ms - self.probe_ms


def time_of_interpreter(announcements: Path) -> float:
    """Seconds from the announcement of an interpreter until it is gone; waits for both.

    The probe ends its whole process group as soon as it has the answer, so nothing in there could
    note the end: the kernel says it, by a descriptor of the process.

    Raises:
        SystemExit: No interpreter is announced within a minute: another one was run.
    """
    reader = os.open(announcements, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ready, _, _ = select.select([reader], [], [], 60)
        if not ready:
            sys.exit(f"{announcements.parent}/python was not run: is --python honoured?")
        process, started = os.read(reader, 4096).split()
    finally:
        os.close(reader)
    try:
        watched = os.pidfd_open(int(process))
    except ProcessLookupError:
        return time.time() - float(started)
    try:
        select.select([watched], [], [])
        return time.time() - float(started)
    finally:
        os.close(watched)


def measure_app(binaries: Path, folder: Path, routes: int, runs: int) -> AppMeasured:
    """`chirp check --deploy` on an app with so many routes."""
    write_app(folder, routes)
    announcements = folder / "announcements"
    os.mkfifo(announcements)
    interpreter = folder / "python"
    interpreter.write_text(
        INTERPRETER.format(
            python=shlex.quote(sys.executable), announcements=shlex.quote(str(announcements))
        )
    )
    interpreter.chmod(0o755)
    environment = clean_environment()
    command: list[str | Path] = [binaries / "chirp", "check", "app:app", "--deploy"]
    command += ["--python", interpreter]
    totals, probes, peaks = [], [], []
    with ThreadPoolExecutor(max_workers=1) as watcher:
        for _ in range(1 + runs):
            watched = watcher.submit(time_of_interpreter, announcements)
            wall, _ = run_once(command, folder, environment)
            totals.append(1000 * wall)
            probes.append(1000 * watched.result())
        for _ in range(3):
            watcher.submit(time_of_interpreter, announcements)
            peaks.append(peak_mib(command, folder, environment))
    return AppMeasured(
        routes=routes,
        total_ms=median(totals[1:]),
        probe_ms=median(probes[1:]),
        memory_mib=median(peaks),
    )


def machine() -> str:
    """Processor, cores, memory and kernel, in one line."""
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (
        f"{processor}, {os.cpu_count()} CPUs, {pages / 2**30:.0f} GiB, Linux {platform.release()}"
    )


def report(
    version: str,
    commands: Sequence[tuple[str, Measured]],
    apps: Sequence[AppMeasured],
    runs: tuple[int, int],
) -> str:
    """The page, as Markdown."""
    slowest = max(measured.wall_ms for _, measured in commands)
    furthest = max(app.beyond_ms for app in apps)
    first, last = apps[0], apps[-1]
    per_route = 1000 * (last.beyond_ms - first.beyond_ms) / (last.routes - first.routes)
    lines = [
        "# Time and memory of the preflight",
        "",
        "Written by `make bench`, which builds the native commands with the release profile and",
        "runs `bench/preflight.py`. Medians of whole processes, start and exit included.",
        "",
        f"- {version.strip()}; the app's interpreter: CPython {platform.python_version()}",
        f"- {machine()}",
        f"- {runs[0]} runs of each command, {runs[1]} of each app, after one that fills the caches",
        "",
        "## Commands without an app",
        "",
        f"Goal: under {COMMAND_GOAL:.0f} ms each. Slowest: {slowest:.1f} ms.",
        "",
        "| command | wall, ms | CPU, ms | peak memory, MiB |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| `{line}` | {m.wall_ms:.1f} | {m.cpu_ms:.1f} | {m.memory_mib:.1f} |"
        for line, m in commands
    ]
    lines += [
        "",
        "## `chirp check app:app --deploy` by number of routes",
        "",
        f"Goal: under {BEYOND_PROBE_GOAL:.0f} ms beyond the probe, linear in the routes."
        f" Most: {furthest:.1f} ms;",
        f"a route adds {per_route:.1f} µs. The probe is the app's interpreter: its start, the app's"
        " import, and the snapshot.",
        "",
        "| routes | total, ms | probe, ms | beyond the probe, ms | peak memory, MiB |",
        "|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {app.routes:,} | {app.total_ms:.1f} | {app.probe_ms:.1f} | {app.beyond_ms:.1f}"
        f" | {app.memory_mib:.1f} |"
        for app in apps
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and write the page where asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--binaries", type=Path, required=True, help="folder of pounce and chirp")
    parser.add_argument("--runs", type=int, default=40, help="runs of each command")
    parser.add_argument("--app-runs", type=int, default=9, help="runs of each app")
    parser.add_argument("--write", type=Path, help="write the page to this file")
    arguments = parser.parse_args()
    binaries = arguments.binaries.resolve()
    version = subprocess.run(
        [binaries / "pounce", "--version"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[0]
    with tempfile.TemporaryDirectory() as name:
        commands = measure_commands(binaries, Path(name), arguments.runs)
    apps = []
    for routes in ROUTES:
        with tempfile.TemporaryDirectory() as name:
            apps.append(measure_app(binaries, Path(name), routes, arguments.app_runs))
    page = report(version, commands, apps, (arguments.runs, arguments.app_runs))
    print(page, end="")
    if arguments.write:
        arguments.write.write_text(page)


if __name__ == "__main__":
    main()
