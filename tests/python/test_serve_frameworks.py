"""Applications of frameworks on the worker: over HTTP/1.1 and HTTP/2, with uvloop and without."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from serving import HERE, Worker, serving, without_uvloop

APPS = HERE / "frameworks"
FILES = {"file": ("a.txt", b"y" * 300_000)}


@pytest.fixture(params=[("1.1", "uvloop"), ("2", "uvloop"), ("1.1", "asyncio")], ids="-".join)
def way(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, str]]:
    """A version of HTTP, and the environment of the worker."""
    version, loop = request.param
    return version, {} if loop == "uvloop" else without_uvloop(tmp_path)


@contextlib.contextmanager
def client_of(
    name: str, way: tuple[str, dict[str, str]], *, faults: int = 0
) -> Iterator[tuple[httpx.Client, Worker]]:
    """A client of an application that shuts down as it should, after so many faults were logged."""
    version, environment = way
    with serving(f"frameworks.{name}:app", environment=environment) as worker:
        with worker.client(version) as client:
            yield client, worker
        assert worker.end() == 0
        assert len(worker.log) == faults, worker.log
        assert (b"the app has shut down" in worker.output) == (name != "django_app")


def test_starlette(way: tuple[str, dict[str, str]]) -> None:
    with client_of("starlette_app", way, faults=1) as (client, worker):
        assert client.get("/?name=you").json() == {
            "hello": "you",
            "started": True,
            "url": f"{worker.url}/",
        }
        assert client.post("/upload", content=b"x" * 300_000).text == "300000"
        form = client.post("/form", files=FILES, data={"note": "é"})
        assert form.json() == {"name": "a.txt", "size": 300_000, "note": "é"}
        assert client.get("/stream").text == "".join(f"{index};" for index in range(100))
        squeezed = client.get("/squeezed/stream")
        assert squeezed.headers["content-encoding"] == "gzip"
        assert squeezed.text == client.get("/stream").text
        assert client.get("/background").text == "soon"
        assert client.get("/ran").text == "x"
        assert client.get("/raises").status_code == 500


def test_starlette_sends_files_by_their_path(way: tuple[str, dict[str, str]]) -> None:
    source = (APPS / "starlette_app.py").read_bytes()
    with client_of("starlette_app", way) as (client, _):
        for path in ("/files/file", "/files/static/starlette_app.py"):
            answer = client.get(path)
            assert answer.content == source
            assert answer.headers["content-length"] == str(len(source))
            assert client.head(path).headers["content-length"] == str(len(source))
            part = client.get(path, headers={"Range": "bytes=10-19"})
            assert (part.status_code, part.content) == (206, source[10:20])
            fresh = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
            assert fresh.status_code == (304 if "static" in path else 200)
        assert client.get("/files/static/missing").status_code == 404
        assert set(client.get("/sent").json()) == {"starlette_app.py"}
        # Middleware that can not pass the extension on takes the file apart itself.
        passed = client.get("/passing/file")
        assert (passed.content, passed.headers["x-passed"]) == (source, "yes")


def test_starlette_ends_a_stream_whose_client_is_gone(way: tuple[str, dict[str, str]]) -> None:
    with client_of("starlette_app", way) as (client, worker):
        with worker.client(way[0]) as other, other.stream("GET", "/endless") as answer:
            assert next(answer.iter_raw())
        assert client.get("/ran").text == "the client is gone"


def test_fastapi(way: tuple[str, dict[str, str]]) -> None:
    with client_of("fastapi_app", way) as (client, _):
        answer = client.get("/items/7", headers={"X-User": "known"})
        assert answer.json() == {"item": 7, "user": "known", "started": True}
        assert client.get("/items/x").status_code == 422
        assert client.get("/thread").json() == {"main": False}
        assert client.post("/json", json={"name": "a", "price": 2.5}).json() == {"total": 5.0}
        assert client.get("/database").json() == "database"
        assert client.get("/refused").status_code == 409
        assert client.post("/later").json() == "later"
        while "in a thread" not in (events := client.get("/events").json()):
            pass
        assert events == ["opened", "closed", "opened", "closed", "soon", "in a thread"]
        form = client.post("/upload", files=FILES, data={"note": "n"})
        assert form.json() == {"name": "a.txt", "size": 300_000, "note": "n"}
        assert client.post("/raw", content=b"x" * 100_000).json() == {"length": 100_000}
        with client.stream("GET", "/sse") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = [line for line in answer.iter_lines() if line]
        assert lines == [part for n in range(3) for part in (f"id: {n}", "data: tick")]
        assert client.get("/openapi.json").json()["info"]["title"] == "FastAPI"


def test_django(way: tuple[str, dict[str, str]]) -> None:
    with client_of("django_app", way) as (client, _):
        assert client.get("/async/?q=1&q=%C3%A9").json() == {
            "path": "/async/",
            "script": "",
            "query": ["1", "é"],
            "address": "127.0.0.1",
            "secure": False,
        }
        assert client.get("/sync/").json() == {"main": False}
        assert client.get("/async").headers["location"] == "/async/"
        pieces = "".join(f"{index};" for index in range(50))
        assert client.get("/stream/").text == pieces
        assert client.get("/sync-stream/").text == pieces
        form = client.post("/upload/", files=FILES, data={"note": "n"})
        assert form.json() == {"name": "a.txt", "size": 300_000, "note": "n"}
        assert client.post("/body/", content=b"x" * 100_000).text == "100000"
        assert [client.get("/count/").text for _ in range(3)] == ["1", "2", "3"]
        assert client.get("/file/").content == (APPS / "django_app.py").read_bytes()
        assert client.get("/raises/").status_code == 500
        assert client.get("/missing/").status_code == 404


def test_litestar(way: tuple[str, dict[str, str]]) -> None:
    with client_of("litestar_app", way) as (client, _):
        answer = client.get("/items/7", headers={"X-User": "known"})
        assert answer.json() == {"item": 7, "user": "known", "started": True}
        assert client.get("/items/x").status_code == 404
        assert client.post("/json", json={"name": "a", "price": 2.5}).json() == {"total": 5.0}
        assert client.post("/json", json={"name": "a"}).status_code == 400
        assert client.get("/stream").text == "".join(f"{index};" for index in range(50))
        form = client.post("/upload", files=FILES)
        assert form.json() == {"name": "a.txt", "size": 300_000}
        lines = [line for line in client.get("/sse").text.splitlines() if line]
        assert lines == [f"data: tick {index}" for index in range(3)]
        assert client.get("/file").content == (APPS / "litestar_app.py").read_bytes()
        assert client.get("/background").text == "soon"
        assert client.get("/ran").text == "x"
        assert client.get("/raises").status_code == 500


def test_quart(way: tuple[str, dict[str, str]]) -> None:
    with client_of("quart_app", way) as (client, _):
        assert client.get("/?name=you").json() == {
            "started": ["yes"],
            "path": "/",
            "root": "",
            "name": "you",
            "address": "127.0.0.1",
        }
        assert client.get("/stream").text == "".join(f"{index};" for index in range(50))
        assert client.post("/echo", content=b"x" * 300_000).json() == {"length": 300_000}
        form = client.post("/upload", files=FILES, data={"note": "n"})
        assert form.json() == {"name": "a.txt", "size": 300_000, "note": "n"}
        assert [client.get("/count").text for _ in range(3)] == ["1", "2", "3"]
        assert client.get("/file").content == (APPS / "quart_app.py").read_bytes()
        assert client.get("/background").text == "soon"
        assert client.get("/ran").text == "x"
        assert client.get("/thread?a=b").json() == {"length": 1}
        assert client.get("/raises").status_code == 500


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("starlette_app", "/?name=a", {"hello": "a", "started": True, "url": "http://shop/x/"}),
        ("quart_app", "/?name=a", {"path": "/", "root": "/x", "name": "a"}),
        ("django_app", "/async/", {"path": "/x/async/", "script": "/x"}),
    ],
)
def test_frameworks_find_their_way_under_a_root(
    name: str, path: str, expected: dict[str, object]
) -> None:
    with serving(f"frameworks.{name}:app", config={"root_path": "/x"}) as worker:
        for sent in (path, f"/x{path}"):
            host = "127.0.0.1" if name == "django_app" else "shop"
            answer = httpx.get(f"{worker.url}{sent}", headers={"Host": host}).json()
            assert answer.items() >= expected.items()
