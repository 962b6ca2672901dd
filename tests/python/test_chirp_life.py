"""A Chirp app's life: hooks, probes, what it says to other scopes, and how it is served."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from browsing import Browser, http, production, speak
from chirp import App, AppConfig, HealthCheck
from chirp.serving.launch import server_config
from launching import Server, wait_for
from serving import serving

STARTUP = {"type": "lifespan.startup"}
SHUTDOWN = {"type": "lifespan.shutdown"}


def test_hooks_run_in_order_at_their_moments() -> None:
    app = App()
    seen: list[str] = []

    for moment in ("startup", "shutdown", "worker_startup", "worker_shutdown"):
        hook = getattr(app, f"on_{moment}")
        hook(lambda moment=moment: seen.append(f"{moment} 1"))

        async def second(moment: str = moment) -> None:
            seen.append(f"{moment} 2")

        hook(second)

    async def worker_life() -> None:
        for kind in ("pounce.worker.startup", "pounce.worker.shutdown"):
            await app({"type": kind, "worker_id": 0, "generation": 0}, nothing, nowhere)

    sent = speak(app, {"type": "lifespan"}, [STARTUP, SHUTDOWN])
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    asyncio.run(worker_life())
    assert seen == [
        f"{moment} {number}"
        for moment in ("startup", "shutdown", "worker_startup", "worker_shutdown")
        for number in (1, 2)
    ]


async def nothing() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}


async def nowhere(message: MutableMapping[str, Any]) -> None:
    raise AssertionError(message)


def test_a_start_that_fails_is_told(caplog: pytest.LogCaptureFixture) -> None:
    app = App()
    seen = []

    @app.on_startup
    def fail() -> None:
        raise OSError("no database")

    app.on_startup(lambda: seen.append("later"))
    (message,) = speak(app, {"type": "lifespan"}, [STARTUP])
    assert message == {"type": "lifespan.startup.failed", "message": "OSError: no database"}
    assert seen == []
    assert "no database" in caplog.text


def test_one_hook_that_fails_keeps_no_other_from_ending() -> None:
    app = App()
    seen = []

    @app.on_shutdown
    def fail() -> None:
        raise OSError("gone")

    app.on_shutdown(lambda: seen.append("later"))
    _, message = speak(app, {"type": "lifespan"}, [STARTUP, SHUTDOWN])
    assert message == {"type": "lifespan.shutdown.failed", "message": "OSError: gone"}
    assert seen == ["later"]


def test_probes_stand_in_front_of_everything() -> None:
    app = App(production())
    app.add_middleware(lambda request, step: 1 / 0)
    browser = Browser(app, "https://10.0.0.7")
    live = browser.get("/health")
    assert (live.status_code, live.text) == (200, "ok")
    assert live.headers["content-type"] == "text/plain; charset=utf-8"
    assert browser.get("/ready").text == "ready"
    assert browser.request("HEAD", "/health").status_code == 200
    assert browser.post("/health").status_code == 400


def test_readiness_waits_for_the_start_and_for_every_check(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = App(AppConfig(health_path="/-/live", ready_path="/-/ready"))
    well = {"cache": True, "stock": True}

    async def cache() -> bool:
        return well["cache"]

    def stock() -> bool:
        if not well["stock"]:
            raise OSError("redis://user:tea4two@host")
        return True

    app.add_health_check(HealthCheck("cache", cache, message="the cache is cold"))
    app.add_health_check(HealthCheck("stock", stock))
    browser = Browser(app)
    answers = []

    def ask() -> None:
        response = browser.get("/-/ready")
        answers.append((response.status_code, response.text))

    async def live() -> None:
        moments = iter((STARTUP, SHUTDOWN))

        async def receive() -> MutableMapping[str, Any]:
            await asyncio.to_thread(ask)
            if answers[-1][0] == 200:
                for name in well:
                    well[name] = False
                    await asyncio.to_thread(ask)
                well.update(cache=True, stock=True)
            return next(moments)

        async def send(message: MutableMapping[str, Any]) -> None:
            assert message["type"].endswith("complete")

        await app({"type": "lifespan"}, receive, send)
        await asyncio.to_thread(ask)

    asyncio.run(live())
    assert answers == [
        (503, "not ready\nstarting"),
        (200, "ready"),
        (503, "not ready\nthe cache is cold"),
        (503, "not ready\nthe cache is cold\nstock: not well"),
        (503, "not ready\ndraining"),
    ]
    assert "tea4two" in caplog.text
    assert browser.get("/-/live").status_code == 200
    assert browser.get("/health").status_code == 404


def test_a_check_that_hangs_takes_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chirp.serving.probes._LIMIT", 0.01)
    app = App()
    go_on = threading.Event()
    asked: list[int] = []

    def stock() -> bool:
        asked.append(1)
        return go_on.wait(60)

    app.add_health_check(HealthCheck("stock", stock))

    async def probe() -> bytes:
        sent: list[MutableMapping[str, Any]] = []

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await app(http(path="/ready"), asyncio.Event().wait, send)  # type: ignore[arg-type]
        body: bytes = sent[1]["body"]
        return body

    async def probes() -> None:
        for _ in range(5):
            assert await probe() == b"not ready\nstock: no answer within 0.01 s"
        assert len(asked) == 1
        go_on.set()
        while await probe() != b"ready":
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(probes(), 60))


def test_a_route_wins_over_a_probe() -> None:
    app = App()
    app.route("/health", methods=["POST"])(lambda: "mine")
    app.route("/{page}")(lambda page: page)
    browser = Browser(app)
    assert browser.get("/ready").text == "ready"
    assert browser.get("/ready").headers["content-type"].startswith("text/html")
    assert browser.post("/health").text == "mine"


def test_websockets_are_refused_in_a_good_manner() -> None:
    app = App()
    connect = [{"type": "websocket.connect"}]
    (close,) = speak(app, {"type": "websocket", "path": "/"}, connect)
    assert close["type"] == "websocket.close"
    scope = {"type": "websocket", "path": "/", "extensions": {"websocket.http.response": {}}}
    start, body = speak(app, scope, connect)
    assert (start["status"], body["body"]) == (404, b"no WebSocket is served here")
    with pytest.raises(ValueError, match=r"http\.disconnect"):
        speak(app, {"type": "lifespan"})
    with pytest.raises(ValueError, match="other"):
        speak(app, {"type": "other"})


def test_the_server_gets_its_settings_from_the_app() -> None:
    plain = server_config(AppConfig())
    assert (plain.workers, plain.max_connections, plain.max_request_size) == (0, 1000, 16777216)
    assert plain.health_check_path is None
    config = server_config(
        production(
            host="0.0.0.0",
            port=9,
            workers=4,
            trusted_proxies=("10.0.0.0/8",),
            forwarded_for_trusted_hops=2,
            max_request_body_size=7,
            max_upload_size=7,
            request_timeout=3,
            log_format="json",
        )
    )
    assert (config.host, config.port, config.workers) == ("0.0.0.0", 9, 4)
    assert config.trusted_hosts == ("10.0.0.0/8",)
    assert config.forwarded_for_trusted_hops == 2
    assert config.max_request_size == 7
    assert config.request_timeout == 3
    assert config.log_format == "json"
    assert server_config(AppConfig(debug=True, workers=4)).workers == 1


APP = """
import os, pathlib
from chirp import App, AppConfig, Request

