"""The packages inside a preflight: nothing raises, nothing is served, everything is noted."""

from __future__ import annotations

import sys
from typing import Any

import pounce
import pytest
from chirp import App, AppConfig, secure_stack
from chirp.middleware import SessionConfig, SessionMiddleware
from pounce_rs.probe import snapshot_app
from pounce_rs.probe.session import Session, current

KEY = "0123456789abcdef0123456789abcdef"


def opened(monkeypatch: pytest.MonkeyPatch, base: dict[str, Any] | None = None) -> Session:
    """Open a preflight for the rest of the test."""
    session = Session(base or {})
    monkeypatch.setitem(sys.modules, "_pounce_probe_session", session)
    assert current() is session
    return session


def test_mistakes_are_noted_and_defaults_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    opened(monkeypatch)
    settings: dict[str, Any] = {"port": 70000, "worker": 1, "env": "production", "workers": 2}
    config = AppConfig(**settings)
    assert (config.port, config.workers, config.env) == (8000, 2, "production")
    assert config._chirp_explicit == settings
    assert [field for field, _ in config._chirp_problems] == ["port", None, "secret_key"]
    messages = [message for _, message in config._chirp_problems]
    assert all("\n" not in message for message in messages)
    assert messages[0].startswith("`port` must be an integer from 0 to 65535")


def test_a_secret_is_in_no_note(monkeypatch: pytest.MonkeyPatch) -> None:
    opened(monkeypatch)
    config = AppConfig(secret_key=[KEY], redis_url={KEY: 1})  # type: ignore[arg-type]
    assert [field for field, _ in config._chirp_problems] == ["secret_key", "redis_url"]
    assert KEY not in str(config._chirp_problems)


def test_the_layers_below_the_code_count(monkeypatch: pytest.MonkeyPatch) -> None:
    opened(
        monkeypatch, {"secret_key": KEY, "workers": 3, "allowed_hosts": ["shop.example"], "port": 1}
    )
    config = AppConfig(env="production", port=2)
    assert (config.secret_key, config.workers, config.port) == (KEY, 3, 2)
    assert config.allowed_hosts == ("shop.example",)
    assert config._chirp_problems == []
    assert config._chirp_explicit == {"env": "production", "port": 2}
    assert App().config.workers == 3


def test_variables_that_the_code_reads_stand_above_those_layers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened(monkeypatch, {"workers": 3, "http_retries": 1})
    monkeypatch.setenv("SHOP_WORKERS", "5")
    config = AppConfig.from_env("SHOP_")
    assert (config.workers, config.http_retries) == (5, 1)


def test_an_unknown_variable_is_no_warning_here(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    opened(monkeypatch)
    monkeypatch.setenv("CHIRP_WORKES", "5")
    AppConfig.from_env()
    assert not recwarn.list


def test_sessions_without_a_key_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    opened(monkeypatch)
    app = App()
    for middleware in secure_stack(app.config):
        app.add_middleware(middleware)
    assert [field for field, _ in app.config._chirp_problems] == ["secret_key"]
    app.add_middleware(SessionMiddleware(SessionConfig(secret_key=KEY)))
    assert len(app.config._chirp_problems) == 1


def test_run_hands_the_app_over(monkeypatch: pytest.MonkeyPatch) -> None:
    session = opened(monkeypatch)
    app = App()
    app.run()
    pounce.run(app, workers=2)
    assert [handed for handed, _ in session.handed_over] == [app, app]
    assert all(site.code.co_filename == __file__ for _, site in session.handed_over)


def test_a_wrong_port_of_run_is_noted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened(monkeypatch)
    app = App(AppConfig(workers=-1))
    app.run(port=70000)
    assert [field for field, _ in app.config._chirp_problems] == ["workers"]
    assert [field for field, _, _ in app._chirp_run_problems] == ["port"]


def test_pounce_run_judges_its_settings() -> None:
    with pytest.raises(ValueError, match="port"):
        pounce.run("shop:app", port=70000)
    with pytest.raises(TypeError, match="not both"):
        pounce.run("shop:app", config=pounce.ServerConfig(), port=1)
    with pytest.raises(TypeError, match="ServerConfig"):
        pounce.run("shop:app", config={"port": 1})  # type: ignore[arg-type]
    with pytest.raises(SystemExit):
        pounce.run("a_shop_that_nobody_wrote:app", config=pounce.ServerConfig(port=0))


def test_the_snapshot_of_an_app_is_whole() -> None:
    app = App(AppConfig(secret_key=KEY, workers=2))
    for middleware in secure_stack(app.config):
        app.add_middleware(middleware)
    app.add_middleware(object(), priority=-1)

    @app.route("/items/{id:int}", methods=["POST"])
    def item(id: int) -> str:  # noqa: A002
        return str(id)

    seen = snapshot_app(app, secret_fields=("secret_key",))["app"]
    assert seen["framework"]["name"] == "chirp"
    assert seen["framework"]["version"] == pounce.__version__
    values = seen["config"]["values"]
    assert set(values) == set(AppConfig._chirp_fields)
    assert len(values) == 97
    assert (values["workers"], values["allowed_hosts"]) == (2, ["*"])
    assert [(entry["class"], entry["callable"]) for entry in seen["middleware"]] == [
        ("object", False),
        ("SessionMiddleware", True),
        ("CSRFMiddleware", True),
        ("SecurityHeadersMiddleware", True),
    ]
    assert seen["middleware"][1]["settings"] == {"secure": "auto", "samesite": "lax"}
    route = seen["routes"][0]
    assert (route["path"], route["methods"]) == ("/items/{id:int}", ["POST"])
    assert item(1) == "1"
