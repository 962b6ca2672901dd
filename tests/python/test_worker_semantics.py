"""What HTTP asks of a server (RFC 9110, RFC 9112, RFC 9113), by raw bytes, curl and httpx."""

from __future__ import annotations

import ast
import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import Worker, read_all, read_until, serving

CLOSE = b"Host: a\r\nConnection: close\r\n\r\n"
VERSIONS = ["1.1", "2"]


@contextlib.contextmanager
def unusual(**settings: Any) -> Iterator[Worker]:
    with serving("served_extensions:unusual", **settings) as worker:
        yield worker
        assert worker.end() == 0
        assert worker.log == []


def get(worker: Worker, path: str, *, method: str = "GET") -> tuple[list[bytes], bytes]:
    """The lines of the head, and the body."""
    answer = worker.exchange(f"{method} {path} HTTP/1.1\r\n".encode() + CLOSE)
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), body


def values(lines: list[bytes], name: bytes) -> list[bytes]:
    """The values of a header, in order."""
    return [line.partition(b": ")[2] for line in lines if line.startswith(name + b": ")]


def scope_of(worker: Worker, request: bytes) -> dict[str, Any]:
    """The scope that the application has seen of this request."""
    answer = worker.exchange(request).partition(b"\r\n\r\n")[2].decode()
    scope: dict[str, Any] = ast.literal_eval(answer)
    return scope


def test_the_servers_own_headers_come_once_and_give_way() -> None:
    with unusual() as worker:
        lines, _ = get(worker, "/date")
        assert values(lines, b"date") == [b"Thu, 01 Jan 1970 00:00:00 GMT"]
        assert values(lines, b"server") == [b"mine"]
        lines, _ = get(worker, "/cookies")
        assert [len(values(lines, name)) for name in (b"date", b"server")] == [1, 1]
        assert values(lines, b"set-cookie") == [b"a=1", b"b=2; Path=/"]
    with unusual(config={"date_header": False, "server_header": ""}) as worker:
        lines, _ = get(worker, "/cookies")
        assert [len(values(lines, name)) for name in (b"date", b"server")] == [0, 0]


def test_headers_keep_order_and_case_of_values() -> None:
    with unusual() as worker:
        lines, _ = get(worker, "/order")
        assert lines[1:21] == [b"x-%d: %d" % (index, index) for index in range(20)]
        lines, _ = get(worker, "/upper")
        assert values(lines, b"x-upper") == [b"Kept As It Is"]
        assert values(lines, b"x-empty") == [b""]
        lines, _ = get(worker, "/big")
        assert values(lines, b"x-big") == [b"v" * 30_000]


def test_bodies_are_framed_by_the_server() -> None:
    with unusual() as worker:
        lines, body = get(worker, "/streams")
        assert values(lines, b"transfer-encoding") == [b"chunked"]
        assert body == b"2\r\n0;\r\n2\r\n1;\r\n2\r\n2;\r\n0\r\n\r\n"
        lines, body = get(worker, "/chunked")
        assert (values(lines, b"transfer-encoding"), body) == ([], b"once")
        assert values(lines, b"content-length") == [b"4"]
        assert get(worker, "/views")[1] == b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"
        lines, body = get(worker, "/205")
        assert (values(lines, b"content-length"), body) == ([b"0"], b"")
        for path, length in (("/head-with-length", [b"4"]), ("/streams", [])):
            lines, body = get(worker, path, method="HEAD")
            assert (values(lines, b"content-length"), body) == (length, b"")


