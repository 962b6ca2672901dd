"""`pounce.ServerConfig` and `chirp.AppConfig`: the model of the command line as Python classes."""

from __future__ import annotations

import copy
import dataclasses
import gc
import json
import os
import pickle
import pprint
import sys
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from chirp import AppConfig, ChirpError, ConfigurationError
from pounce import ServerConfig

SECRET = "hunter22-hunter22-hunter22"
Class = type[ServerConfig] | type[AppConfig]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away whatever this machine sets."""
    for name in list(os.environ):
        if name.startswith(("CHIRP_", "POUNCE_", "RAILWAY_")) or name == "PORT":
            monkeypatch.delenv(name)


def settings_of(config: ServerConfig | AppConfig) -> dict[str, Any]:
    """Give every attribute that is a setting."""
    return {
        name: getattr(config, name)
        for name in dir(type(config))
        if not name.startswith("_") and not callable(getattr(config, name))
    }


def test_the_defaults() -> None:
    server = ServerConfig()
    assert (server.host, server.port, server.workers) == ("127.0.0.1", 8000, 1)
    assert server.uds is None
    assert server.trusted_hosts == ()
    app = AppConfig()
    assert (app.env, app.debug, app.secret_key) == ("development", False, "")
    assert app.allowed_hosts == ("*",)
    assert app.max_upload_size == 16 * 1024 * 1024
    assert app.static_dir == "static"
    assert app.extra_loaders == ()
    assert app.static_context is None


def test_values_have_python_types() -> None:
    server = ServerConfig(
        trusted_hosts=["10.0.0.0/8", "unix:"],
        static_files={"/static": Path("public")},
        uds_permissions="660",
        header_timeout=3,
    )
    assert server.trusted_hosts == ("10.0.0.0/8", "unix:")
    assert server.static_files == {"/static": "public"}
    assert server.uds_permissions == 0o660
    assert server.header_timeout == 3.0
    assert type(server.header_timeout) is float
    app = AppConfig(
        template_dir=Path("pages"),
        feature_flags={"beta": True},
        static_dir=None,
        view_transitions="full",
        speculation_rules=True,
    )
    assert app.template_dir == "pages"
    assert app.feature_flags == (("beta", True),)
    assert app.static_dir is None
    assert app.view_transitions == "full"
    assert app.speculation_rules is True


def test_nothing_can_be_changed() -> None:
    config = ServerConfig(static_files={"/static": "public"})
    with pytest.raises(AttributeError):
        config.port = 1  # type: ignore[misc]
    with pytest.raises(AttributeError):
        config.prot = 1  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        del config.port
    with pytest.raises(TypeError):
        config.static_files["/"] = "."  # type: ignore[index]


def test_what_was_given_does_not_change_either() -> None:
    folders = {"/static": "public"}
    context = {"site": "shop"}
    server = ServerConfig(static_files=folders)
    app = AppConfig(static_context=context)
    folders["/"] = "."
    context["site"] = "other"
    assert server.static_files == {"/static": "public"}
    assert app.static_context == {"site": "shop"}
    with pytest.raises(TypeError):
        app.static_context["site"] = "other"  # type: ignore[index]


@pytest.mark.parametrize("make", [ServerConfig, AppConfig])
def test_settings_are_keywords(make: Any) -> None:
    with pytest.raises(TypeError):
        make(8000)


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is asserted below
        ServerConfig(
            port=70000,
            worker=4,  # type: ignore[call-arg]
            workers="4",  # type: ignore[arg-type]
            log_level="loud",
            trusted_hosts_wildcard=True,
            ssl_certfile="cert.pem",
            header_timeout=float("nan"),
            host=object(),  # type: ignore[arg-type]
        )
    lines = str(caught.value).splitlines()
    assert lines[0] == "ServerConfig is not valid:"
    for number, words in enumerate(
        [
            "`port` must be an integer from 0 to 65535: 70000 is too large",
            "unknown keyword `worker`; did you mean `workers`?",
            "`workers` must be an integer",
            "`log_level` must be one of",
            "`trusted_hosts_wildcard` cannot be set",
            "`header_timeout` must be a number greater than 0",
            "`host` must be a text that is not empty: found an object of another type",
            "ssl_certfile is set, ssl_keyfile is not",
        ],
        start=1,
    ):
        assert any(line.startswith(f"  {words}") for line in lines), (number, words, lines)
    assert len(lines) == 9


def test_an_app_raises_its_own_error_which_is_a_value_error() -> None:
    with pytest.raises(ConfigurationError, match="secret_key is empty") as caught:
        AppConfig(env="production")
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, ChirpError)
    with pytest.raises(ConfigurationError, match="max_upload_size is larger"):
        AppConfig(max_request_body_size=1000, max_upload_size=2000)
    with pytest.raises(ConfigurationError, match="extra_loaders"):
        AppConfig(extra_loaders=3)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="static_context"):
        AppConfig(static_context=[1])  # type: ignore[arg-type]


def test_the_upload_limit_follows_the_body_limit() -> None:
    assert AppConfig(max_request_body_size=1000).max_upload_size == 1000


@pytest.mark.parametrize("value", [5, b"bytes", ["a"], "short"])
def test_a_secret_is_in_no_message(value: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AppConfig(secret_key=value, redis_url=SECRET, env="nowhere")  # type: ignore[arg-type]
    assert SECRET not in str(caught.value)
    assert str(value) not in str(caught.value)


def test_the_repr_shows_what_differs_and_no_secret() -> None:
    assert repr(ServerConfig()) == "ServerConfig()"
    assert repr(ServerConfig(port=9000, sentry_dsn=SECRET)) == (
        "ServerConfig(port=9000, sentry_dsn_set=True)"
    )
    config = AppConfig(
        secret_key=SECRET,
        redis_url=f"redis://:{SECRET}@host/0",
        sentry_dsn=f"https://{SECRET}@sentry.example/1",
        otel_endpoint=f"http://user:{SECRET}@collector.example:4318",
        extra_loaders=[SECRET],
        static_context={"token": SECRET},
    )
    assert SECRET not in repr(config)
    assert SECRET not in str(config)
    for part in (
        "secret_key_set=True",
        "redis_url_set=True",
        "sentry_dsn_set=True",
        "otel_endpoint='http://...@collector.example:4318'",
        "extra_loaders=<1>",
        "static_context=<1>",
    ):
        assert part in repr(config)


@pytest.mark.parametrize(
    ("make", "settings", "other"),
    [
        (ServerConfig, {"port": 9000, "static_files": {"/a": "b"}}, {"port": 9001}),
        (ServerConfig, {"trusted_hosts": {"a", "b"}}, {"trusted_hosts": {"a"}}),
        (AppConfig, {"debug": True, "feature_flags": {"a": True}}, {"debug": False}),
        (AppConfig, {"static_context": {"a": [1]}}, {"static_context": {"a": [2]}}),
    ],
)
def test_equal_settings_are_equal(
    make: Class, settings: dict[str, Any], other: dict[str, Any]
) -> None:
    one, two = make(**settings), make(**settings)
    assert one == two
    assert hash(one) == hash(two)
    assert one != make(**other)
    assert one != settings
    assert len({one, two, make(**other)}) == 2


def test_a_server_is_no_app() -> None:
    assert ServerConfig() != AppConfig()


@pytest.mark.parametrize(
    "config",
    [
        ServerConfig(port=9000, static_files={"/a": "b"}, sentry_dsn=SECRET),
        AppConfig(max_request_body_size=1000, static_context={"a": 1}, extra_loaders=[1]),
    ],
)
def test_copies_and_pickles_are_equal(config: ServerConfig | AppConfig) -> None:
    assert copy.copy(config) is config
    assert copy.deepcopy(config) is config
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(config, protocol))
        assert again == config
        assert settings_of(again) == settings_of(config)


def test_settings_can_be_replaced() -> None:
    config = ServerConfig(port=9000, workers=4)
    assert config.replace(workers=2) == ServerConfig(port=9000, workers=2)
    assert config.replace() == config
    with pytest.raises(ValueError, match="workers"):
        config.replace(workers=-1)
    app = AppConfig(max_request_body_size=1000)
    assert app.replace(max_request_body_size=500).max_upload_size == 500
    if sys.version_info >= (3, 13):
        assert copy.replace(config, workers=2) == ServerConfig(port=9000, workers=2)
        assert copy.replace(app, debug=True) == AppConfig(max_request_body_size=1000, debug=True)


def test_an_app_config_is_read_and_replaced_as_a_dataclass() -> None:
    app = AppConfig(env="staging", secret_key="k" * 20, allowed_hosts=("a.example",))
    names = [field.name for field in dataclasses.fields(app)]
    assert names == list(AppConfig._chirp_fields)
    assert dataclasses.asdict(app)["allowed_hosts"] == ("a.example",)
    replaced = dataclasses.replace(app, debug=True)
    assert replaced == app.replace(debug=True)
    # Only what somebody gave counts as given, not every field that the function passes on.
    assert set(replaced._chirp_explicit) == {"env", "secret_key", "allowed_hosts", "debug"}
    shown = pprint.pformat([app], width=20)
    assert "staging" in shown
    assert "kkkk" not in shown
    with pytest.raises(TypeError, match="dataclass"):
        dataclasses.replace(ServerConfig(), port=1)  # type: ignore[type-var]


def test_patterns_match_by_name() -> None:
    match ServerConfig(port=9000):
        case ServerConfig(port=9000, workers=workers):
            assert workers == 1
        case _:
            pytest.fail("no match")


def test_features() -> None:
    config = AppConfig(feature_flags=(("beta", True), ("old", False)))
    assert config.feature("beta") is True
    assert config.feature("old", default=True) is False
    assert config.feature("new") is False
    assert config.feature("new", default=True) is True


def test_a_configuration_in_a_cycle_is_collected() -> None:
    class Loader:
        config: AppConfig | None = None

    loader = Loader()
    loader.config = AppConfig(extra_loaders=[loader])
    gone = weakref.ref(loader)
    del loader
    gc.collect()
    assert gone() is None


def test_variables_are_read_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIRP_ENV", "staging")
    monkeypatch.setenv("CHIRP_SECRET_KEY", SECRET)
    monkeypatch.setenv("CHIRP_TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2")
    monkeypatch.setenv("CHIRP_FEATURE_NEW_CART", "true")
    monkeypatch.setenv("CHIRP_HTTP_RETRIES", "2")
    assert AppConfig() == AppConfig(env="development")
    config = AppConfig.from_env(http_retries=3)
    assert config.env == "staging"
    assert config.secret_key == SECRET
    assert config.trusted_proxies == ("10.0.0.1", "10.0.0.2")
    assert config.feature("new-cart")
    assert config.http_retries == 3
    assert config.replace(debug=True).secret_key == SECRET
    assert pickle.loads(pickle.dumps(config)) == config
    assert SECRET not in repr(config)
    assert config._chirp_from_env
    assert config._chirp_env_prefix == "CHIRP_"
    assert config._chirp_explicit == {"http_retries": 3}


def test_a_prefix_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_WORKERS", "3")
    assert AppConfig.from_env("SHOP_").workers == 3
    assert AppConfig.from_env(prefix="SHOP_", workers=2).workers == 2
    assert AppConfig.from_env().workers == 0


def test_wrong_variables_are_told_with_wrong_keywords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIRP_WORKERS", "many")
    monkeypatch.setenv("CHIRP_DEBUG", "perhaps")
    with pytest.raises(ConfigurationError) as caught:
        AppConfig.from_env(port=-1)
    for name in ("CHIRP_WORKERS", "CHIRP_DEBUG", "`port`"):
        assert f"\n  {name} must be " in str(caught.value)


def test_an_unknown_variable_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIRP_WORKES", "3")
    with pytest.warns(UserWarning, match="CHIRP_WORKERS") as caught:
        AppConfig.from_env()
    assert caught[0].filename == __file__


def test_an_env_file_stands_below_the_variables(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text('CHIRP_WORKERS=3\nexport CHIRP_HTTP_RETRIES="2"\n', encoding="utf-8")
    monkeypatch.setenv("CHIRP_WORKERS", "5")
    config = AppConfig.from_env(env_file=file)
    assert (config.workers, config.http_retries) == (5, 2)
    with pytest.raises(ConfigurationError, match=r"missing\.env"):
        AppConfig.from_env(env_file=tmp_path / "missing.env")


def test_railway_says_where_to_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "4321")
    monkeypatch.setenv("RAILWAY_PUBLIC_DOMAIN", "shop.up.railway.app")
    config = AppConfig.from_env()
    assert (config.host, config.port) == ("0.0.0.0", 4321)
    assert config.allowed_hosts == ("shop.up.railway.app", "healthcheck.railway.app")


@pytest.mark.parametrize(("make", "file"), [(ServerConfig, "pounce"), (AppConfig, "chirp")])
def test_the_attributes_are_the_fields_of_the_schema(make: Class, file: str) -> None:
    root = Path(__file__).parents[2]
    text = (root / "schema" / f"{file}.schema.json").read_text(encoding="utf-8")
    schema: Mapping[str, Any] = json.loads(text)["properties"]
    defaults = settings_of(make())
    beside = {"app", "app_dir", "check"}
    live = {"extra_loaders", "static_context"}
    fields = {name for name, entry in schema.items() if not entry.get("deprecated")} - beside
    assert set(defaults) - live == fields
    for name in fields:
        entry = schema[name]
        if "default" not in entry:
            continue
        value = defaults[name]
        shown = list(value) if isinstance(value, tuple) else value
        if isinstance(value, Mapping) or name == "feature_flags":
            shown = dict(value)
        assert shown == entry["default"], name


def test_every_attribute_is_documented() -> None:
    for make in (ServerConfig, AppConfig):
        for name in settings_of(make()):
            doc = getattr(make, name).__doc__
            assert doc, name
            assert len(doc) > 10, name
