"""Back-pressure: what one side does not take, the worker does not pile up."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
from serving import Worker, read_all, serving

HEAD = b"Host: a\r\nConnection: close\r\n"
FEW_BUFFERS = 8_000_000
"""Bytes: far more than the buffers of a connection, far less than what goes through it."""
TOTAL = 200_000_000


class Http2:
    """One request over HTTP/2, whose windows open only as the test wants."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
        self._http.initiate_connection()
        self._flush()

    def request(self, method: bytes, path: bytes = b"/", *, end: bool = True) -> None:
        """Send the head, and perhaps the end, of the only request."""
        headers = [(b":method", method), (b":scheme", b"http")]
        headers += [(b":authority", b"a"), (b":path", path)]
        self._http.send_headers(1, headers, end_stream=end)
        self._flush()

    def upload(self, total: int) -> Iterator[int]:
        """Send so many bytes, as fast as the server's windows open; says how many are sent."""
        piece = bytes(16_384)
        sent = 0
        while sent < total:
            room = min(self._http.local_flow_control_window(1), len(piece), total - sent)
            if room == 0:
                self._receive()
                continue
            self._http.send_data(1, piece[:room])
            self._flush()
            sent += room
            yield sent
        self._http.end_stream(1)
        self._flush()

    def body(self) -> Iterator[bytes]:
        """The pieces of the answer; the next ones are allowed when the test goes on."""
        while True:
            for event in self._receive():
                if isinstance(event, h2.events.DataReceived):
                    yield event.data
                    self._http.acknowledge_received_data(event.flow_controlled_length, 1)
                    self._flush()
                if isinstance(event, h2.events.StreamEnded):
                    return

    def _receive(self) -> list[Any]:
        data = self._socket.recv(65536)
        assert data, "the server has closed the connection"
        events: list[Any] = self._http.receive_data(data)
        self._flush()
        return events

    def _flush(self) -> None:
        self._socket.sendall(self._http.data_to_send())


def grown(worker: Worker, before: int) -> int:
    """Bytes that the worker has more than before."""
    return worker.memory() - before


def test_a_large_response_waits_for_a_slow_reader() -> None:
    with serving("flood") as worker, worker.connect() as connection:
        before = worker.memory()
        connection.sendall(b"GET / HTTP/1.1\r\n" + HEAD + b"\r\n")
        connection.recv(1024)
        worker.rest()
        assert grown(worker, before) < FEW_BUFFERS
        received, highest = 1024, 0
        while more := connection.recv(1 << 20):
            received += len(more)
            highest = max(highest, grown(worker, before))
        assert received > 3200 * 65536
        assert highest < FEW_BUFFERS


def test_a_large_upload_waits_for_a_slow_application() -> None:
    with (
        serving("sink", config={"max_request_size": 300_000_000}) as worker,
        worker.connect() as connection,
    ):
        before = worker.memory()
        connection.sendall(b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % TOTAL)
        piece = bytes(1_000_000)
        highest = 0
        for _ in range(TOTAL // len(piece)):
            connection.sendall(piece)
            highest = max(highest, grown(worker, before))
        assert read_all(connection).endswith(b"\r\n\r\n%d" % TOTAL)
        assert highest < FEW_BUFFERS


def test_a_large_response_over_http_2_waits_for_its_window() -> None:
    with serving("flood") as worker, worker.connect() as connection:
        client = Http2(connection)
        before = worker.memory()
        client.request(b"GET")
        pieces = client.body()
        received = len(next(pieces))
        worker.rest()
        highest = grown(worker, before)
        for piece in pieces:
            received += len(piece)
            if received % 1_000_000 < len(piece):
                highest = max(highest, grown(worker, before))
        assert received == 3200 * 65536
        assert highest < FEW_BUFFERS


def test_a_large_upload_over_http_2_waits_for_a_slow_application() -> None:
    config = {"max_request_size": 300_000_000}
    with serving("sink", config=config) as worker, worker.connect() as connection:
        client = Http2(connection)
        before = worker.memory()
        client.request(b"POST", end=False)
        highest = 0
        for sent in client.upload(TOTAL):
            if sent % 1_000_000 < 16_384:
                highest = max(highest, grown(worker, before))
        assert b"".join(client.body()) == b"%d" % TOTAL
        assert highest < FEW_BUFFERS


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_a_large_file_waits_for_a_slow_reader(version: str, tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(TOTAL)
    with serving("served_extensions:sends_files") as worker, worker.connect() as connection:
        before = worker.memory()
        if version == "2":
            client = Http2(connection)
            client.request(b"GET", str(path).encode())
            pieces = client.body()
        else:
            connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            pieces = iter(lambda: connection.recv(1 << 20), b"")
        received = len(next(pieces))
        worker.rest()
        highest = grown(worker, before)
        for piece in pieces:
            received += len(piece)
            if received % 1_000_000 < len(piece):
                highest = max(highest, grown(worker, before))
        assert received >= TOTAL
        assert highest < FEW_BUFFERS


def test_many_requests_leave_nothing_behind() -> None:
    with serving("echo") as worker, worker.client() as client:
        for _ in range(300):
            assert client.post("/", content=b"x" * 20_000).status_code == 200
        before = worker.memory()
        for _ in range(1500):
            assert client.post("/", content=b"x" * 20_000).status_code == 200
        assert grown(worker, before) < 2_000_000


def test_looking_for_the_clients_end_leaves_nothing_behind() -> None:
    with serving("impatient") as worker, worker.client() as client:
        assert int(client.get("/").text) < 100