def test_http_1_0_ends_with_the_connection_unless_it_is_kept() -> None:
    with unusual() as worker:
        answer = worker.exchange(b"GET /streams HTTP/1.0\r\n\r\n")
        assert b"transfer-encoding" not in answer
        assert answer.endswith(b"\r\n\r\n0;1;2;")
        # Its end can only be told by the connection's, whatever the client hopes for.
        hopeful = worker.exchange(b"GET /streams HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert hopeful.endswith(b"\r\n\r\n0;1;2;")
        assert b"keep-alive" not in hopeful
        with worker.connect() as connection:
            for _ in range(2):
                connection.sendall(b"GET /cookies HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                head = read_until(connection, b"\r\n\r\n")
                assert b"\r\nconnection: keep-alive\r\n" in head
            connection.sendall(b"GET /cookies HTTP/1.0\r\n\r\n")
            assert b"keep-alive" not in read_all(connection)


def test_an_expectation_is_answered_when_the_body_is_wanted() -> None:
    head = b"Host: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    with unusual() as worker:
        with worker.connect() as connection:
            connection.sendall(b"POST /reads HTTP/1.1\r\n" + head)
            read_until(connection, b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.sendall(b"abc")
            read_until(connection, b"\r\n\r\n3")
        with worker.connect() as connection:
            connection.sendall(b"POST /ignores HTTP/1.1\r\n" + head)
            # Whether the body comes now is open: the connection can not go on.
            answer = read_all(connection)
            assert answer.startswith(b"HTTP/1.1 401 ")
            assert b"\r\nconnection: close\r\n" in answer
        other = worker.exchange(b"POST /reads HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n")
        assert other.startswith(b"HTTP/1.1 417 ")


def test_a_body_that_nobody_reads_does_not_spoil_the_next_request() -> None:
    with unusual() as worker, worker.connect() as connection:
        request = b"POST /ignores HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /"
        connection.sendall(request + b"GET /cookies HTTP/1.1\r\n" + CLOSE)
        answer = read_all(connection)
        assert answer.count(b"HTTP/1.1 ") == 2
        assert b"\r\nset-cookie: a=1\r\n" in answer


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query"),
    [
        (b"/a%20b/%C3%A9", "/a b/é", b"/a%20b/%C3%A9", b""),
        (b"/%ff%2Fx", "/\ufffd/x", b"/%ff%2Fx", b""),
        (b"/a?b=%20?c&d", "/a", b"/a", b"b=%20?c&d"),
        (b"//a//../b/./", "//a//../b/./", b"//a//../b/./", b""),
        (b"/%", "/%", b"/%", b""),
        (b"/a;p=1,2:@!$&'()*+=~", "/a;p=1,2:@!$&'()*+=~", b"/a;p=1,2:@!$&'()*+=~", b""),
        (b"http://shop.example:81/x?y", "/x", b"/x", b"y"),
        (b"http://shop.example:81", "/", b"/", b""),
        (b"http://shop.example:81?y", "/", b"/", b"y"),
    ],
)
def test_targets(target: bytes, path: str, raw_path: bytes, query: bytes) -> None:
    with unusual() as worker:
        scope = scope_of(worker, b"GET %s HTTP/1.1\r\n" % target + CLOSE)
        seen = (scope["path"], scope["raw_path"], scope["query_string"])
        assert seen == (path, raw_path, query)
        host = b"shop.example:81" if b"shop" in target else b"a"
        assert (b"host", host) in scope["headers"]


def test_targets_that_are_none_are_refused() -> None:
    with unusual() as worker:
        scope = scope_of(worker, b"OPTIONS * HTTP/1.1\r\n" + CLOSE)
        assert (scope["method"], scope["path"], scope["raw_path"]) == ("OPTIONS", "*", b"*")
        for target, status in [
            (b"*", 400),
            (b"/#fragment", 400),
            (b"/\xc3\xa9", 400),
            (b"/a b", 400),
            (b"a", 400),
            (b"/" + b"a" * 70_000, 414),
        ]:
            answer = worker.exchange(b"GET %s HTTP/1.1\r\n" % target + CLOSE)
            assert answer.startswith(b"HTTP/1.1 %d " % status), target
        answer = worker.exchange(b"CONNECT a:443 HTTP/1.1\r\n" + CLOSE)
        assert answer.startswith(b"HTTP/1.1 501 ")


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/users", "/shop/users"),
        (b"/shop/users", "/shop/users"),
        (b"/shop", "/shop"),
        (b"/shopping", "/shop/shopping"),
        (b"/", "/shop/"),
        (b"/%73hop/x", "/shop/x"),
    ],
)
@pytest.mark.parametrize("root_path", ["/shop", "/shop/"])
def test_the_path_is_under_the_root_whatever_the_proxy_does(
    root_path: str, target: bytes, path: str
) -> None:
    with unusual(config={"root_path": root_path}) as worker:
        scope = scope_of(worker, b"GET %s HTTP/1.1\r\n" % target + CLOSE)
        seen = (scope["root_path"], scope["path"], scope["raw_path"])
        assert seen == ("/shop", path, target)


def test_headers_come_in_lower_case_with_their_duplicates() -> None:
    with unusual() as worker:
        more = b"X-Odd: \xe9 \t\r\nCookie: a=b\r\nCOOKIE: c=d\r\nX-Empty:\r\n"
        scope = scope_of(worker, b"BREW / HTTP/1.1\r\n" + more + CLOSE)
        assert scope["method"] == "BREW"
        assert scope["headers"] == [
            (b"x-odd", b"\xe9"),
            (b"cookie", b"a=b"),
            (b"cookie", b"c=d"),
            (b"x-empty", b""),
            (b"host", b"a"),
            (b"connection", b"close"),
        ]


