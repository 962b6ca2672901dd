"""`chirp run`: whose settings win, what stops it, and that the app has them too."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest
from launching import BIN, Server, lives, wait_for

SECRET = "5f0e9c1b7a3d42e68b90d1c4f7a2e355"
APP = """
import os
from chirp import App, AppConfig, secure_stack

app = App(AppConfig({settings}))
for middleware in secure_stack(app.config):
    app.add_middleware(middleware)

@app.on_startup
def start():
    open(f"started-{{os.getpid()}}", "w").close()

@app.route("/")
def settings():
    names = ("env", "debug", "port", "workers", "max_connections", "log_level", "health_path")
    told = {{name: getattr(app.config, name) for name in names}}
    return told | {{"secret": len(app.config.secret_key), "variable": os.environ.get("SHOP")}}

app.run()
"""


def run(folder: Path, settings: str, *words: str, app: str = APP, **variables: str) -> Server:
    """Start `chirp run` on an app with these settings in its code."""
    (folder / "shop.py").write_text(app.format(settings=settings), encoding="utf-8")
    command = [str(BIN / "chirp"), "run", "shop", "--port", "0", *words]
    cleaned = {name: value for name, value in os.environ.items() if not name.startswith("CHIRP_")}
    environment = {"CHIRP_SECRET_KEY": SECRET, "CHIRP_LOG_FORMAT": "json", **variables}
    return Server(folder, *command, env={**cleaned, **environment})


def settings_of(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(server.up["addresses"][0]).json()
    return found


def test_the_app_runs_on_the_settings_that_were_judged(tmp_path: Path) -> None:
    (tmp_path / "chirp.toml").write_text(
        'max_connections = 7\nworkers = 9\nlog_level = "debug"\n', encoding="utf-8"
    )
    (tmp_path / "shop.env").write_text("CHIRP_HEALTH_PATH=/live\nSHOP=tea\n", encoding="utf-8")
    words = ("--workers", "2", "--env-file", "shop.env")
    with run(tmp_path, 'log_level="info", debug=False', *words) as server:
        server.started()
        assert settings_of(server) == {
            "env": "development",
            "debug": False,
            "port": 0,
            "workers": 2,
            "max_connections": 7,
            "log_level": "info",
            "health_path": "/live",
            "secret": len(SECRET),
            "variable": "tea",
        }
        assert server.get("/live") == "ok"
        server.stop()
    assert len(list(tmp_path.glob("started-*"))) == 2


def test_production_wins_over_the_code(tmp_path: Path) -> None:
    with run(tmp_path, "debug=True, env='development'", "--production") as server:
        server.started()
        told = settings_of(server)
        assert (told["env"], told["debug"]) == ("production", False)
        server.stop()


def test_it_reloads_and_stops_as_a_server_does(tmp_path: Path) -> None:
    with run(tmp_path, "workers=1") as server:
        (worker,) = server.started()["workers"]
        server.signal(signal.SIGUSR1)
        wait_for(lambda: len(list(tmp_path.glob("started-*"))) == 2)
        wait_for(lambda: not lives(worker))
        assert settings_of(server)["workers"] == 1
        server.stop()


@pytest.mark.parametrize(
    ("settings", "words", "said"),
    [
        ("port=70000", (), "an integer from 0 to 65535"),
        ("secret_ky='x'", (), "secret_key"),
        ("request_queue_enabled=True", (), "cannot honour request_queue_enabled"),
        ("", ("--metrics",), "cannot honour metrics_enabled"),
        ("ssl_certfile='no.pem', ssl_keyfile='no.pem'", (), "no.pem"),
        ("), 1 / 0, (", (), "division by zero"),
        ("env='production'", (), "secret_key is empty"),
    ],
)
def test_what_is_wrong_stops_it_at_its_line(
    tmp_path: Path, settings: str, words: tuple[str, ...], said: str
) -> None:
    secret = "" if said == "secret_key is empty" else SECRET
    with run(tmp_path, settings, *words, CHIRP_SECRET_KEY=secret) as server:
        code, told = server.end()
    assert code == 1, told
    assert said in told
    place = "environment" if not secret else "command line" if words else "shop.py"
    assert f"[{place}" in told
    assert list(tmp_path.glob("started-*")) == []


def test_worker_hooks_need_workers_that_run_them(tmp_path: Path) -> None:
    hooks = APP.replace("app.run()", "app.on_worker_startup(start)")
    with run(tmp_path, "env='production', worker_mode='sync'", app=hooks) as server:
        code, told = server.end()
    assert code == 1
    assert "worker hooks" in told


def test_another_app_is_for_the_other_command(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("async def app(scope, receive, send): ...\n", "utf-8")
    with Server(tmp_path, str(BIN / "chirp"), "run", "shop") as server:
        code, told = server.end()
    assert code == 2
    assert "pounce serve shop" in told
