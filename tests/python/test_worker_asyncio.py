"""What applications and frameworks may use inside of a request: the loop is theirs."""

from __future__ import annotations

import ast
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
