"""Extensions of ASGI over real sockets: files, early hints, trailers, TLS."""

from __future__ import annotations

import ast
import contextlib
import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import httpx
import pytest
from certificates import Pair, pair
from serving import Worker, read_all, serving

HEAD = b"Host: a\r\nConnection: close\r\n"
VERSIONS = ["1.1", "2"]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file larger than every buffer on its way."""
    path = tmp_path_factory.mktemp("files") / "large"
    path.write_bytes(b"".join(b"%9d\n" % index for index in range(3_000_000)))
    return path


def encrypted(made: Pair) -> dict[str, str]:
    """The settings that serve this certificate."""
    return {"ssl_certfile": str(made.chain), "ssl_keyfile": str(made.key)}


@contextlib.contextmanager
def files() -> Iterator[Worker]:
    with serving("served_extensions:sends_files", config={"write_timeout": 60}) as worker:
        yield worker


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_comes_whole(version: str, large: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    with files() as worker:
        with worker.client(version) as client:
            for path in (Path(__file__), empty, large):
                for query in ("", "?length"):
                    answer = client.get(f"{path}{query}")
                    assert answer.content == path.read_bytes()
                    # Over HTTP/2, the end of the stream says as much.
                    length = answer.headers.get("content-length", "0")
                    assert length == str(path.stat().st_size)
            assert client.get(f"{large}?ten").content == large.read_bytes()[:10]
            head = client.head(f"{large}?length")
            assert (head.content, head.headers["content-length"]) == (b"", "30000000")
            assert client.get(f"{__file__}").status_code == 200
        assert worker.end() == 0
        assert worker.log == []


def test_a_file_that_is_not_in_memory_comes_whole(large: Path) -> None:
    with files() as worker:
        with worker.client() as client:
            for _ in range(3):
                descriptor = os.open(large, os.O_RDONLY)
                os.fsync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(descriptor)
                assert client.get(str(large)).content == large.read_bytes()
        assert worker.end() == 0
        assert worker.log == []


def test_a_file_that_can_not_be_sent_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "short").write_bytes(b"12345")
    with files() as worker:
        with worker.client() as client:
            caught = client.get(f"{tmp_path}/missing?catch").text
            assert caught == f"FileNotFoundError 2 {tmp_path}/missing"
            caught = client.get(f"{tmp_path}?catch").text
            assert caught == f"IsADirectoryError 21 {tmp_path}"
            faults = [
                (f"{tmp_path}/missing", "FileNotFoundError"),
                (f"{tmp_path}", "IsADirectoryError"),
                (f"{tmp_path}/pipe", "is not a regular file"),
                (f"{tmp_path}/a%00b", "ValueError"),
                (f"{tmp_path}/short?ten", "not as long as Content-Length"),
            ]
            for path, _ in faults:
                answer = client.get(path)
                assert (answer.status_code, answer.text) == (500, "Internal Server Error\n")
        assert worker.end() == 0
        for record, (_, said) in zip(worker.log, faults, strict=True):
            assert said in record["exception"]


@pytest.mark.parametrize(("way", "said"), [("begun", "the body has begun"), ("more", "complete")])
def test_a_file_is_the_whole_body(way: str, said: str) -> None:
    with files() as worker:
        worker.exchange(f"GET {__file__}?{way} HTTP/1.1\r\n".encode() + HEAD + b"\r\n")
        assert worker.end() == 0
        assert [said in record["exception"] for record in worker.log] == [True]


def test_trailers_follow_a_file() -> None:
    with files() as worker:
        request = f"GET {__file__}?trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n"
        answer = worker.exchange(request.encode() + b"Connection: TE, close\r\n\r\n")
        assert answer.endswith(b"\r\n0\r\nx-end: 1\r\n\r\n")
        assert worker.end() == 0
        assert worker.log == []


def test_a_client_that_leaves_in_the_middle_of_a_file_is_no_fault(large: Path) -> None:
    with files() as worker:
        with worker.connect() as connection:
            connection.sendall(f"GET {large} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            connection.recv(1024)
        assert httpx.get(f"{worker.url}{__file__}").status_code == 200
        assert worker.end() == 0
        assert worker.log == []


def test_a_file_that_shrinks_meanwhile_cuts_the_response(tmp_path: Path) -> None:
    path = tmp_path / "shrinks"
    path.write_bytes(bytes(30_000_000))
    with (
        serving("served_extensions:sends_a_path", environment={"FILE": str(path)}) as worker,
        worker.connect() as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\n" + HEAD + b"\r\n")
        received = len(connection.recv(1024))
        os.truncate(path, 1000)
        received += len(read_all(connection))
        assert received < 30_000_000
        assert worker.end() == 0
        assert ["can not be read to its end" in each["exception"] for each in worker.log] == [True]


@pytest.mark.parametrize(
    ("path", "key", "said"),
    [
        ("/", "message", "returned before the end of its response"),
        ("/twice", "exception", "a file is being sent as the body"),
    ],
)
def test_a_file_that_the_application_gives_up_is_cut(
    path: str, key: str, said: str, large: Path
) -> None:
    environment = {"FILE": str(large)}
    with (
        serving("served_extensions:impatient", environment=environment) as worker,
        worker.connect() as connection,
    ):
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        worker.rest()
        assert len(read_all(connection)) < large.stat().st_size
        assert worker.end() == 0
        assert [said in record[key] for record in worker.log] == [True]


def test_hints_come_first_over_http_1_1_and_nowhere_else() -> None:
    with serving("served_extensions:hints") as worker:
        answer = worker.exchange(b"GET / HTTP/1.1\r\n" + HEAD + b"\r\n")
        assert answer.startswith(
            b"HTTP/1.1 103 Early Hints\r\n"
            b"link: </style.css>; rel=preload; as=style\r\n"
            b"link: </script.js>; rel=preload\r\n\r\n"
            b"HTTP/1.1 200 OK\r\n"
        )
        assert answer.endswith(b"\r\n\r\noffered")
        old = worker.exchange(b"GET / HTTP/1.0\r\n\r\n")
        assert old.startswith(b"HTTP/1.0 200 OK\r\n")
        assert old.endswith(b"none")
        for version, text in zip(VERSIONS, ("offered", "none"), strict=True):
            with worker.client(version) as client:
                for _ in range(3):
                    assert client.get("/").text == text
        assert worker.end() == 0
        assert worker.log == []


def test_hints_that_are_none_are_refused() -> None:
    with serving("served_extensions:hints") as worker:
        for path in (b"/forged", b"/text"):
            answer = worker.exchange(b"GET %s HTTP/1.1\r\n" % path + HEAD + b"\r\n")
            assert answer.startswith(b"HTTP/1.1 500 ")
            assert b"set-cookie" not in answer
        assert worker.exchange(b"GET /after HTTP/1.1\r\n" + HEAD + b"\r\n").endswith(b"whole")
        assert worker.end() == 0
        said = [record["exception"] for record in worker.log]
        assert "control character" in said[0]
        assert "iterable of bytes" in said[1]
        assert "the response is complete" in said[2]


def test_trailers_over_http_2() -> None:
    with serving("trailing") as worker, worker.connect() as connection:
        client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
        client.initiate_connection()
        request = [(b":method", b"GET"), (b":scheme", b"http")]
        request += [(b":authority", b"a"), (b":path", b"/")]
        client.send_headers(1, request, end_stream=True)
        connection.sendall(client.data_to_send())
        body, trailers = b"", None
        while trailers is None:
            for event in client.receive_data(connection.recv(65536)):
                if isinstance(event, h2.events.DataReceived):
                    body += event.data
                if isinstance(event, h2.events.TrailersReceived):
                    trailers = event.headers
        assert (body, dict(trailers)) == (b"offered", {b"x-sum": b"7"})


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_comes_whole_over_tls(version: str, large: Path, tmp_path: Path) -> None:
    made = pair(tmp_path / "tls")
    with serving("served_extensions:sends_files", config=encrypted(made)) as worker:
        address = f"https://localhost:{worker.port}"
        with httpx.Client(
            base_url=address, verify=made.trusting(), timeout=20, http2=version == "2"
        ) as client:
            for path in (Path(__file__), large):
                answer = client.get(f"{path}?length")
                assert answer.content == path.read_bytes()
                assert answer.http_version == f"HTTP/{version}"
        assert worker.end() == 0
        assert worker.log == []


def test_the_session_is_told_over_tls_only(tmp_path: Path) -> None:
    made = pair(tmp_path / "tls")
    with serving("show_scope", config=encrypted(made)) as worker:
        for newest, version in ((ssl.TLSVersion.TLSv1_3, 0x0304), (ssl.TLSVersion.TLSv1_2, 0x0303)):
            context = made.trusting()
            context.maximum_version = newest
            with (
                worker.connect() as plain,
                context.wrap_socket(plain, server_hostname="localhost") as connection,
            ):
                connection.sendall(b"GET / HTTP/1.1\r\n" + HEAD + b"\r\n")
                answer = b""
                while more := connection.recv(65536):
                    answer += more
                cipher = connection.cipher()
                assert cipher is not None
                ours = next(
                    each["id"] & 0xFFFF
                    for each in context.get_ciphers()
                    if each["name"] == cipher[0]
                )
            scope = ast.literal_eval(answer.partition(b"\r\n\r\n")[2].decode())
            assert scope["scheme"] == "https"
            assert scope["extensions"]["tls"] == {
                "server_cert": made.chain.read_text(encoding="ascii").strip(),
                "client_cert_chain": (),
                "client_cert_name": None,
                "client_cert_error": None,
                "tls_version": version,
                "cipher_suite": ours,
            }
    with serving("show_scope", config={"trusted_hosts": ["127.0.0.1"]}) as worker:
        headers = {"X-Forwarded-Proto": "https"}
        scope = ast.literal_eval(httpx.get(worker.url, headers=headers).text)
        assert scope["scheme"] == "https"
        assert "tls" not in scope["extensions"]
