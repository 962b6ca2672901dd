"""What applications and frameworks may use inside of a request: the loop is theirs."""

from __future__ import annotations

import ast
from pathlib import Path

import httpx
import pytest
from serving import serving


@pytest.fixture(params=["uvloop", "asyncio"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """With uvloop, and as if it were not installed."""
    if request.param == "uvloop":
        return {}
    (tmp_path / "uvloop.py").write_text("raise ImportError('absent')\n", encoding="utf-8")
    return {"PYTHONPATH": str(tmp_path)}


def test_asyncio_and_anyio_work_inside_of_requests(environment: dict[str, str]) -> None:
    with serving("loop_facts", environment=environment) as worker:
        with httpx.Client(base_url=worker.url, timeout=20) as client:
            answers = [client.get(f"/{index}") for index in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 200], worker.end()
        loops = set()
        for index, answer in enumerate(answers):
            facts = ast.literal_eval(answer.text)
            loops.add(facts.pop("loop"))
            assert facts == {
                "inherited": "unset",
                "task": True,
                "same_task": True,
                "mark": f"/{index}",
                "in_thread": (f"/{index}", True),
                "child": f"/{index}",
                "timeout": True,
                "anyio": True,
                "from_thread": f"/{index}",
                "add_reader": True,
                "subprocess": 0,
                "signal": True,
                "receive_in_task": "http.request",
                "cancelled": True,
            }
        assert loops == {"asyncio" if environment else "uvloop"}
        assert worker.end() == 0
        assert worker.log == []


def test_starlette(environment: dict[str, str]) -> None:
    with serving("frameworks:starlette_app", environment=environment) as worker:
        with httpx.Client(base_url=worker.url, timeout=20) as client:
            assert client.get("/?name=you").json() == {"hello": "you", "started": True}
            assert client.post("/upload", content=b"x" * 300_000).text == "300000"
            assert client.get("/stream").text == "".join(f"{index};" for index in range(100))
            assert client.get("/background").text == "soon"
            assert client.get("/ran").text == "1"
            assert client.get("/raises").status_code == 500
            assert (
                client.get("/file").content
                == Path(__file__).with_name("frameworks.py").read_bytes()
            )
        assert worker.end() == 0
        assert len(worker.log) == 1
        assert b"starlette has shut down" in worker._log


def test_fastapi(environment: dict[str, str]) -> None:
    with serving("frameworks:fastapi_app", environment=environment) as worker:
        with httpx.Client(base_url=worker.url, timeout=20) as client:
            assert client.get("/items/7").json() == {"item": 7, "user": "known"}
            assert client.get("/items/x").status_code == 422
            assert client.get("/thread").json() == {"main": False}
            assert client.post("/json", json={"name": "a", "price": 2.5}).json() == {"total": 5.0}
            files = {"file": ("a.txt", b"y" * 100_000)}
            assert client.post("/file", files=files).json() == {"length": 100_000}
        assert worker.end() == 0
        assert worker.log == []
