"""Reloads under load: nothing is lost, whichever way the clients connect."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from certificates import Pair, pair
from launching import APP, Server, lives, serve, wait_for

RELOADS = ("second", "third", "fourth")


class Load:
    """Clients that ask without a pause."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.failures: list[BaseException] = []
        self.done = threading.Event()
        self._threads: list[threading.Thread] = []

    def add(self, ask: Callable[[], list[str]]) -> None:
        """A further client; what it asks at once is to be over soon."""
        thread = threading.Thread(target=self._run, args=(ask,))
        self._threads.append(thread)
        thread.start()

    def _run(self, ask: Callable[[], list[str]]) -> None:
        while not self.done.is_set():
            try:
                self.answers.extend(ask())
            except BaseException as error:
                self.failures.append(error)

    def end(self) -> None:
        """Wait for every client."""
        self.done.set()
        for thread in self._threads:
            thread.join()


@contextlib.contextmanager
def load(server: Server, files: Pair | None) -> Iterator[Load]:
    """Clients of every kind: new connections and kept ones, HTTP/1.1 and, over TLS, HTTP/2."""
    url = server.up["addresses"][0]
    verify = files.trusting() if files else False

    def new() -> list[str]:
        return [httpx.get(url, verify=verify, timeout=60).raise_for_status().text]

    def kept(client: httpx.Client) -> Callable[[], list[str]]:
        return lambda: [client.get(url).raise_for_status().text]

    def http2() -> list[str]:
        # By curl: the h2 of Python, and with it httpx, takes no frame behind a GOAWAY.
        assert files is not None
        command = ["curl", "--silent", "--show-error", "--fail", "--http2", "--cacert"]
        command += [str(files.chain), "--write-out", " %{http_version}\n", f"{url}/?[1-200]"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        answers = [line.rpartition(" ") for line in done.stdout.splitlines()]
        assert len(answers) == 200
        assert {version for _, _, version in answers} == {"2"}
        return [body for body, _, _ in answers]

    load = Load()
    with contextlib.ExitStack() as clients:
        for _ in range(2):
            client = httpx.Client(verify=verify, timeout=60)
            load.add(kept(clients.enter_context(client)))
        load.add(new)
        if files:
            load.add(http2)
        try:
            yield load
        finally:
            load.end()


@pytest.mark.parametrize("tls", [False, True])
def test_a_reload_under_load_loses_nothing_and_takes_new_code(tmp_path: Path, tls: bool) -> None:
    words = ["--port", "0", "--workers", "2", "--no-access-log"]
    files = pair(tmp_path / "tls") if tls else None
    if files:
        words += ["--ssl-certfile", str(files.chain), "--ssl-keyfile", str(files.key)]
    with serve(tmp_path, *words) as server:
        old = server.started()["workers"]
        with load(server, files) as clients:
            for version in RELOADS:
                text = APP.replace('"first"', f'"{version}"')
                (tmp_path / "served.py").write_text(text, encoding="utf-8")
                server.signal(signal.SIGUSR1)
                server.event("reloaded")
                wait_for(lambda version=version: version in clients.answers)  # type: ignore[misc]
        assert clients.failures == []
        assert {"first", *RELOADS} == set(clients.answers)
        wait_for(lambda: not any(lives(pid) for pid in old))
        server.stop()


def test_an_idle_connection_has_a_last_request_in_a_reload(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0") as server:
        server.started()
        with httpx.Client(base_url=server.up["addresses"][0], timeout=60) as client:
            before = client.get("/pid")
            assert "connection" not in before.headers
            server.signal(signal.SIGUSR1)
            server.event("reloaded")
            last = before
            while "connection" not in last.headers:
                last = client.get("/pid")
                assert last.text == before.text
            assert last.headers["connection"] == "close"
            assert client.get("/pid").text != before.text
        server.stop()
