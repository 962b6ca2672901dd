"""Worker hooks: called once in each worker, on its loop; what failing does."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from launching import serve
from serving import serving, starting


def record(log: list[dict[str, Any]], event: str) -> dict[str, Any]:
    """The one line of an event."""
    [found] = [line for line in log if line["event"] == event]
    return found


def test_hooks_run_around_the_requests_on_the_workers_loop(tmp_path: Path) -> None:
    environment = {"HOOKS": str(tmp_path / "hooks")}
    with serving("hooked_app:app", worker_id=2, generation=5, environment=environment) as worker:
        assert httpx.get(worker.url).text == "a client of this loop, set by a hook"
        assert worker.end() == 0
        assert worker.log == []
    seen = [json.loads(line) for line in (tmp_path / "hooks").read_text().splitlines()]
    assert [(one["type"], one["worker_id"], one["generation"]) for one in seen] == [
        ("lifespan.startup", None, None),
        ("pounce.worker.startup", 2, 5),
        ("http", None, None),
        ("pounce.worker.shutdown", 2, 5),
        ("lifespan.shutdown", None, None),
    ]
    assert len({one["loop"] for one in seen}) == 1


@pytest.mark.parametrize(
    "target",
    [
        "hello",
        "with_lifespan",
        "frameworks.starlette_app:app",
        "frameworks.fastapi_app:app",
        "frameworks.litestar_app:app",
    ],
)
def test_an_app_without_hooks_is_served_without_a_word(target: str) -> None:
    with serving(target, config={"log_level": "info"}) as worker:
        assert worker.end() == 0
        assert worker.log == []
    with serving(target, config={"log_level": "debug"}) as worker:
        assert worker.end() == 0
        assert record(worker.log, "worker_hooks_absent")["level"] == "debug"


@pytest.mark.parametrize("fault", ["raises", "hangs"])
def test_a_failing_hook_is_logged_and_the_worker_serves(fault: str, tmp_path: Path) -> None:
    environment = {"HOOKS": str(tmp_path / "hooks"), "FAULT": fault}
    config = {"startup_timeout": 0.3}
    with serving("hooked_app:app", environment=environment, config=config) as worker:
        assert httpx.get(worker.url).status_code == 200
        assert worker.end() == 0
        line = record(worker.log, "worker_hook_failed")
    assert line["level"] == "warning"
    assert ("no cache server" if fault == "raises" else "longer than 0.3 s") in line["exception"]
    # What it has begun it may end.
    assert "pounce.worker.shutdown" in (tmp_path / "hooks").read_text()


@pytest.mark.parametrize(
    ("target", "said"),
    [("hooked_app:app", "LookupError: no cache server"), ("hello", "AssertionError")],
)
def test_a_hook_that_must_not_fail_ends_the_worker(target: str, said: str, tmp_path: Path) -> None:
    environment = {"HOOKS": str(tmp_path / "hooks"), "FAULT": "raises"}
    config = {"worker_startup_failure": "shutdown"}
    with starting(target, environment, config=config) as worker:
        assert worker.wait() == 3
        worker.until(b"never")
        assert said in worker.news.decode()
        assert "exception" in record(worker.log, "worker_hook_failed")
    if target == "hooked_app:app":
        assert "lifespan.shutdown" in (tmp_path / "hooks").read_text()


def test_a_failing_shutdown_hook_is_logged(tmp_path: Path) -> None:
    environment = {"HOOKS": str(tmp_path / "hooks"), "FAULT": "at the end"}
    with serving("hooked_app:app", environment=environment) as worker:
        assert worker.end() == 0
        assert "could not say goodbye" in record(worker.log, "worker_hook_failed")["exception"]


def test_every_worker_has_its_hooks_and_a_required_one_stops_the_launch(tmp_path: Path) -> None:
    app = (Path(__file__).parent / "hooked_app.py").read_text(encoding="utf-8")
    (tmp_path / "served.py").write_text(app, encoding="utf-8")

    environment = {**os.environ, "HOOKS": str(tmp_path / "hooks")}
    words = ["--port", "0", "--workers", "2", "--config", "pounce.toml"]
    (tmp_path / "pounce.toml").write_text('worker_startup_failure = "shutdown"\n')
    with serve(tmp_path, *words, env=environment) as server:
        server.started()
        server.stop()
    seen = [json.loads(line) for line in (tmp_path / "hooks").read_text().splitlines()]
    started = {one["worker_id"] for one in seen if one["type"] == "pounce.worker.startup"}
    assert started == {0, 1}
    with serve(tmp_path, *words, env={**environment, "FAULT": "raises"}) as server:
        code, said = server.end()
    assert code != 0
    assert "no cache server" in said


def test_who_is_told_to_end_in_its_hook_shuts_the_app_down(tmp_path: Path) -> None:
    environment = {"HOOKS": str(tmp_path / "hooks"), "FAULT": "told to end"}
    with starting("hooked_app:app", environment=environment) as worker:
        assert worker.wait() == 1
        assert worker.log == []
    seen = [json.loads(line)["type"] for line in (tmp_path / "hooks").read_text().splitlines()]
    # A hook that was not done has nothing to take back.
    assert seen == ["lifespan.startup", "pounce.worker.startup", "lifespan.shutdown"]


def test_an_app_that_cannot_be_served_after_all_is_shut_down(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("no certificate", encoding="utf-8")
    pem = str(tmp_path / "no.pem")
    environment = {"HOOKS": str(tmp_path / "hooks")}
    config = {"ssl_certfile": pem, "ssl_keyfile": pem}
    with starting("hooked_app:app", environment=environment, config=config) as worker:
        assert worker.wait() == 3
        assert pem in worker.log[-1]["message"]
    seen = [json.loads(line)["type"] for line in (tmp_path / "hooks").read_text().splitlines()]
    assert seen[2:] == ["pounce.worker.shutdown", "lifespan.shutdown"]
