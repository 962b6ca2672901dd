"""Behind nginx, which is a client of its own: kept connections over TCP and over a Unix socket."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from launching import BIN, LIMIT, Server, wait_for
from proxied import PIECE
from serving import read_all
from websockets.sync.client import connect

HERE = Path(__file__).parent
TRUSTING = ("--trusted-hosts", "127.0.0.1,unix:")
CLIENT = "127.0.0.2"
"""Where clients come from, to be told from nginx."""

CONFIGURATION = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream app {{ server {upstream}; keepalive 4; keepalive_timeout 4s; }}
    server {{
        listen 127.0.0.1:{port};
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto https;
        location / {{ proxy_pass http://app; }}
        location /streamed/ {{
            proxy_pass http://app;
            proxy_request_buffering off;
            proxy_buffering off;
        }}
        location /forwarded/ {{
            proxy_pass http://app;
            proxy_set_header X-Forwarded-For "";
            proxy_set_header X-Forwarded-Proto "";
            set $self 'for="$remote_addr:1";host="$http_host";proto=https';
            proxy_set_header Forwarded '$http_forwarded, $self';
        }}
        location /old/ {{
            proxy_pass http://app;
            proxy_http_version 1.0;
            proxy_set_header Connection "";
            proxy_set_header Upgrade "";
        }}
    }}
}}
"""


