"""Starlette and FastAPI apps as the probe sees them."""

from __future__ import annotations

from pathlib import Path

import fastapi
import pytest
import starlette
from probing import app_of, probe, text_at

STARLETTE = """
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles


async def home(request): ...


class Orders(HTTPEndpoint):
    async def get(self, request): ...

    async def post(self, request): ...


async def feed(websocket): ...


app = Starlette(
    routes=[
        Route("/", home, name="home"),
        Route("/orders", Orders),
        Mount("/api", routes=[Route("/items/{id:int}", home, methods=["PUT"])]),
        Mount("/static", app=StaticFiles(directory="."), name="static"),
        Host("admin.example", app=Router([Route("/admin", home)])),
        WebSocketRoute("/feed", feed),
    ],
    middleware=[
        Middleware(TrustedHostMiddleware, allowed_hosts=["*"]),
        Middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True),
    ],
)
"""


def test_starlette_routes_with_mounts_and_websockets(tmp_path: Path) -> None:
    app = app_of(probe(tmp_path, STARLETTE))
    assert app["framework"] == {"name": "starlette", "version": starlette.__version__}
    assert app["type"] == "starlette.applications.Starlette"
    seen = {route["path"]: route for route in app["routes"]}
    assert list(seen) == [
        "/",
        "/orders",
        "/api/items/{id:int}",
        "/static",
        "/admin",
        "/feed",
    ]
    assert seen["/"]["methods"] == ["GET", "HEAD"]
    assert seen["/"]["name"] == "home"
    assert text_at(seen["/"]["position"]) == 'Route("/", home, name="home")'
    assert seen["/orders"]["methods"] == ["GET", "POST"]
    assert seen["/orders"]["handler"] == "shop.Orders"
    assert text_at(seen["/orders"]["position"]) == 'Route("/orders", Orders)'
    assert seen["/api/items/{id:int}"]["methods"] == ["PUT"]
    assert seen["/api/items/{id:int}"]["pattern_kind"] == "pattern"
    assert [path for path, route in seen.items() if route["mount"]] == ["/static"]
    assert [path for path, route in seen.items() if route["websocket"]] == ["/feed"]
    assert app["uses_websocket"] is True


def test_starlette_middleware_in_order_with_settings(tmp_path: Path) -> None:
    middleware = app_of(probe(tmp_path, STARLETTE))["middleware"]
    assert [each["class"] for each in middleware] == ["TrustedHostMiddleware", "CORSMiddleware"]
    assert middleware[0]["settings"] == {"allowed_hosts": ["*"]}
    assert middleware[1]["settings"] == {"allow_origins": ["*"], "allow_credentials": True}


FASTAPI = """
from fastapi import APIRouter, FastAPI, WebSocket

router = APIRouter(prefix="/items")


@router.get("/{item}", name="item")
async def read(item: int): ...


@router.post(
    "/",
    status_code=201,
)
@router.put("/all")
def write(): ...


def create(debug: bool = False) -> FastAPI:
    app = FastAPI()
    app.include_router(router, prefix="/v1")

    @app.get("/health")
    def health(): ...

    @app.websocket("/feed")
    async def feed(websocket: WebSocket): ...

    @app.middleware("http")
    async def timing(request, call_next):
        return await call_next(request)

    return app


app = create()
"""


def test_fastapi_routes_point_at_their_decorators(tmp_path: Path) -> None:
    app = app_of(probe(tmp_path, FASTAPI))
    assert app["framework"] == {"name": "fastapi", "version": fastapi.__version__}
    places = {
        route["path"]: text_at(route["position"]) for route in app["routes"] if route["position"]
    }
    assert places == {
        "/v1/items/{item}": 'router.get("/{item}", name="item")',
        "/v1/items/": 'router.post(\n    "/",\n    status_code=201,\n)',
        "/v1/items/all": 'router.put("/all")',
        "/health": 'app.get("/health")',
        "/feed": 'app.websocket("/feed")',
    }
    methods = {route["path"]: route["methods"] for route in app["routes"]}
    assert methods["/v1/items/"] == ["POST"]
    assert methods["/v1/items/all"] == ["PUT"]
    assert "/openapi.json" in methods


@pytest.mark.parametrize(
    ("target", "kind"), [("shop:create()", "pounce"), ("shop:create", "chirp")]
)
def test_fastapi_from_a_factory(tmp_path: Path, target: str, kind: str) -> None:
    document = probe(tmp_path, FASTAPI, target, kind)
    assert app_of(document)["framework"]["name"] == "fastapi"
    assert document["target"]["factory"] is True


def test_a_middleware_around_the_app_is_looked_through(tmp_path: Path) -> None:
    wrapped = FASTAPI + (
        "\n\nfrom starlette.middleware.gzip import GZipMiddleware\n\napp = GZipMiddleware(app)\n"
    )
    app = app_of(probe(tmp_path, wrapped))
    assert app["framework"]["name"] == "fastapi"
    assert app["middleware"][0]["class"] == "GZipMiddleware"
    assert [each["registration"] for each in app["middleware"]] == [0, 1]


def test_a_session_secret_is_masked_and_not_reported(tmp_path: Path) -> None:
    source = """
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware

app = Starlette()
app.add_middleware(SessionMiddleware, secret_key="not-a-real-key", https_only=True)
"""
    signing = tmp_path / "itsdangerous"  # what the middleware imports, without its work
    signing.mkdir()
    (signing / "__init__.py").write_text("TimestampSigner = print\n")
    (signing / "exc.py").write_text("class BadSignature(Exception): ...\n")
    document = probe(tmp_path, source)
    (middleware,) = app_of(document)["middleware"]
    assert middleware["settings"] == {"https_only": True}
    assert [text_at(mask) for mask in document["masks"]] == ['"not-a-real-key"']
