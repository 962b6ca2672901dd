"""Which route answers: specificity, converters, methods, slashes."""

from __future__ import annotations

import pytest
from browsing import Browser, http, speak
from chirp import App, ConfigurationError, MethodNotAllowed, NotFound, Request
from chirp.serving.router import Router


def router(*paths: str) -> Router[str]:
    """A router whose targets are the paths themselves."""
    found: Router[str] = Router()
    for path in paths:
        found.add(path, ("GET",), path)
    return found


@pytest.mark.parametrize(
    ("path", "target", "parameters"),
    [
        ("/", "/", {}),
        ("/users", "/users", {}),
        ("/users/", "/users/", {}),
        ("/users/me", "/users/me", {}),
        ("/users/7", "/users/{id:int}", {"id": 7}),
        ("/users/-7", "/users/{id:int}", {"id": -7}),
        ("/users/1.5", "/users/{share:float}", {"share": 1.5}),
        ("/users/seven", "/users/{name}", {"name": "seven"}),
        ("/users/\u0667", "/users/{name}", {"name": "\u0667"}),
        ("/users/seven/photo", "/users/{name}/photo", {"name": "seven"}),
        ("/users/me/photo", "/users/{name}/photo", {"name": "me"}),
        ("/users/7/other", "/{rest:path}", {"rest": "users/7/other"}),
        ("/a//b", "/{rest:path}", {"rest": "a//b"}),
        ("//", "/{rest:path}", {"rest": "/"}),
    ],
)
def test_the_most_specific_route_answers(
    path: str, target: str, parameters: dict[str, object]
) -> None:
    routes = router(
        "/{rest:path}",
        "/users/{name}",
        "/users/{share:float}",
        "/users/{id:int}",
        "/users/me",
        "/users/{name}/photo",
        "/users",
        "/users/",
        "/",
    )
    match = routes.match("GET", path)
    assert (match.target, match.parameters) == (target, parameters)


@pytest.mark.parametrize(
    "path", ["", "*", "/other", "/users/", "/users//photo", "/n/x", "/n/1_000", "/n/" + "9" * 5000]
)
def test_what_no_route_matches_is_not_found(path: str) -> None:
    routes = router("/users/{name}/photo", "/users/{name}", "/n/{id:int}")
    assert not routes.owns(path)
    with pytest.raises(NotFound):
        routes.match("GET", path)


def test_a_parameter_is_named_by_its_own_route() -> None:
    routes: Router[str] = Router()
    routes.add("/users/{id}", ("GET",), "show")
    routes.add("/users/{name}/photo", ("GET",), "photo")
    routes.add("/users/{who}", ("DELETE",), "delete")
    assert routes.match("GET", "/users/7").parameters == {"id": "7"}
    assert routes.match("DELETE", "/users/7").parameters == {"who": "7"}
    assert routes.match("GET", "/users/7/photo").parameters == {"name": "7"}


def test_a_route_of_another_method_leaves_the_request_to_the_next() -> None:
    routes: Router[str] = Router()
    routes.add("/users/me", ("GET",), "me")
    routes.add("/users/{id}", ("DELETE", "PUT"), "other")
    assert routes.match("GET", "/users/me").target == "me"
    assert routes.match("HEAD", "/users/me").target == "me"
    assert routes.match("PUT", "/users/me").target == "other"
    with pytest.raises(MethodNotAllowed) as caught:
        routes.match("POST", "/users/me")
    assert caught.value.headers == (("Allow", "DELETE, GET, HEAD, OPTIONS, PUT"),)


def shop() -> App:
    app = App()

    @app.route("/items/{id:int}", methods=["GET", "PUT"])
    def item(id: int, request: Request) -> str:  # noqa: A002
        return f"{request.method} {id!r}"

    @app.route("/folder/")
    def folder() -> str:
        return "folder"

    @app.route("/files/{name:path}")
    def file(name: str) -> str:
        return name

    return app


def test_methods_over_http() -> None:
    browser = Browser(shop())
    assert browser.get("/items/7").text == "GET 7"
    head = browser.request("HEAD", "/items/7")
    assert (head.status_code, head.text) == (200, "")
    assert head.headers["content-length"] == str(len("HEAD 7"))
    options = browser.request("OPTIONS", "/items/7")
    assert (options.status_code, options.text) == (204, "")
    assert options.headers["allow"] == "GET, HEAD, OPTIONS, PUT"
    refused = browser.request("DELETE", "/items/7")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET, HEAD, OPTIONS, PUT"
    assert browser.get("/items/x").status_code == 404


def test_a_slash_too_few_or_too_many_is_told() -> None:
    browser = Browser(shop())
    moved = browser.get("/folder?a=1")
    assert (moved.status_code, moved.headers["location"]) == (308, "/folder/?a=1")
    assert browser.get("/items/7/").headers["location"] == "/items/7"
    assert browser.get("/folder/").text == "folder"


def test_the_slash_never_leads_to_another_host() -> None:
    app = App()

    @app.route("/{first}/{second}")
    def two(first: str, second: str) -> str:
        return first + second

    for path in ("//evil.example/", "//evil.example", "/\\evil.example/x/"):
        (start, *_) = speak(app, http(path=path))
        location = dict(start["headers"]).get(b"location", b"")
        assert not location.startswith((b"//", b"/\\"))


def test_the_root_path_is_not_part_of_the_routes() -> None:
    start, body = speak(shop(), http(path="/app/items/7", root_path="/app"))
    assert (start["status"], body["body"]) == (200, b"GET 7")
    start, _ = speak(shop(), http(path="/app/folder", root_path="/app"))
    assert (b"location", b"/app/folder/") in start["headers"]


def test_routes_that_match_the_same_paths_are_told_apart_at_declaration() -> None:
    app = App()
    app.route("/users/{id}")(lambda id: id)  # noqa: A006
    app.route("/users/{id:int}")(str)
    with pytest.raises(ConfigurationError, match=r"declared twice, as '/users/\{id\}'"):
        app.route("/users/{name:str}")(lambda name: name)
