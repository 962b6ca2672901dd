"""`App.check()`: the preflight of a live app."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from chirp import App, AppConfig, CheckResult, Severity, secure_stack
from chirp.middleware import CSRFMiddleware, SessionConfig, SessionMiddleware

KEY = "0123456789abcdef0123456789abcdef"


def ready() -> App:
    """Make an app that is ready for production."""
    app = App(
        AppConfig(
            secret_key=KEY,
            allowed_hosts=["shop.example"],
            strict_transport_security="max-age=31536000",
            csp_nonce_enabled=True,
        )
    )
    for middleware in secure_stack(app.config):
        app.add_middleware(middleware)

    @app.route("/buy", methods=["POST"])
    def buy() -> str:
        return "bought"

    assert buy() == "bought"
    return app


def test_a_ready_app_is_ready() -> None:
    result = ready().check(deploy=True)
    assert result.ok
    assert result.issues == ()
    assert result.routes_checked == 1
    assert str(result).startswith("ready: 1 route")
    assert "\x1b" not in str(result)


def test_a_finding_says_what_and_where() -> None:
    app = App(AppConfig(env="production", debug=True, secret_key=KEY, allowed_hosts=["a.example"]))
    result = app.check()
    assert not result.ok
    assert [(issue.category, issue.severity) for issue in result.errors] == [
        ("deploy_debug", Severity.ERROR)
    ]
    place = result.errors[0].location
    assert place is not None
    file, line, _ = place.rsplit(":", 2)
    text = Path(file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
    assert "debug=True" in text
    assert "debug" in str(result)
    assert KEY not in str(result)
    assert KEY not in repr(result)


def test_deploy_is_a_view_and_changes_nothing() -> None:
    app = App()
    assert app.check().ok
    result = app.check(deploy=True)
    assert not result.ok
    assert {issue.category for issue in result.errors} >= {"secret_key", "allowed_hosts"}
    assert app.config.env == "development"
    assert app.check().ok


def test_warnings_count_when_they_are_told_to() -> None:
    app = App(AppConfig(secret_key="short"))
    lenient = app.check()
    assert lenient.ok
    assert [issue.category for issue in lenient.warnings] == ["secret_key"]
    assert not app.check(warnings_as_errors=True).ok


def test_the_order_of_middleware_is_judged() -> None:
    app = App(AppConfig(secret_key=KEY))
    app.add_middleware(CSRFMiddleware())
    app.add_middleware(SessionMiddleware(SessionConfig(secret_key=KEY)))
    assert "csrf_session" in {issue.category for issue in app.check().errors}


def test_a_result_of_one_s_own_is_plain_data() -> None:
    result = CheckResult.from_json(
        '{"issues": [], "routes_checked": 3}', failing=Severity.ERROR, report="fine\n"
    )
    assert result.ok
    assert (result.routes_checked, str(result)) == (3, "fine\n")


def test_what_is_no_snapshot_is_refused() -> None:
    from pounce_rs._native import check_snapshot  # noqa: PLC0415 - private, only here

    with pytest.raises(ValueError, match=re.escape("no snapshot of an app")):
        check_snapshot("{", deploy=False, warnings_as_errors=False)
