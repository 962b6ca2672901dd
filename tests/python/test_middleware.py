"""The middleware classes: their settings, what they refuse, and that nothing secret shows."""

from __future__ import annotations

from typing import Any

import pytest
from chirp import AppConfig, ConfigurationError, secure_stack
from chirp.middleware import (
    AllowedHostsMiddleware,
    AuthConfig,
    AuthMiddleware,
    CORSConfig,
    CORSMiddleware,
    CSPNonceMiddleware,
    CSRFConfig,
    CSRFMiddleware,
    SecurityHeadersConfig,
    SecurityHeadersMiddleware,
    SessionConfig,
    SessionMiddleware,
)
from chirp.middleware.sessions import CookieSessionStore, RedisSessionStore

KEY = "0123456789abcdef0123456789abcdef"


async def load_user(user_id: str) -> None:
    """Find nobody."""


def test_the_defaults_of_the_session_cookie() -> None:
    config = SessionConfig(secret_key=KEY)
    assert config.cookie_name == "chirp_session"
    assert config.max_age == 86400
    assert config.secure == "auto"
    assert config.httponly is True
    assert config.samesite == "lax"
    assert SessionMiddleware(config).configured_secure == "auto"


def test_every_mistake_of_a_session_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        SessionConfig(
            secret_key=KEY,
            cookie_name="a b",
            max_age=0,
            path="x",
            domain="https://shop.example",
            secure="yes",  # type: ignore[arg-type]
            samesite="loose",
            signer_digest="md5",  # type: ignore[arg-type]
            idle_timeout_seconds=-1,
        )
    message = str(caught.value)
    for name in (
        "cookie_name",
        "max_age",
        "path",
        "domain",
        "secure",
        "samesite",
        "signer_digest",
        "idle_timeout_seconds",
    ):
        assert f"\n  {name} " in message
    assert KEY not in message


def test_an_empty_secret_key_signs_nothing() -> None:
    empty = SessionConfig(secret_key="")
    for make in (SessionMiddleware, CookieSessionStore):
        with pytest.raises(ConfigurationError, match="secret_key"):
            make(empty)
    with pytest.raises(ConfigurationError, match="secret_key"):
        RedisSessionStore(empty, "redis://127.0.0.1")


def test_the_cookie_is_the_one_of_the_store() -> None:
    inner = SessionConfig(secret_key=KEY, secure=False)
    store = RedisSessionStore(inner, "redis://127.0.0.1:6379/0")
    middleware = SessionMiddleware(SessionConfig(secret_key=KEY, secure=True, store=store))
    assert middleware.configured_secure is False


def test_a_redis_url_has_its_scheme() -> None:
    with pytest.raises(ConfigurationError, match="redis://"):
        RedisSessionStore(SessionConfig(secret_key=KEY), "http://user:hunter22@host")


def test_no_repr_shows_a_secret() -> None:
    config = SessionConfig(secret_key=KEY, max_age=60)
    store = RedisSessionStore(config, "redis://user:hunter22@host/0")
    middleware = SessionMiddleware(SessionConfig(secret_key=KEY, store=store))
    for shown in (repr(config), repr(store), repr(middleware), repr(CookieSessionStore(config))):
        assert KEY not in shown
        assert "hunter22" not in shown
        assert "secret_key_set=True" in shown
    assert repr(config) == "SessionConfig(secret_key_set=True, max_age=60)"


