"""A worker in a process of its own, on sockets that the test has opened."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
PATIENCE = 20.0


class Worker:
    """A running worker."""

    def __init__(self, target: str, settings: dict[str, Any], environment: dict[str, str]) -> None:
        self.address = settings.pop("address", "127.0.0.1")
        if self.address.startswith("/"):
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(self.address)
        else:
            family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
            self._listener = socket.socket(family)
            self._listener.bind((self.address, 0))
        self._listener.listen(128)
        unix = self._listener.family == socket.AF_UNIX
        self.port: int = 0 if unix else self._listener.getsockname()[1]
        self._report, report = os.pipe()
        lifeline, self.lifeline = os.pipe()
        document: dict[str, Any] = {
            "protocol": 1,
            "target": target,
            "app_dir": str(HERE),
            "listeners": [self._listener.fileno()],
            "report_fd": report,
            "lifeline_fd": lifeline,
            **settings,
        }
        output = document.pop("stdout", subprocess.DEVNULL)
        document["config"] = {"log_format": "json", **document.get("config", {})}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pounce_rs.worker", "--settings", json.dumps(document)],
            pass_fds=[self._listener.fileno(), report, lifeline],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        os.close(report)
        os.close(lifeline)
        self._log = b""
        self.news = b""

    def until(self, news: bytes) -> None:
        """Read what the worker reports until it has said ``news``, or everything."""
        deadline = time.monotonic() + PATIENCE
        while news not in self.news:
            readable, _, _ = select.select([self._report], [], [], deadline - time.monotonic())
            assert readable, f"the worker has said only {self.news!r}"
            more = os.read(self._report, 4096)
            if not more:
                break
            self.news += more

    def end(self, number: int = signal.SIGTERM) -> int:
        """Signal the worker, wait for its end, give the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end, give the exit code."""
        _, log = self.process.communicate(timeout=PATIENCE)
        self._log += log
        return self.process.returncode

    @property
    def output(self) -> bytes:
        """What the worker has written to its standard error, after its end."""
        return self._log

    @property
    def log(self) -> list[dict[str, Any]]:
        """What the worker has logged, after its end."""
        lines = self._log.decode().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def memory(self) -> int:
        """Resident bytes of the worker."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def rest(self) -> None:
        """Wait until the worker does nothing: none of its threads has run between looks."""
        deadline = time.monotonic() + PATIENCE
        looks = [b""]
        while len(looks) < 6:
            assert time.monotonic() < deadline, "the worker does not come to rest"
            time.sleep(0.03)
            threads = sorted(Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"))
            look = b"".join(thread.read_bytes() for thread in threads)
            looks = [*looks, look] if look == looks[-1] else [look]

    def connect(self) -> socket.socket:
        """A fresh connection."""
        connection = socket.socket(self._listener.family)
        connection.settimeout(PATIENCE)
        connection.connect(self._listener.getsockname())
        return connection

    def exchange(self, request: bytes) -> bytes:
        """Everything that is answered to these bytes, until the server closes."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_all(connection)

    def client(self, http: str = "1.1") -> httpx.Client:
        """A client that speaks this version, over HTTP/2 with prior knowledge."""
        old, new = http == "1.1", http == "2"
        return httpx.Client(base_url=self.url, timeout=PATIENCE, http1=old, http2=new)

    @property
    def url(self) -> str:
        """Where the worker serves."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        if self.process.stderr is not None:
            self.process.stderr.close()
        self._listener.close()
        for descriptor in (self._report, self.lifeline):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def read_all(connection: socket.socket) -> bytes:
    """Read to the end; a reset is an end, too."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while more := connection.recv(65536):
            received += more
    return received


def talk_both_ways(connection: socket.socket) -> None:
    """Send a chunk to an app that echoes, wait for it, and only then send the next."""
    connection.sendall(
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
    )
    read_until(connection, b"1\r\na\r\n")
    connection.sendall(b"1\r\nb\r\n0\r\n\r\n")
    read_until(connection, b"1\r\nb\r\n0\r\n\r\n")


def read_until(connection: socket.socket, end: bytes) -> bytes:
    """Read until these bytes have come."""
    received = b""
    while end not in received:
        more = connection.recv(4096)
        assert more, f"the end after {received!r}, without {end!r}"
        received += more
    return received


def without_uvloop(folder: Path) -> dict[str, str]:
    """An environment in which uvloop is not installed; ``folder`` is the caller's own."""
    (folder / "uvloop.py").write_text("raise ImportError('absent')\n", encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


@contextlib.contextmanager
def serving(
    target: str, *, environment: dict[str, str] | None = None, **settings: Any
) -> Iterator[Worker]:
    """A worker of ``served:target`` that is ready; more settings go into its document."""
    worker = Worker(target if ":" in target else f"served:{target}", settings, environment or {})
    try:
        worker.until(b"R")
        assert b"R" in worker.news, worker.news
        yield worker
    finally:
        worker.close()


@contextlib.contextmanager
def starting(
    target: str, environment: dict[str, str] | None = None, **settings: Any
) -> Iterator[Worker]:
    """A worker that need not come up."""
    worker = Worker(target if ":" in target else f"served:{target}", settings, environment or {})
    try:
        yield worker
    finally:
        worker.close()