@dataclass
class Front:
    """nginx in front of a server."""

    server: Server
    port: int
    folder: Path

    def client(self) -> httpx.Client:
        """A client of nginx."""
        transport = httpx.HTTPTransport(local_address=CLIENT)
        url = f"http://127.0.0.1:{self.port}"
        return httpx.Client(base_url=url, timeout=LIMIT, transport=transport)

    def connect(self) -> socket.socket:
        """A connection to nginx."""
        return socket.create_connection(("127.0.0.1", self.port), LIMIT, (CLIENT, 0))

    def facts(self, path: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """What the scope of a request says that went through nginx."""
        sent = [(name.encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
        with self.client() as client:
            answer = client.get(path, headers=sent)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = json.loads(answer.text)
        return found

    def errors(self) -> str:
        """What nginx has to complain of."""
        log = (self.folder / "error.log").read_text(encoding="utf-8")
        lines = [line for line in log.splitlines() if "inherited" not in line]
        return "\n".join(line for line in lines if "[notice]" not in line)


@contextlib.contextmanager
def fronted(folder: Path, transport: str, *words: str) -> Iterator[Front]:
    """The server on a socket of this kind, and nginx in front of it."""
    unix = folder / "app.sock"
    place = ("--uds", str(unix)) if transport == "unix" else ("--port", "0")
    command = [str(BIN / "pounce"), "proxied:app", "--app-dir", str(HERE), "--log-format", "json"]
    command += [*place, *words]
    environment = {**os.environ, "POUNCE_MAX_REQUEST_SIZE": "16777216"}
    with Server(folder, *command, env=environment) as server, socket.socket() as listener:
        server.started()
        upstream = f"unix:{unix}" if transport == "unix" else f"127.0.0.1:{server.port}"
        # Handed over as in an upgrade of nginx: nobody can take the port in between.
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        configuration = folder / "nginx.conf"
        configuration.write_text(
            CONFIGURATION.format(
                folder=folder,
                upstream=upstream,
                port=port,
                user="user root;" if os.geteuid() == 0 else "",
            ),
            encoding="utf-8",
        )
        nginx = subprocess.Popen(
            ["nginx", "-e", str(folder / "error.log"), "-c", str(configuration)],
            pass_fds=[listener.fileno()],
            env={**os.environ, "NGINX": f"{listener.fileno()};"},
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Front(server, port, folder)
        finally:
            nginx.send_signal(signal.SIGTERM)
            nginx.wait(timeout=LIMIT)
        server.stop()


@pytest.fixture(params=["tcp", "unix"])
def front(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Front]:
    """A server that trusts its nginx."""
    with fronted(tmp_path, request.param, *TRUSTING) as made:
        yield made


def test_the_scope_is_that_of_the_client(front: Front) -> None:
    forged = {"X-Forwarded-For": "6.6.6.6", "X_Forwarded_For": "6.6.6.6", "Host": "shop.example:81"}
    facts = front.facts("/a%2Fb%20c/scope?x=%20&y", forged)
    assert facts["client"] == CLIENT
    assert "x_forwarded_for" not in dict(facts["headers"])
    assert facts["scheme"] == "https"
    assert facts["host"] == "shop.example:81"
    assert facts["http"] == "1.1"
    assert facts["raw_path"] == "/a%2Fb%20c/scope"
    assert facts["query"] == "x=%20&y"
    # A quote that the client leaves open does not hide it.
    for forwarded in ("for=6.6.6.6;proto=http", 'for="6.6.6.6', '"', "for=\xe4"):
        headers = {"Forwarded": forwarded, "Host": "shop.example"}
        facts = front.facts("/forwarded/scope", headers)
        assert (facts["client"], facts["scheme"]) == (CLIENT, "https"), forwarded
        assert facts["host"] == "shop.example"
    assert front.facts("/old/scope")["http"] == "1.0"


def test_bodies_go_both_ways(front: Front) -> None:
    body = PIECE * 40

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), 30_000):
            yield body[start : start + 30_000]

    with front.client() as client:
        for path in ("/echo", "/streamed/echo"):
            for content in (b"", b"x", body):
                assert client.post(path, content=content).content == content, path
            assert client.post(path, content=pieces()).content == body, path
        for path in ("/flood", "/streamed/flood", "/old/flood"):
            assert client.get(path).content == PIECE * 300, path
        assert client.post("/old/echo", content=body).content == body
        head = client.head("/scope")
        assert (head.status_code, head.content, head.headers["x-seen"]) == (200, b"", "yes")
    assert front.errors() == ""


def test_an_early_answer_reaches_the_client(front: Front) -> None:
    with front.client() as client:
        for _ in range(10):
            answer = client.post("/early", content=PIECE * 40)
            assert (answer.status_code, answer.text) == (403, "no, thanks")
            # The connection behind nginx is not used for what was left of that body.
            assert client.get("/scope").status_code == 200
    with front.connect() as connection:
        head = b"POST /streamed/%s HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
        head += b"Connection: close\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(head % b"echo")
        interim = b"HTTP/1.1 100 Continue\r\n\r\n"
        assert connection.recv(len(interim), socket.MSG_WAITALL) == interim
        connection.sendall(b"hello")
        assert b"hello" in read_all(connection)


def test_pipelined_requests_through_kept_connections(front: Front) -> None:
    with front.connect() as connection:
        one = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n%03d"
        requests = b"".join(one % number for number in range(50))
        connection.sendall(requests + b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = read_all(connection)
    assert answer.count(b"HTTP/1.1 200 OK") == 50
    places = [answer.index(b"\r\n%03d" % number) for number in range(50)]
    assert places == sorted(places)
    assert answer.endswith(b"last")


def test_a_websocket_is_upgraded(front: Front) -> None:
    forged = {"X-Forwarded-For": "6.6.6.6"}
    with (
        front.connect() as connection,
        connect("ws://shop.example/scope", sock=connection, additional_headers=forged) as websocket,
    ):
        facts = json.loads(websocket.recv(timeout=LIMIT))
        assert (facts["client"], facts["scheme"]) == (CLIENT, "wss")
        assert facts["host"] == "shop.example"
        for text in ("a", "b" * 200_000):
            websocket.send(text)
            assert websocket.recv(timeout=LIMIT) == text


def test_a_client_that_leaves_is_told(front: Front) -> None:
    with front.client() as client, client.stream("GET", "/streamed/wait") as answer:
        assert next(answer.iter_raw()) == b"waiting"
    left = front.folder / "left"
    wait_for(lambda: left.exists() and left.read_text(encoding="utf-8") == "http.disconnect")
    assert front.facts("/scope")["client"] == CLIENT


def test_what_fails_is_told_apart(front: Front) -> None:
    with front.client() as client:
        failed = client.get("/raises")
        assert (failed.status_code, failed.text) == (500, "Internal Server Error\n")
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/cut")
        assert client.get("/scope").status_code == 200


def test_nobody_is_trusted_unless_told(tmp_path: Path) -> None:
    for transport in ("tcp", "unix"):
        folder = tmp_path / transport
        folder.mkdir()
        with fronted(folder, transport) as front:
            facts = front.facts("/scope")
            assert facts["client"] == ("127.0.0.1" if transport == "tcp" else None)
            assert facts["scheme"] == "http"
            assert not [name for name, _ in facts["headers"] if "forwarded" in name]