app = App(AppConfig({settings}))
here = pathlib.Path(__file__).parent

@app.on_startup
def start():
    (here / f"started-{{os.getpid()}}").touch()

@app.on_shutdown
async def stop():
    (here / f"stopped-{{os.getpid()}}").touch()

@app.route("/")
def index():
    return "Hello!"

@app.route("/echo", methods=["POST"])
async def echo(request: Request):
    return await request.body()

@app.route("/stream")
async def stream():
    for number in range(3):
        yield f"{{number}} "

@app.route("/fail")
async def fail():
    raise ValueError("as told")

{run}
"""


def script(folder: Path, settings: str) -> Server:
    """Start a program that calls `app.run()` at module level."""
    file = folder / "shop.py"
    file.write_text(APP.format(settings=settings, run="app.run(port=0)"), encoding="utf-8")
    return Server(folder, sys.executable, str(file))


@pytest.mark.parametrize("workers", [1, 3])
def test_run_serves_from_module_level(tmp_path: Path, workers: int) -> None:
    with script(tmp_path, f'workers={workers}, log_format="json"') as server:
        server.started()
        url = server.up["addresses"][0]
        with httpx.Client(base_url=url) as client:
            page = client.get("/")
            assert (page.text, page.headers["content-type"]) == (
                "Hello!",
                "text/html; charset=utf-8",
            )
            assert client.post("/echo", content=b"x" * 2_000_000).content == b"x" * 2_000_000
            assert client.post("/echo", content=b"x" * 17_000_000).status_code == 413
            assert client.get("/stream").text == "0 1 2 "
            assert client.head("/").headers["content-length"] == "6"
            assert client.get("/fail").status_code == 500
            assert client.get("/health").text == "ok"
            assert client.get("/ready").text == "ready"
            assert client.get("/nowhere").status_code == 404
        assert len(list(tmp_path.glob("started-*"))) == workers
        server.stop()
    wait_for(lambda: len(list(tmp_path.glob("stopped-*"))) == workers)


def test_debug_runs_one_worker_and_says_what_is_not_there(tmp_path: Path) -> None:
    with script(tmp_path, 'debug=True, workers=3, log_format="json"') as server:
        server.started()
        assert "ValueError: as told" in httpx.get(server.up["addresses"][0] + "/fail").text
        server.stop()
        said = "".join(server.seen)
    assert said.count("does not reload changed code") == 1
    assert len(list(tmp_path.glob("started-*"))) == 1


def test_a_setting_that_the_server_cannot_honour_stops_the_launch(tmp_path: Path) -> None:
    with script(tmp_path, "request_queue_enabled=True") as server:
        code, said = server.end()
    assert code == 1
    assert "cannot honour request_queue_enabled" in said


def test_a_worker_serves_a_target(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP.format(settings="", run=""), encoding="utf-8")
    with serving("shop:app", app_dir=str(tmp_path), kind="chirp") as worker:
        assert httpx.get(worker.url).text == "Hello!"
        # The client goes away in the middle of a body: nothing is logged, and serving goes on.
        with worker.connect() as connection:
            connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")
        assert httpx.get(worker.url + "/ready").text == "ready"
        assert worker.end(signal.SIGTERM) == 0
        assert worker.log == []
    assert len(list(tmp_path.glob("stopped-*"))) == 1


def test_settings_without_effect_are_told_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    speak(App(production()), {"type": "lifespan"}, [STARTUP, SHUTDOWN])
    assert caplog.records == []
    speak(App(AppConfig(alpine=True, static_dir="s")), {"type": "lifespan"}, [STARTUP, SHUTDOWN])
    assert [record.getMessage() for record in caplog.records] == [
        "this version has no use for these settings: alpine, static_dir"
    ]
