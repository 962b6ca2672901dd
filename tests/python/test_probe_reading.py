"""How the probe reads sources and callables, without an app."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pounce_rs.probe import PROTOCOL, snapshot_app
from pounce_rs.probe.asgi import judge
from pounce_rs.probe.callables import is_async, positional_parameters, required_parameters
from pounce_rs.probe.keywords import arguments_of
from pounce_rs.probe.masks import masks
from pounce_rs.probe.positions import PositionTable, call_site
from pounce_rs.probe.redaction import Redactor
from pounce_rs.probe.sources import source
from pounce_rs.probe.values import as_json
from probing import text_at

FIELDS = ("secret_key", "redis_url")


def masked(folder: Path, text: str, *secrets: str) -> list[str]:
    file = folder / "settings.py"
    file.write_text(text, encoding="utf-8")
    return [text_at(mask) for mask in masks([str(file)], secrets, FIELDS)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('AppConfig(secret_key="abc", host="h")', ['"abc"']),
        ("SECRET_KEY: str = 'abc'\nother = 'x'", ["'abc'"]),
        ('{"secret_key": "abc", "env": "x"}', ['"abc"']),
        ('secret_key="a" "b" + f"c{d}"', ['"a"', '"b"', 'f"c{d}"']),
        ('secret_key=os.environ["CHIRP_SECRET_KEY"]', []),
        ('secret_key=os.environ.get("CHIRP_SECRET_KEY", "dev")', ['"dev"']),
        ('key = os.getenv("CHIRP_SECRET_KEY", "dev")', ['"dev"']),
        ('host = os.getenv("CHIRP_HOST", "dev")', []),
        ('CookieSessionStore("abc", max_age=3)', ['"abc"']),
        ('os.environ["CHIRP_SECRET_KEY"] = "abc"', ['"abc"']),
        ('AppConfig(redis_url="redis://x:y@z"', ['"redis://x:y@z"']),
        ('# secret_key="abc"\nif secret_key == "":\n    pass', ['"abc"']),
        ('löwe = "ä"; secret_key = "äbc"', ['"äbc"']),
        ('STRIPE = {"api_key": "sk-live-1234", "mode": "production"}', ['"sk-live-1234"']),
        ('password: str = os.environ.get("DB_PASSWORD", "correct-horse")', ['"correct-horse"']),
        ('token = "csrf"; token_path = "/oauth/token"; app.route("/password")', []),
        ('i = "İ"; Secret_Key = "abc"', ['"abc"']),
        ('AppConfig(secret_kye="abc", redis_ulr = "x", sentry="y")', ['"abc"', '"x"']),
        ('pay("sk_live_0123456789")', ["sk_live_0123456789"]),
        ('API_KEYS = {"correct-horse": "ann"}', ['"correct-horse"']),
        ('SECRET_KEY_FALLBACKS = ["old-key"]', ['"old-key"']),
        ('connect("host=db password=horse user=x")', ["horse"]),
        ('connect(f"host=db password={pw}", token=pw)', []),
    ],
)
def test_secret_literals_are_masked(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert masked(tmp_path, text) == expected


def test_a_known_secret_is_masked_wherever_it_stands(tmp_path: Path) -> None:
    text = "# hunter2hunter2 is the key\nkey = 'hunter2hunter2'\nword = 'abc'\nabc = 1\n"
    assert masked(tmp_path, text, "hunter2hunter2", "abc") == [
        "hunter2hunter2",
        "hunter2hunter2",
        "abc",
    ]


def test_keywords_have_positions_in_any_layout(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    text = 'ä = 1; app = App(AppConfig("h",\n  env = "x", **more,\n\tworkers=(1\n   ),\n))\n'
    file.write_text(text, encoding="utf-8")
    read = source(str(file))
    assert read is not None
    call = read.call_named(1, "AppConfig")
    arguments = arguments_of(call)
    assert {name: text_at(each) for name, each in arguments.keywords.items()} == {
        "env": 'env = "x"',
        "workers": "workers=(1\n   )",
    }
    assert [text_at(each) for each in arguments.positional] == ['"h"']
    assert text_at(arguments.unpacked) == "**more"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["@app.on_startup", "def start(): ..."], "app.on_startup"),
        (
            ["    @app . on_startup  # note", "", "    # note", "    async def x(): ..."],
            "app . on_startup",
        ),
        (["@app.on_startup", "@cached()", "def start(): ..."], "app.on_startup"),
        (["@app.on_startup()", "def start(): ..."], None),
        (["@app.on_startup", "class start: ..."], None),
        (["@app.on_startup", "def other(): ...", "def start(): ..."], None),
    ],
)
def test_a_decorator_without_brackets_is_found_above_its_function(
    tmp_path: Path, lines: list[str], found: str | None
) -> None:
    file = tmp_path / "hooks.py"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    read = source(str(file))
    assert read is not None
    position = read.decorator_named(len(lines), "on_startup")
    assert (position and text_at(position)) == found


def test_call_sites_count_python_frames() -> None:
    def inner() -> Any:
        return call_site(1)

    def outer() -> Any:
        return inner()

    site = outer()
    position = PositionTable().of(site, "inner")
    assert text_at(position) == "inner()"
    assert call_site(10_000) is None


async def handler(request: object, call_next: object) -> None: ...


class Middleware:
    async def __call__(self, request: object, call_next: object, extra: int = 0) -> None: ...


class Plain:
    def __call__(self, request: object) -> None: ...


@pytest.mark.parametrize(
    ("value", "parameters", "asynchronous"),
    [
        (handler, 2, True),
        (Middleware(), 3, True),
        (Middleware().__call__, 3, True),
        (Plain(), 1, False),
        (functools.partial(handler, None), 1, True),
        (lambda *arguments: None, None, False),
        (print, None, None),
    ],
)
def test_callables_are_read_without_being_called(
    value: Callable[..., Any], parameters: int | None, asynchronous: bool | None
) -> None:
    assert positional_parameters(value) == parameters
    assert is_async(value) is asynchronous


def test_asgi_2_and_wsgi_are_told_apart() -> None:
    def asgi2(scope: object) -> None: ...

    def wsgi(environ: object, start_response: object) -> None: ...

    def wrapped(scope: object, receive: object, send: object) -> None: ...

    assert judge(wrapped).app
    assert "ASGI 2" in judge(asgi2).reason
    assert "WSGI" in judge(wsgi).reason
    assert not judge(object()).app


ANNOTATED = """
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asgiref.typing import Scope