def test_http_2_names_the_host_first_and_joins_cookies() -> None:
    with (
        unusual() as worker,
        worker.client("2") as client,
    ):
        headers = [("x-a", "1"), ("cookie", "a=b"), ("cookie", "c=d"), ("x-a", "2")]
        scope = ast.literal_eval(client.get("/a%20b?c", headers=headers).text)
        assert scope["http_version"] == "2"
        assert scope["headers"][0] == (b"host", f"127.0.0.1:{worker.port}".encode())
        names = [name for name, _ in scope["headers"]]
        assert names.count(b"host") == 1
        assert not [name for name in names if name.startswith(b":")]
        assert (b"cookie", b"a=b; c=d") in scope["headers"]
        assert [value for name, value in scope["headers"] if name == b"x-a"] == [b"1", b"2"]
        assert (scope["path"], scope["raw_path"]) == ("/a b", b"/a%20b")
        assert (scope["query_string"], scope["scheme"]) == (b"c", "http")


@pytest.mark.parametrize("version", VERSIONS)
def test_answers_are_the_same_over_both_versions(version: str) -> None:
    with unusual() as worker, worker.client(version) as client:
        assert client.post("/reads", content=b"x" * 900_000).text == "900000"
        assert client.get("/streams").text == "0;1;2;"
        assert client.get("/cookies").headers.get_list("set-cookie") == ["a=1", "b=2; Path=/"]
        assert client.get("/date").headers.get_list("date") == ["Thu, 01 Jan 1970 00:00:00 GMT"]
        assert client.get("/205").content == b""
        head = client.head("/head-with-length")
        assert (head.content, head.headers["content-length"]) == (b"", "4")
        chunked = client.get("/chunked")
        assert (chunked.text, "connection" in chunked.headers) == ("once", False)


@pytest.mark.parametrize("path", ["/4", "/6"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_body_of_another_length_than_promised_is_never_whole(version: str, path: str) -> None:
    with serving("lengths") as worker:
        with worker.client(version) as client:
            assert client.get("/5").text == "xxxxx"
            try:
                answer = client.get(path)
            except httpx.TransportError:
                answer = None
            # 500 where it is noticed before anything has left.
            assert answer is None or answer.status_code == 500
        assert worker.end() == 0
        assert len(worker.log) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_response_that_fails_is_never_whole(version: str) -> None:
    with serving("faulty") as worker:
        with worker.client(version) as client:
            for path in ("/within", "/half"):
                with pytest.raises(httpx.TransportError):
                    client.get(path)
            assert client.get("/raises").status_code == 500
            assert client.get("/after").text == "whole"
        assert worker.end() == 0
        assert len(worker.log) == 4


def test_addresses_of_ip_version_6() -> None:
    with unusual(address="::1") as worker:
        with worker.connect() as connection:
            ours = connection.getsockname()
            connection.sendall(b"GET / HTTP/1.1\r\n" + CLOSE)
            scope = ast.literal_eval(read_all(connection).partition(b"\r\n\r\n")[2].decode())
        assert (scope["client"], scope["server"]) == (ours[:2], ("::1", worker.port))


def test_addresses_of_ip_version_4_on_a_socket_for_both() -> None:
    with unusual(address="::") as worker:
        with socket.create_connection(("127.0.0.1", worker.port), timeout=20) as connection:
            ours = connection.getsockname()
            connection.sendall(b"GET / HTTP/1.1\r\n" + CLOSE)
            scope = ast.literal_eval(read_all(connection).partition(b"\r\n\r\n")[2].decode())
        assert (scope["client"], scope["server"]) == (ours, ("127.0.0.1", worker.port))


def test_addresses_of_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with unusual(address=path, config={"uds": path}) as worker:
        scope = scope_of(worker, b"GET / HTTP/1.1\r\n" + CLOSE)
        assert (scope["client"], scope["server"]) == (None, (path, None))


def curl(*arguments: str) -> str:
    command = ["curl", "--silent", "--show-error", "--max-time", "20", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_curl_gets_and_posts_over_both_versions() -> None:
    with unusual() as worker:
        for version, name in (("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")):
            shown = ("--write-out", "|%{http_version}|%{response_code}")
            assert curl(version, *shown, f"{worker.url}/streams") == f"0;1;2;|{name}|200"
            body = ("--data-binary", "x" * 100_000)
            assert curl(version, *body, f"{worker.url}/reads") == "100000"
            expecting = ("--header", "Expect: 100-continue", *body)
            assert curl(version, *expecting, f"{worker.url}/reads") == "100000"
            assert "x-big" in curl(version, "--head", f"{worker.url}/big")
