"""What applications and frameworks may use inside of a request: the loop is theirs."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import httpx
import pytest
from serving import serving, without_uvloop


@pytest.fixture(params=["uvloop", "asyncio"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """With uvloop, and as if it were not installed."""
    return {} if request.param == "uvloop" else without_uvloop(tmp_path)


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


PARTS = {
    "first_step": (True, "asyncio"),
    "timeouts": "expired",
    "task_group": ["a", "b"],
    "gather_and_shield": ["CancelledError", "inner", "c"],
    "cancelled": ["told", "cleaned"],
    "queue_and_locks": ([0, 1, 2], ["x", "y"]),
    "streams": "HELLO\n",
    "sockets": "bytes",
    "subprocess": ("SAID", 0),
    "executors": (True, "from a thread"),
    "loop_of_its_own": (True, True, "back"),
    "generators": ["ended"],
    "contexts": ("request", "task", "request", "request", "child"),
    "signals": "SIGALRM",
    "anyio": (["a", "b"], True),
    "timers": ["later", "soon"],
}


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_every_part_of_asyncio(version: str, environment: dict[str, str]) -> None:
    with serving("served_asyncio:parts", environment=environment) as worker:
        with worker.client(version) as client:
            for part, expected in PARTS.items():
                answer = client.get(f"/{part}")
                assert answer.status_code == 200, worker.end()
                assert ast.literal_eval(answer.text) == expected, part
        assert worker.end() == 0
        assert worker.log == []


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_requests_at_once_keep_apart(version: str, environment: dict[str, str]) -> None:
    async def ask(port: int) -> list[str]:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            timeout=20,
            http1=version == "1.1",
            http2=version == "2",
        ) as client:
            answers = await asyncio.gather(*(client.get(f"/{part}") for part in AT_ONCE))
            return [answer.text for answer in answers]

    with serving("served_asyncio:parts", environment=environment) as worker:
        texts = asyncio.run(ask(worker.port))
        assert [ast.literal_eval(text) for text in texts] == [PARTS[part] for part in AT_ONCE]
        assert worker.end() == 0
        assert worker.log == []


# Signals have one handler in a process; everything else may happen many times at once.
AT_ONCE = [part for part in PARTS if part != "signals"] * 4


def test_receive_and_send_belong_to_every_task(environment: dict[str, str]) -> None:
    with serving("served_asyncio:receives", environment=environment) as worker:
        with worker.client() as client:
            text = client.post("/", content=b"x" * 100_000).text
            assert text == "01234[100000, 'nothing more comes']"
            assert client.get("/cancels-itself").status_code == 500
        assert worker.end() == 0
        assert ["CancelledError" in record["exception"] for record in worker.log] == [True]
        assert worker.output.count(b"http.disconnect") == 1


def test_a_client_that_never_pauses_holds_nothing_up(environment: dict[str, str]) -> None:
    request = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
    with serving("served_asyncio:background", environment=environment) as worker:
        with worker.connect() as connection:
            turns: list[dict[str, int]] = []
            while len(turns) < 200 or min(turns[-1].values()) < 5:
                assert len(turns) < 100_000, turns[-1]
                connection.sendall(request)
                answered = connection.recv(4096).decode()
                turns.append(ast.literal_eval(answered.partition("\r\n\r\n")[2]))
        assert worker.end() == 0
        assert worker.log == []
