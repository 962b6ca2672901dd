"""WebSockets of the worker over streams of HTTP/2 (RFC 8441), with ``h2`` as the client.

It takes nothing behind a GOAWAY, so draining is tested frame by frame in ``tests/serve``.
"""

from __future__ import annotations

import ast
import socket
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.settings
from serving import Worker, serving
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Close, Frame, Opcode
from websockets.streams import StreamReader

EXTENSION = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


class Http2:
    """One connection, of which streams become WebSockets."""

    def __init__(self, worker: Worker) -> None:
        self._socket: socket.socket = worker.connect()
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self._connection = h2.connection.H2Connection(config)
        self._connection.initiate_connection()
        self._flush()
        self._events: list[Any] = []
        self.bytes: dict[int, bytes] = {}
        self._port = worker.port

    def _flush(self) -> None:
        self._socket.sendall(self._connection.data_to_send())

    def next(self, kind: type[Any]) -> Any:
        """The next event of a kind; data of streams is kept."""
        while True:
            while self._events:
                event = self._events.pop(0)
                if isinstance(event, h2.events.DataReceived):
                    self._connection.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id
                    )
                    kept = self.bytes.get(event.stream_id, b"")
                    self.bytes[event.stream_id] = kept + event.data
                if isinstance(event, kind):
                    return event
            self._flush()
            received = self._socket.recv(65536)
            assert received, "the server has closed the connection"
            self._events += self._connection.receive_data(received)

    def connect(self, path: str, **headers: str) -> tuple[int, dict[str, str]]:
        """Ask for a WebSocket: the stream, and what is answered."""
        stream = self._connection.get_next_available_stream_id()
        pseudo = {
            ":method": "CONNECT",
            ":protocol": "websocket",
            ":scheme": "http",
            ":path": path,
            ":authority": f"127.0.0.1:{self._port}",
            "sec-websocket-version": "13",
        }
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.send_headers(stream, list({**pseudo, **named}.items()))
        return stream, dict(self.next(h2.events.ResponseReceived).headers)

    def send(self, stream: int, opcode: Opcode, data: bytes, extensions: Any = ()) -> None:
        """Send a message of one frame."""
        bytes_ = Frame(opcode, data).serialize(mask=True, extensions=list(extensions))
        for start in range(0, len(bytes_), 16_384):
            while self._connection.local_flow_control_window(stream) < 16_384:
                self.next(h2.events.WindowUpdated)
            self._connection.send_data(stream, bytes_[start : start + 16_384])
            self._flush()

    def receive(self, stream: int, extensions: Any = ()) -> Frame:
        """The next frame of a stream."""
        while True:
            reader = StreamReader()
            reader.feed_data(self.bytes.get(stream, b""))
            parsing = Frame.parse(
                reader.read_exact, mask=False, max_size=None, extensions=list(extensions)
            )
            try:
                next(parsing)
            except StopIteration as done:
                self.bytes[stream] = bytes(reader.buffer)
                frame: Frame = done.value
                return frame
            self.next(h2.events.DataReceived)

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.close()


def test_messages_come_back_on_several_streams() -> None:
    with serving("served_websocket:echo") as worker:
        client = Http2(worker)
        changed = client.next(h2.events.RemoteSettingsChanged).changed_settings
        code = h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL
        assert changed[code].new_value == 1
        streams = [client.connect("/")[0] for _ in range(3)]
        for stream in streams:
            client.send(stream, Opcode.TEXT, b"on stream %d" % stream)
        for stream in reversed(streams):
            assert client.receive(stream).data == b"on stream %d" % stream
        large = bytes(index % 251 for index in range(1_000_000))
        client.send(streams[0], Opcode.BINARY, large)
        assert client.receive(streams[0]).data == large
        client.send(streams[1], Opcode.CLOSE, Close(4000, "enough").serialize())
        answer = client.receive(streams[1])
        assert (answer.opcode, Close.parse(answer.data).code) == (Opcode.CLOSE, 4000)
        assert client.next(h2.events.StreamEnded).stream_id == streams[1]
        client.send(streams[2], Opcode.TEXT, b"still here")
        assert client.receive(streams[2]).data == b"still here"
        client.close()
        assert worker.end() == 0
        assert worker.log == []


def test_compression_is_agreed_on_there_too() -> None:
    with serving("served_websocket:echo") as worker:
        client = Http2(worker)
        stream, answer = client.connect("/", sec_websocket_extensions=EXTENSION)
        assert answer[":status"] == "200"
        assert answer["sec-websocket-extensions"] == f"{EXTENSION}; server_max_window_bits=12"
        extensions = [PerMessageDeflate(True, True, 12, 15)]
        client.send(stream, Opcode.TEXT, b"x" * 100_000, extensions)
        assert client.receive(stream, extensions).data == b"x" * 100_000
        client.close()


def test_the_scope_says_what_came() -> None:
    with serving("served_websocket:show_scope") as worker:
        client = Http2(worker)
        stream, answer = client.connect("/a%20b?c", sec_websocket_protocol="one, two")
        assert answer["sec-websocket-protocol"] == "two"
        assert "sec-websocket-accept" not in answer
        scope = ast.literal_eval(bytes(client.receive(stream).data).decode())
        assert scope["http_version"] == "2"
        assert scope["scheme"] == "ws"
        assert (scope["path"], scope["query_string"]) == ("/a b", b"c")
        assert scope["subprotocols"] == ["one", "two"]
        assert (b"host", f"127.0.0.1:{worker.port}".encode()) in scope["headers"]
        assert scope["extensions"]["request_id"] == answer["x-request-id"]
        assert "method" not in scope
        client.close()


def test_a_handshake_may_be_refused_or_denied() -> None:
    with serving("served_websocket:by_path") as worker:
        client = Http2(worker)
        assert client.connect("/refuse")[1][":status"] == "403"
        stream, denied = client.connect("/deny")
        assert (denied[":status"], denied["www-authenticate"]) == ("401", "Basic")
        while client.bytes.get(stream) != b"who are you":
            client.next(h2.events.DataReceived)
        assert client.connect("/raise")[1][":status"] == "500"
        assert client.connect("/deny-well")[1][":status"] == "500"  # 200 would be the acceptance
        client.close()
        assert worker.end() == 0
        raised = [record["exception"] for record in worker.log]
        assert "LookupError: before" in raised[0]
        assert "200 is a success" in raised[1]


def test_an_acceptance_tells_no_length() -> None:
    with serving("served_websocket:by_path") as worker:
        client = Http2(worker)
        answer = client.connect("/length")[1]
        assert (answer[":status"], "content-length" in answer) == ("200", False)
        client.close()
        assert worker.end() == 0