def test_settings_are_frozen_and_comparable() -> None:
    config = CSRFConfig(exempt_paths=["/hooks"])  # type: ignore[arg-type]
    assert config == CSRFConfig(exempt_paths=frozenset({"/hooks"}))
    assert hash(config) == hash(CSRFConfig(exempt_paths=frozenset({"/hooks"})))
    with pytest.raises(AttributeError):
        config.field_name = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("make", "settings", "word"),
    [
        (CSRFConfig, {"token_length": 8}, "token_length"),
        (CSRFConfig, {"exempt_paths": "/hooks"}, "exempt_paths"),
        (CSRFConfig, {"exempt_paths": {"hooks"}}, "hooks"),
        (
            CSRFConfig,
            {"exempt_paths": ["/hooks", 1]},
            "each of exempt_paths must be a string, not int",
        ),
        (
            CSRFConfig,
            {"exempt_paths": [["/hooks"]]},
            "each of exempt_paths must be a string, not list",
        ),
        (CSRFMiddleware, {"config": {"field_name": "x"}}, "CSRFConfig"),
        (SecurityHeadersConfig, {"x_frame_options": ""}, "x_frame_options"),
        (SecurityHeadersConfig, {"content_security_policy": "a\nb"}, "content_security_policy"),
        (SecurityHeadersMiddleware, {"config": "DENY"}, "SecurityHeadersConfig"),
        (CSPNonceMiddleware, {"base_csp": "script-src 'self'"}, "script-src"),
        (CSPNonceMiddleware, {"unsafe_eval": "no"}, "unsafe_eval"),
        (AllowedHostsMiddleware, {"allowed_hosts": "shop.example"}, "allowed_hosts"),
        (AllowedHostsMiddleware, {"allowed_hosts": ["https://x.example"]}, "https://x.example"),
        (AllowedHostsMiddleware, {"allowed_hosts": [1]}, "allowed_hosts"),
        (AllowedHostsMiddleware, {"allowed_hosts": ["*.shop.example"]}, "without scheme, port"),
        (AllowedHostsMiddleware, {"allowed_hosts": ["shop.example:80"]}, "without scheme, port"),
        (AuthConfig, {"load_user": "users"}, "load_user"),
        (AuthMiddleware, {}, "load_user"),
        (AuthMiddleware, {"config": load_user}, "AuthConfig"),
        (CORSConfig, {"allow_origins": "*"}, "allow_origins"),
        (CORSConfig, {"allow_origins": ["*"], "allow_credentials": True}, "allow_credentials"),
        (CORSConfig, {"allow_origins": ["https://shop.example/"]}, "https://shop.example/"),
        (CORSConfig, {"allow_origins": ["shop.example"]}, "scheme and host"),
        (CORSConfig, {"max_age": -1}, "max_age"),
        (CORSMiddleware, {"config": ("*",)}, "CORSConfig"),
        (SessionMiddleware, {"config": KEY}, "SessionConfig"),
    ],
)
def test_a_wrong_setting_is_named(make: Any, settings: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word) as caught:
        make(**settings)
    assert KEY not in str(caught.value)


def test_hosts_are_compared_in_lower_case() -> None:
    assert AllowedHostsMiddleware(["Shop.Example"]).allowed_hosts == ("shop.example",)


def test_the_default_policy_allows_nothing_inline() -> None:
    policy = SecurityHeadersMiddleware().config.content_security_policy
    assert policy is not None
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy


def test_the_secure_stack_is_in_order() -> None:
    config = AppConfig(secret_key=KEY)
    stack = secure_stack(config, auth=AuthConfig(load_user=load_user))
    assert [type(middleware) for middleware in stack] == [
        SessionMiddleware,
        AuthMiddleware,
        CSRFMiddleware,
        SecurityHeadersMiddleware,
    ]
    session = stack[0]
    assert isinstance(session, SessionMiddleware)
    assert session.config.secret_key == KEY


def test_the_secure_stack_keeps_sessions_in_redis_when_asked() -> None:
    config = AppConfig(secret_key=KEY)
    session = secure_stack(config, redis_url="redis://127.0.0.1")[0]
    assert isinstance(session, SessionMiddleware)
    assert isinstance(session.config.store, RedisSessionStore)
    with pytest.raises(ConfigurationError, match="not both"):
        secure_stack(config, session=SessionConfig(KEY), redis_url="redis://127.0.0.1")


def test_the_repr_of_a_callback_is_its_name() -> None:
    assert repr(AuthConfig(load_user=load_user)) == "AuthConfig(load_user=load_user)"
