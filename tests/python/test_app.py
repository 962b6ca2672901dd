"""`chirp.App`: what it keeps of an app, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chirp import App, AppConfig, ConfigurationError, HealthCheck
from chirp.errors import HTTPError, MethodNotAllowed, NotFound
from chirp.middleware import SecurityHeadersMiddleware
from pounce_rs.probe.positions import PositionTable


def lines(sites: list[Any], callee: str = "") -> list[str]:
    """Give the source line of each call site; Python 3.10 needs the name of what was called."""
    table = PositionTable()
    positions = [table.of(site, callee) for site in sites]
    text = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert all(position is not None and position["file"] == __file__ for position in positions)
    return [text[position["line"] - 1].strip() for position in positions if position is not None]


def test_an_app_has_its_config() -> None:
    config = AppConfig(env="staging", secret_key="0123456789abcdef")
    assert App(config).config is config
    assert App(config=config).config is config
    assert App().config == AppConfig()
    with pytest.raises(TypeError, match="AppConfig"):
        App({"env": "staging"})  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        App().config = config  # type: ignore[misc]


def test_routes_are_kept_in_order_with_their_places() -> None:
    app = App()

    @app.route("/")
    def index() -> str:
        return "hello"

    @app.route("/users/{id:int}", methods=["post", "PUT", "POST"], name="user")
    def user(id: int) -> str:  # noqa: A002
        return str(id)

    assert index() == "hello"
    assert [(route.path, route.methods, route.name) for route in app._chirp_routes] == [
        ("/", ("GET",), None),
        ("/users/{id:int}", ("POST", "PUT"), "user"),
    ]
    assert [route.handler for route in app._chirp_routes] == [index, user]
    assert lines([route.position for route in app._chirp_routes]) == [
        '@app.route("/")',
        '@app.route("/users/{id:int}", methods=["post", "PUT", "POST"], name="user")',
    ]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("users", "start with /"),
        ("/a?b", "query"),
        ("/a#b", "fragment"),
        ("/a\n", "control"),
        ("/<int:id>", r"\{id\}"),
        ("/{id", "whole parameter"),
        ("/x{id}", "whole parameter"),
        ("/{}", "identifier"),
        ("/{class}", "keyword"),
        ("/{user-id}", "identifier"),
        ("/{id:itn}", "did you mean int"),
        ("/{id:uuid4}", "str, int, float, path"),
        ("/{rest:path}/more", "last"),
        ("/{id}/{id}", "two parameters"),
        (7, "string"),
    ],
)
def test_a_wrong_path_is_refused(path: Any, word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        App().route(path)


@pytest.mark.parametrize("methods", ["POST", [], ["GET "], [7]])
def test_wrong_methods_are_refused(methods: Any) -> None:
    with pytest.raises(ConfigurationError):
        App().route("/", methods=methods)


def test_a_route_cannot_be_declared_twice() -> None:
    app = App()

    @app.route("/", methods=["GET", "POST"])
    def first() -> str:
        return ""

    def second() -> str:
        return ""

    app.route("/", methods=["PUT"])(second)
    with pytest.raises(ConfigurationError, match=r"POST '/' is declared twice.*first.*second"):
        app.route("/", methods=["POST"])(second)


def test_a_handler_is_callable() -> None:
    with pytest.raises(ConfigurationError, match="callable"):
        App().route("/")("index")  # type: ignore[type-var]


def test_middleware_is_kept_with_priority_and_place() -> None:
    app = App()
    headers = SecurityHeadersMiddleware()
    app.add_middleware(headers, priority=5)
    app.add_middleware(print)
    assert [(entry.middleware, entry.priority) for entry in app._chirp_middleware] == [
        (headers, 5),
        (print, 0),
    ]
    assert lines([entry.position for entry in app._chirp_middleware]) == [
        "app.add_middleware(headers, priority=5)",
        "app.add_middleware(print)",
    ]


def test_a_class_is_no_middleware() -> None:
    with pytest.raises(ConfigurationError, match=r"SecurityHeadersMiddleware\(\.\.\.\)"):
        App().add_middleware(SecurityHeadersMiddleware)
    with pytest.raises(ConfigurationError, match="priority"):
        App().add_middleware(print, priority=True)


def test_hooks_are_decorators() -> None:
    app = App()

    @app.on_startup
    def start() -> None: ...

    @app.on_shutdown
    async def stop() -> None: ...

    @app.on_worker_startup
    async def open_pool() -> None: ...

    @app.on_worker_shutdown
    def close_pool() -> None: ...

    kept = {moment: [h.function for h in hooks] for moment, hooks in app._chirp_hooks.items()}
    assert kept == {
        "startup": [start],
        "shutdown": [stop],
        "worker_startup": [open_pool],
        "worker_shutdown": [close_pool],
    }
    opened = app._chirp_hooks["worker_startup"][0].position
    assert lines([opened], "on_worker_startup") == ["@app.on_worker_startup"]
    with pytest.raises(ConfigurationError, match="on_startup"):
        app.on_startup("start")  # type: ignore[type-var]


def test_health_checks_have_names_of_their_own() -> None:
    app = App()
    app.add_health_check(HealthCheck("cache", check=lambda: True, message="no cache"))
    assert [check.name for check in app._chirp_health_checks] == ["cache"]
    with pytest.raises(ConfigurationError, match="cache"):
        app.add_health_check(HealthCheck("cache", check=lambda: True))
    with pytest.raises(ConfigurationError, match="HealthCheck"):
        app.add_health_check(print)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="name"):
        HealthCheck(" ", check=lambda: True)
    with pytest.raises(ConfigurationError, match="check must be"):
        HealthCheck("cache", check=True)  # type: ignore[arg-type]


def test_an_app_remembers_where_it_was_made() -> None:
    app = App(AppConfig(debug=True))
    assert lines([app._chirp_created_at, app.config._chirp_created_at]) == [
        "app = App(AppConfig(debug=True))",
        "app = App(AppConfig(debug=True))",
    ]
    assert App().config._chirp_created_at is None


def test_a_wrong_port_does_not_run() -> None:
    with pytest.raises(ConfigurationError, match="port"):
        App().run(port=70000)


def test_worker_hooks_do_not_run_in_sync_workers() -> None:
    app = App(AppConfig(worker_mode="sync"))
    app.on_worker_startup(lambda: None)
    with pytest.raises(ConfigurationError, match="async"):
        app.run(port=0)


def test_error_handlers_are_for_errors() -> None:
    app = App()
    for what in (200, True, str, "404", object()):
        with pytest.raises(ConfigurationError, match="400 to 599"):
            app.error(what)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="callable"):
        app.error(404)("lost")  # type: ignore[type-var]
    app.error(404)(lambda: "lost")
    with pytest.raises(ConfigurationError, match="already"):
        app.error(404)(lambda: "gone")


def test_errors_carry_their_status() -> None:
    assert str(NotFound()) == "404: Not Found"
    refused = MethodNotAllowed({"PUT", "GET"})
    assert refused.status == 405
    assert refused.headers == (("Allow", "GET, PUT"),)
    assert isinstance(refused, HTTPError)
    with pytest.raises(ConfigurationError, match="400 to 599"):
        HTTPError(200)


def test_the_repr_of_an_app_says_how_much_is_declared() -> None:
    assert repr(App()) == "<chirp.App env='development' routes=0 middleware=0>"