class Application:
    def __init__(self, scope: Scope) -> None: ...


def create(settings: Scope, *, debug: bool = False) -> Scope: ...
"""


def test_annotations_may_name_what_type_checkers_know() -> None:
    # Without the future import where the language allows such names by itself: since Python 3.14.
    future = "" if sys.version_info >= (3, 14) else "from __future__ import annotations\n"
    names: dict[str, Any] = {}
    exec(compile(future + ANNOTATED, "shop.py", "exec", dont_inherit=True), names)
    assert required_parameters(names["create"]) == ["settings"]
    assert "ASGI 2" in judge(names["Application"]).reason


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, "a", None), ([1, "a", None], False)),
        (Path("/srv"), ("/srv", False)),
        ({"a": {1, 2}}, ({"a": [1, 2]}, False)),
        (float("nan"), (None, True)),
        (object(), (None, True)),
        ([object()], (None, True)),
        ("\udce9", ("?", False)),
    ],
)
def test_values_have_a_json_form_or_are_opaque(
    value: object, expected: tuple[object, bool]
) -> None:
    assert as_json(value) == expected


def test_messages_are_one_line_without_secrets() -> None:
    redactor = Redactor(FIELDS, ("CHIRP_",))
    redactor.learn({"secret_key": "hunter2hunter2"})
    text = "bad hunter2hunter2\n at redis://user:pass@cache:6379 with password='open sesame'"
    assert redactor.line(text) == (
        "bad •••••••• at redis://••••••••@cache:6379 with password='••••••••'"
    )


def test_a_connection_string_is_told_without_its_password() -> None:
    redactor = Redactor((), ())
    said = redactor.line("cannot log in: host=db password=horse;user=x token=None")
    assert said == "cannot log in: host=db password=••••••••;user=x token=None"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("bad {'db_password': 'horse', 'port': 1}", "bad {'db_password': '••••••••', 'port': 1}"),
        ('bad {"api_key": "horse"}', 'bad {"api_key": "••••••••"}'),
        ("401 for Bearer abcdef0123", "401 for Bearer ••••••••"),
        ("Basic authentication failed", "Basic authentication failed"),
        ("no charge with sk_live_0123456789", "no charge with ••••••••"),
        ('set SECRET_KEY="$(openssl rand -hex 32)"', 'set SECRET_KEY="$(openssl rand -hex 32)"'),
    ],
)
def test_what_looks_like_a_secret_is_hidden_in_messages(said: str, shown: str) -> None:
    assert Redactor((), ()).line(said) == shown


def test_what_has_the_name_of_a_secret_is_learnt() -> None:
    redactor = Redactor((), ())
    redactor.learn_named(
        {
            "db_password": "horse",
            "token_url": "horses",
            "pwd": "abcd",
            "DSN": "x://u:p@h",
            "pin": "1",
        }
    )
    assert redactor.secrets == {"horse", "abcd"}
    assert redactor.line("horse of horses: abcd") == "•••••••• of horses: ••••••••"


def test_what_a_shell_puts_in_is_not_learnt_as_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    advice = 'CHIRP_SECRET_KEY="$(openssl rand -hex 32)"'
    text = f"raise RuntimeError('{advice}')\nsecret_key = 'hunter2hunter2'\n"
    file.write_text(text, encoding="utf-8")
    redactor = Redactor(FIELDS, ("CHIRP_",))
    redactor.learn_literals(masks([str(file)], (), FIELDS))
    assert redactor.secrets == {"hunter2hunter2"}


def test_a_live_app_is_described_in_process() -> None:
    async def app(scope: object, receive: object, send: object) -> None: ...

    document = snapshot_app(app, FIELDS)
    assert document["protocol"] == PROTOCOL
    assert document["failure"] is None
    assert document["app"]["framework"] == {"name": "generic", "version": None}


def test_a_table_of_positions_is_read_once_for_any_number_of_sites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading it for each site anew is quadratic: 3,000 middleware took 21 seconds."""
    file = tmp_path / "many.py"
    file.write_text("\n".join(f"note({number})" for number in range(200)), encoding="utf-8")
    sites: list[Any] = []
    code = compile(file.read_text(encoding="utf-8"), str(file), "exec")
    exec(code, {"note": lambda _: sites.append(call_site(1))})
    readings: list[int] = []
    read = PositionTable._read

    def counted(table: PositionTable, *arguments: Any) -> None:
        readings.append(1)
        read(table, *arguments)

    monkeypatch.setattr(PositionTable, "_read", counted)
    table = PositionTable()
    found = [table.of(site, "note") for site in sites]
    assert [text_at(position) for position in found] == [f"note({number})" for number in range(200)]
    assert len(readings) == 1


def test_a_comment_behind_a_line_is_no_part_of_it(tmp_path: Path) -> None:
    file = tmp_path / "lines.py"
    lines = ["  app = '#1'  # noqa", "    # only a comment ", "    ", "def f(): ..."]
    file.write_text("\n".join(lines), encoding="utf-8")
    text = source(str(file))
    assert text is not None
    shown = [text_at(text.whole_line(number)) for number in range(1, 5)]
    assert shown == ["app = '#1'", "# only a comment", "", "def f(): ..."]
