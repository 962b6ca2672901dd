"""A server as people start it, for tests: on a free port of the loopback, stopped by its pid."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

BIN = Path(sys.executable).parent
LIMIT = 60.0
"""Seconds that anything in these tests may take at most."""

APP = """
import asyncio
import os
import pathlib
import sys
import time

# Those that start while this file is there do not come up.
while pathlib.Path("hold").exists():
    time.sleep(0.01)


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                with open("shutdowns", "a") as file:
                    print(os.getpid(), file=file)
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send({"type": "lifespan.startup.complete"})
    path = scope["path"]
    if path == "/block":
        while not pathlib.Path("go on").exists():
            time.sleep(0.01)
    if path == "/slow":
        pathlib.Path("slow").touch()
        while not pathlib.Path("go on").exists():
            await asyncio.sleep(0.01)
    body = {
        "/pid": str(os.getpid()),
        "/cpus": str(sorted(os.sched_getaffinity(0))),
        "/descriptors": str(descriptors()),
    }.get(path, VERSION).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def descriptors():
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink("/proc/self/fd/" + number))
        except FileNotFoundError:
            pass  # the one of the listing
    return found


VERSION = "first"
"""


class Server:
    """A running `pounce`."""

    def __init__(self, folder: Path, *words: str, **options: Any) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.seen: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.put(line)
        self._lines.put(None)

    def event(self, name: str) -> dict[str, Any]:
        """The next log line of an event; fails where the server ends without it."""
        return self._line(lambda found: found.get("event") == name, f"no {name}")

    def said(self, text: str) -> dict[str, Any]:
        """The next log line whose message holds a text; fails where the server ends without it."""
        return self._line(lambda found: text in found.get("message", ""), f"nobody said {text!r}")

    def _line(self, wanted: Callable[[dict[str, Any]], bool], missing: str) -> dict[str, Any]:
        while True:
            line = self._lines.get(timeout=LIMIT)
            assert line is not None, f"{missing} in:\n{''.join(self.seen)}"
            self.seen.append(line)
            if line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                if wanted(found):
                    return found

    def started(self) -> dict[str, Any]:
        """Wait until it is up; the line that says so."""
        self.up = self.event("started")
        return self.up

    @property
    def port(self) -> int:
        """The port of its first address."""
        return int(self.up["addresses"][0].rpartition(":")[2])

    def get(self, path: str = "/") -> str:
        """The body of a response, over a connection of its own."""
        with urllib.request.urlopen(self.up["addresses"][0] + path, timeout=LIMIT) as response:
            body: bytes = response.read()
        return body.decode()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Wait for its end; the exit code and what it said that was not asked for yet."""
        code = self.process.wait(timeout=LIMIT)
        lines = []
        while (line := self._lines.get(timeout=LIMIT)) is not None:
            lines.append(line)
        self._lines.put(None)
        return code, "".join(lines)

    def force(self) -> int:
        """Signal until it takes that for a second wish, and ends; the exit code.

        Signals that come together are one wish.
        """
        while self.process.poll() is None:
            self.signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.3)
        return self.process.returncode

    def stop(self) -> None:
        """Stop it as a service manager does, and expect that it ends well."""
        self.signal(signal.SIGTERM)
        code, rest = self.end()
        assert code == 0, rest


def serve(folder: Path, *words: str, **options: Any) -> Server:
    """Start `pounce` on an app of the folder."""
    if not (folder / "served.py").exists():
        (folder / "served.py").write_text(APP, encoding="utf-8")
    command = [str(BIN / "pounce"), "served:app", "--log-format", "json", *words]
    return Server(folder, *command, **options)


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + LIMIT
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def end(pid: int) -> None:
    """Kill a process that a test has found."""
    if lives(pid):
        os.kill(pid, signal.SIGKILL)
