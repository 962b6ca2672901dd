"""The middleware at work: order, hosts, CSRF, log-in, CORS, security headers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from browsing import KEY, Browser, production
from chirp import (
    App,
    AuthConfig,
    AuthMiddleware,
    ConfigurationError,
    HTTPError,
    Next,
    Request,
    Response,
    SessionConfig,
    SessionMiddleware,
    csp_nonce,
    csrf_field,
    csrf_token,
    get_user,
    login,
    login_required,
    logout,
    secure_stack,
)
from chirp.middleware import (
    AllowedHostsMiddleware,
    CORSConfig,
    CORSMiddleware,
    CSPNonceMiddleware,
    CSRFConfig,
    CSRFMiddleware,
    SecurityHeadersMiddleware,
)


def test_the_lower_priority_stands_further_out() -> None:
    app = App()
    seen: list[str] = []

    def noting(name: str) -> Any:
        async def note(request: Request, next: Next) -> Any:  # noqa: A002
            seen.append(name)
            return (await next(request)).with_header(f"X-{name}", "1")

        return note

    app.add_middleware(noting("inner"), priority=5)
    app.add_middleware(noting("first"))
    app.add_middleware(noting("second"))
    app.add_middleware(noting("outer"), priority=-1)
    app.route("/")(lambda: seen.append("handler"))
    response = Browser(app).get("/")
    assert seen == ["outer", "first", "second", "inner", "handler"]
    assert all(response.headers[f"x-{name}"] == "1" for name in seen[:-1])


def test_a_middleware_may_answer_itself_and_sees_errors_as_responses() -> None:
    app = App()
    statuses = []

    async def watch(request: Request, next: Next) -> Any:  # noqa: A002
        response = await next(request)
        statuses.append(response.status)
        return response

    async def guard(request: Request, next: Next) -> Any:  # noqa: A002
        if request.path == "/short":
            return {"short": True}
        if request.path == "/refused":
            raise HTTPError(403, "no")
        return await next(request)

    app.add_middleware(watch)
    app.add_middleware(guard)
    browser = Browser(app)
    assert browser.get("/short").json() == {"short": True}
    assert browser.get("/refused").status_code == 403
    assert browser.get("/nowhere").status_code == 404
    assert statuses == [200, 403, 404]


def test_a_middleware_that_cannot_be_called_stops_the_start() -> None:
    app = App()
    app.add_middleware(object())
    with pytest.raises(ConfigurationError, match="object is not callable"):
        Browser(app).get("/")


def test_foreign_hosts_are_refused() -> None:
    hosts = AllowedHostsMiddleware(("shop.example", ".deep.example", "[::1]"))
    for host in ("shop.example", "Shop.Example:8000", "shop.example.", "deep.example", "[::1]:80"):
        assert hosts.allows(host), host
    for host in (
        "",
        "x.shop.example",
        "notdeep.example",
        "a@shop.example",
        "[::2]",
        "shop.example:x",
    ):
        assert not hosts.allows(host), host
    assert AllowedHostsMiddleware().allows("")
    app = App(production())
    app.route("/")(lambda: "shop")
    assert Browser(app).get("/").text == "shop"
    refused = Browser(app, "https://evil.example").get("/")
    assert refused.status_code == 400
    assert "shop.example" not in refused.text


def test_security_headers_go_with_pages() -> None:
    app = App(production(strict_transport_security="max-age=60"))
    app.add_middleware(SecurityHeadersMiddleware())
    app.route("/")(lambda: "page")
    app.route("/json")(lambda: {"a": 1})
    app.route("/own")(lambda: Response("x").with_header("x-frame-options", "SAMEORIGIN"))
    browser = Browser(app)
    page = browser.get("/").headers
    assert page["x-frame-options"] == "DENY"
    assert page["x-content-type-options"] == "nosniff"
    assert page["referrer-policy"] == "strict-origin-when-cross-origin"
    assert "default-src 'self'" in page["content-security-policy"]
    assert page["strict-transport-security"] == "max-age=60"
    assert browser.get("/own").headers["x-frame-options"] == "SAMEORIGIN"
    data = browser.get("/json").headers
    assert "x-frame-options" not in data
    assert data["strict-transport-security"] == "max-age=60"
    # Browsers must not be told over plain HTTP (RFC 6797, section 7.2).
    assert "strict-transport-security" not in Browser(app, "http://shop.example").get("/").headers


def test_the_nonce_of_a_page_is_the_one_of_its_policy() -> None:
    app = App(production(csp_nonce_enabled=True))
    app.add_middleware(SecurityHeadersMiddleware())
    app.route("/")(csp_nonce)
    browser = Browser(app)
    pages = [browser.get("/"), browser.get("/")]
    for page in pages:
        (policy,) = page.headers.get_list("content-security-policy")
        assert f"script-src 'self' 'nonce-{page.text}'" in policy
        assert len(page.text) >= 22
    assert pages[0].text != pages[1].text
    assert csp_nonce() == ""
    other = App()
    other.add_middleware(CSPNonceMiddleware("default-src 'none';", unsafe_eval=True))
    policy = Browser(other).get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'nonce-")
    assert policy.endswith("'unsafe-eval'")


def forms(config: CSRFConfig | None = None) -> tuple[App, Browser]:
    """An app with a form and a webhook."""
    app = App(production())
    for middleware in secure_stack(app.config, csrf=config):
        app.add_middleware(middleware)
    app.route("/token")(csrf_token)
    app.route("/field")(csrf_field)

    @app.route("/order", methods=["POST", "DELETE"])
    @app.route("/hook", methods=["POST"])
    async def order(request: Request) -> str:
        return "ordered"

    return app, Browser(app)


def test_changes_need_the_token_of_the_session() -> None:
    _, browser = forms()
    assert browser.post("/order").status_code == 403
    token = browser.get("/token").text
    assert browser.get("/token").text == token
    assert browser.post("/order", data={"_csrf_token": token}).text == "ordered"
    assert browser.post("/order", files={"f": b"x"}, data={"_csrf_token": token}).text == "ordered"
    assert browser.post("/order", headers={"X-CSRF-Token": token}).text == "ordered"
    assert browser.request("DELETE", "/order", headers={"X-CSRF-Token": token}).text == "ordered"
    for wrong in ("", token[:-1], "ä", token.upper() + "x"):
        refused = browser.post("/order", data={"_csrf_token": wrong})
        assert refused.status_code == 403
        assert "x-frame-options" not in refused.headers
    assert browser.post("/order", json={"_csrf_token": token}).status_code == 403
    _, stranger = forms()
    stranger.get("/token")
    assert stranger.post("/order", data={"_csrf_token": token}).status_code == 403
    assert stranger.post("/order", headers={"X-CSRF-Token": token}).status_code == 403


def test_the_token_is_made_when_it_is_asked_for() -> None:
    _, browser = forms(CSRFConfig(field_name='a"b', exempt_paths=frozenset({"/hook"})))
    assert "set-cookie" not in browser.get("/hook").headers
    assert browser.post("/hook").text == "ordered"
    field = browser.get("/field").text
    assert re.fullmatch(r'<input type="hidden" name="a&quot;b" value="[0-9a-f]{64}">', field), field
    with pytest.raises(LookupError, match="no request"):
        csrf_token()


def test_without_a_session_csrf_protection_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    app = App()
    app.add_middleware(CSRFMiddleware())
    assert Browser(app).get("/").status_code == 500
    assert "SessionMiddleware" in str(caplog.records[0].exc_info)


@dataclass(frozen=True)
class Customer:
    """Somebody."""

    id: str
    version: int = 1
    is_authenticated: bool = True


CUSTOMERS = {"7": Customer("7")}


async def load_user(user_id: str) -> Customer | None:
    return CUSTOMERS.get(user_id)


async def verify_token(token: str) -> Customer | None:
    return CUSTOMERS.get(token.removeprefix("token-"))


def house(**auth: Any) -> Browser:
    """An app with something to log in for."""
    app = App(production())
    given = {"load_user": load_user, "verify_token": verify_token, **auth}
    session = SessionConfig(secret_key=KEY)
    app.add_middleware(SessionMiddleware(session))
    app.add_middleware(AuthMiddleware(AuthConfig(**given)))

    @app.route("/login/{who}")
    def enter(who: str, request: Request) -> str:
        request.session["planted"] = True
        login(CUSTOMERS[who])
        return f"{request.user.id} {request.session}"

    @app.route("/logout")
    async def leave() -> str:
        logout()
        return get_user().id

    @app.route("/account", methods=["GET", "POST"])
    @login_required
    def account(request: Request) -> str:
        return request.user.id

    @app.route("/open")
    async def open_() -> str:
        return f"{get_user().id} {get_user().is_authenticated}"

    return Browser(app)


PAGE = {"Accept": "text/html,*/*"}


def test_a_user_of_the_session() -> None:
    browser = house()
    assert browser.get("/open").text == " False"
    sent = browser.get("/account?a=1", headers=PAGE)
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=/account%3Fa%3D1")
    assert browser.post("/account", headers=PAGE).headers["location"] == "/login"
    assert browser.get("/account").status_code == 401
    assert browser.get("/login/7").text == "7 {'user_id': '7'}"
    assert browser.get("/account").text == "7"
    assert browser.get("/logout").text == ""
    assert browser.get("/account").status_code == 401


def test_a_user_of_a_token() -> None:
    browser = house(login_url=None, exclude_paths=frozenset({"/open"}))
    good = {"Authorization": "bearer token-7"}
    assert browser.get("/account", headers=good).text == "7"
    assert browser.get("/open", headers=good).text == " False"
    for bad in ("Bearer token-8", "Basic token-7", "Bearer", "token-7"):
        refused = browser.get("/account", headers={"Authorization": bad, **PAGE})
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"


def test_an_older_version_of_a_user_is_logged_out(monkeypatch: pytest.MonkeyPatch) -> None:
    browser = house(session_version=lambda user: user.version)
    browser.get("/login/7")
    assert browser.get("/account").text == "7"
    monkeypatch.setitem(CUSTOMERS, "7", Customer("7", version=2))
    assert browser.get("/account").status_code == 401


class Revoked:
    """Takes back one token, and all that a user got up to a time."""

    async def is_token_revoked(self, token_id: str) -> bool:
        return token_id == "bad"

    async def user_revoked_at(self, user_id: str) -> float | None:
        return 100.0


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"jti": "good", "iat": 101}, 200),
        ({"jti": "bad", "iat": 101}, 401),
        ({"jti": "good", "iat": 100}, 401),
        ({"jti": "good"}, 401),
    ],
)
def test_tokens_are_taken_back(claims: dict[str, Any], status: int) -> None:
    async def read(token: str) -> dict[str, Any]:
        return claims

    for reader in (read, lambda token: claims):
        browser = house(token_revocation_store=Revoked(), token_claims=reader)
        headers = {"Authorization": "Bearer token-7"}
        assert browser.get("/account", headers=headers).status_code == status


@pytest.fixture
def shared() -> Browser:
    """An app that other origins may use."""
    app = App()
    app.add_middleware(
        CORSMiddleware(
            CORSConfig(
                allow_origins=("https://a.example",),
                allow_methods=("GET", "PUT"),
                allow_headers=("X-One",),
                expose_headers=("X-Two",),
                allow_credentials=True,
                max_age=5,
            )
        )
    )
    app.route("/", methods=["GET", "PUT"])(lambda: {"a": 1})
    return Browser(app)


def test_other_origins(shared: Browser) -> None:
    response = shared.get("/", headers={"Origin": "https://a.example"})
    assert response.headers["access-control-allow-origin"] == "https://a.example"
    assert response.headers["access-control-allow-credentials"] == "true"
    assert response.headers["access-control-expose-headers"] == "X-Two"
    assert response.headers["vary"] == "Origin"
    for headers in ({}, {"Origin": "https://b.example"}, {"Origin": "null"}):
        response = shared.get("/", headers=headers)
        assert "access-control-allow-origin" not in response.headers
        assert response.headers["vary"] == "Origin"


def test_preflight_requests(shared: Browser) -> None:
    ask = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}
    response = shared.request("OPTIONS", "/", headers=ask)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "https://a.example"
    assert response.headers["access-control-allow-methods"] == "GET, PUT"
    assert response.headers["access-control-allow-headers"] == "X-One"
    assert response.headers["access-control-max-age"] == "5"
    refused = shared.request("OPTIONS", "/", headers={**ask, "Origin": "https://b.example"})
    assert refused.status_code == 204
    assert "access-control-allow-methods" not in refused.headers
    plain = shared.request("OPTIONS", "/", headers={"Origin": "https://a.example"})
    assert plain.headers["allow"] == "GET, HEAD, OPTIONS, PUT"


def test_every_origin_may_read_what_is_public() -> None:
    app = App()
    app.add_middleware(CORSMiddleware(CORSConfig(allow_origins=("*",))))
    app.route("/")(lambda: {"a": 1})
    response = Browser(app).get("/", headers={"Origin": "https://a.example"})
    assert response.headers["access-control-allow-origin"] == "*"
    assert "vary" not in response.headers
