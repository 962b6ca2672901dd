"""The recorder, on a stand-in that has the attributes of the published bengal-chirp.

The published package needs Python 3.14; what it really gives is kept in tests/fixtures/snapshots.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from probing import app_of, probe, text_at

CONFIG = """
import os
from dataclasses import dataclass, replace


class ConfigurationError(Exception): ...


@dataclass(frozen=True, slots=True)
class AppConfig:
    host: str = "127.0.0.1"
    secret_key: str = ""
    env: str = "development"
    workers: int = 0
    forwarded_for_trusted_hops: int = 1
    allowed_hosts: tuple = ("*",)

    def __post_init__(self):
        if self.env != "development" and not self.secret_key:
            raise ConfigurationError(f"secret_key must not be empty when env={self.env!r}")
        if self.forwarded_for_trusted_hops < 1:
            raise ConfigurationError("forwarded_for_trusted_hops must be >= 1")

    @classmethod
    def from_env(cls, prefix="CHIRP_", **overrides):
        config = cls(env=os.environ.get(f"{prefix}ENV", "development"))
        return replace(config, **overrides) if overrides else config
"""

APP = """
from types import SimpleNamespace

from chirp.config import AppConfig


class App:
    __slots__ = ("_mutable_state", "config")

    def __init__(self, config=None):
        self.config = config or AppConfig()
        self._mutable_state = SimpleNamespace(
            pending_routes=[], middleware_list=[], middleware_priorities=[], startup_hooks=[],
            shutdown_hooks=[], worker_startup_hooks=[], worker_shutdown_hooks=[],
            health_checks=[], discovered_routes=[], lazy_pages_dir=None,
        )

    async def __call__(self, scope, receive, send): ...

    def route(self, path, *, methods=None, name=None):
        def decorator(handler):
            route = SimpleNamespace(path=path, handler=handler, methods=methods, name=name)
            self._mutable_state.pending_routes.append(route)
            return handler

        return decorator

    def add_middleware(self, middleware, *, priority=0):
        self._mutable_state.middleware_list.append(middleware)
        self._mutable_state.middleware_priorities.append(priority)

    def add_health_check(self, check):
        self._mutable_state.health_checks.append(check)

    def on_startup(self, function):
        self._mutable_state.startup_hooks.append(function)
        return function

    def run(self, host=None):
        raise RuntimeError("served")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "chirp"
    package.mkdir()
    (package / "__init__.py").write_text('__version__ = "0.10.3"\n')
    (package / "config.py").write_text(CONFIG)
    (package / "app.py").write_text(APP)
    return tmp_path


IMPORTS = "from chirp.app import App\nfrom chirp.config import AppConfig\n"


def test_calls_are_recorded_where_they_stand(folder: Path) -> None:
    source = IMPORTS + (
        "app = App(AppConfig(\n    workers=2, allowed_hosts=('ä.example',),\n))\n"
        "async def outer(request, next): ...\n"
        "async def inner(request, next): ...\n"
        "app.add_middleware(inner)\n"
        "app.add_middleware(outer, priority=-1)\n"
        "@app.route('/orders/{id}', methods=['post'])\n"
        "def order(id): ...\n"
        "@app.on_startup\n"
        "def connect(): ...\n"
        "app.run(host='::')\n"
    )
    app = app_of(probe(folder, source, kind="chirp"))
    assert app["framework"] == {"name": "bengal-chirp", "version": "0.10.3"}
    assert text_at(app["created_at"]).startswith("App(AppConfig(")
    explicit = app["config"]["explicit"]
    assert {name: each["value"] for name, each in explicit.items()} == {
        "workers": 2,
        "allowed_hosts": ["ä.example"],
    }
    assert text_at(explicit["allowed_hosts"]["position"]) == "allowed_hosts=('ä.example',)"
    assert [each["class"] for each in app["middleware"]] == ["outer", "inner"]
    assert text_at(app["middleware"][0]["position"]) == "app.add_middleware(outer, priority=-1)"
    (route,) = app["routes"]
    assert route["methods"] == ["POST"]
    assert text_at(route["position"]) == "app.route('/orders/{id}', methods=['post'])"
    assert text_at(app["hooks"]["startup"][0]["position"]) == "app.on_startup"
    assert text_at(app["run_in_module"]) == "app.run(host='::')"


def test_an_empty_secret_is_a_problem_and_the_app_is_still_seen(folder: Path) -> None:
    app = app_of(probe(folder, IMPORTS + 'app = App(AppConfig(env="production"))\n', kind="chirp"))
    assert app["config"]["values"]["secret_key"] == ""
    assert list(app["config"]["explicit"]) == ["env"]
    (problem,) = app["config"]["problems"]
    assert problem["field"] == "secret_key"
    assert text_at(problem["position"]) == 'AppConfig(env="production")'


def test_replace_keeps_what_was_explicit(folder: Path) -> None:
    source = IMPORTS + (
        "from dataclasses import replace\n"
        "base = AppConfig(workers=2)\n"
        "app = App(replace(base, host='::1'))\n"
    )
    explicit = app_of(probe(folder, source, kind="chirp"))["config"]["explicit"]
    assert {name: each["value"] for name, each in explicit.items()} == {"workers": 2, "host": "::1"}


def test_from_env_tells_overrides_from_variables(folder: Path) -> None:
    source = IMPORTS + "app = App(AppConfig.from_env('SHOP_', workers=3))\n"
    document = probe(folder, source, kind="chirp", environ={"SHOP_ENV": "staging"})
    config = app_of(document)["config"]
    assert (config["from_env"], config["env_prefix"]) == (True, "SHOP_")
    assert list(config["explicit"]) == ["workers"]
    assert config["values"]["env"] == "staging"
    assert config["problems"][0]["field"] == "secret_key"


@pytest.mark.parametrize(
    ("call", "exception", "fields"),
    [
        (
            "AppConfig(forwarded_for_trusted_hops=0)",
            "ConfigurationError",
            ["forwarded_for_trusted_hops"],
        ),
        ("AppConfig(worker=1)", "TypeError", ["worker"]),
        (
            "AppConfig(env='staging', forwarded_for_trusted_hops=0)",
            "ConfigurationError",
            ["forwarded_for_trusted_hops"],
        ),
    ],
)
def test_a_config_that_raises_is_told_at_its_call(
    folder: Path, call: str, exception: str, fields: list[str]
) -> None:
    failure = probe(folder, f"{IMPORTS}app = App({call})\n", kind="chirp")["failure"]
    assert failure["kind"] == "config_error"
    assert failure["exception"] == exception
    assert failure["fields"] == fields
    assert text_at(failure["frames"][0]["position"]) == call


def test_pounce_run_is_handed_over_too(folder: Path) -> None:
    package = folder / "pounce"
    package.mkdir()
    (package / "__init__.py").write_text("def run(app, **settings):\n    raise RuntimeError\n")
    source = (
        "import pounce\n\n\nasync def app(scope, receive, send): ...\n\n\npounce.run('shop:app')\n"
    )
    app = app_of(probe(folder, source))
    assert text_at(app["run_in_module"]) == "pounce.run('shop:app')"


def test_a_message_that_quotes_a_secret_of_the_source_is_masked(folder: Path) -> None:
    source = 'SECRET_KEY = "not-a-real-key"\nraise ValueError(f"bad key {SECRET_KEY}")\n'
    failure = probe(folder, source)["failure"]
    assert failure["kind"] == "exception"
    assert failure["message"] == "bad key ••••••••"
