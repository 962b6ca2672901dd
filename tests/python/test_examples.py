"""The two example shops keep their promise: one is ready for production, one is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CHIRP = Path(sys.executable).with_name("chirp")
SECRET = "5f0e9c1b7a3d42e68b90d1c4f7a2e355"


def judge(folder: str, *options: str, secret: str | None) -> tuple[int, dict[str, Any]]:
    """Exit code and report of `chirp check shop:app` in an example's folder."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CHIRP_", "POUNCE_", "RAILWAY_"))
    }
    if secret is not None:
        environment["CHIRP_SECRET_KEY"] = secret
    done = subprocess.run(
        [CHIRP, "check", "shop:app", "--json", *options],
        cwd=EXAMPLES / folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, report


def line_of(folder: str, text: str) -> int:
    """Where an example says something."""
    lines = (EXAMPLES / folder / "shop.py").read_text(encoding="utf-8").splitlines()
    (number,) = (number for number, line in enumerate(lines, 1) if text in line)
    return number


def test_the_ready_shop_has_no_findings() -> None:
    """With its secret in the environment there is nothing to change."""
    code, report = judge("ready", "--deploy", secret=SECRET)
    assert report["issues"] == []
    assert report["ok"] is True
    assert code == 0


def test_the_ready_shop_without_its_secret_is_not_ready() -> None:
    """The secret is the one thing that the folder does not hold."""
    code, report = judge("ready", "--deploy", secret=None)
    assert [issue["category"] for issue in report["issues"]] == ["secret_key"]
    assert code == 1


@pytest.mark.parametrize(
    ("category", "line"),
    [
        ("secret_key", "app = App("),
        ("allowed_hosts", "app = App("),
        ("trusted_proxies", 'trusted_proxies=("*",)'),
        ("deploy_debug", "debug=True"),
        ("deploy_health", '@app.route("/health")'),
        ("deploy_metrics", '@app.route("/metrics")'),
        ("csrf_session", "app.add_middleware(CSRFMiddleware())"),
        ("cookie_secure", "app.add_middleware(\n"),
        ("middleware_signature", "app.add_middleware(RequestTimer())"),
        ("worker_hooks", "@app.on_worker_startup"),
        ("security_stack", ""),
        ("hsts", ""),
    ],
)
def test_the_unready_shop_is_told_each_flaw_at_its_line(category: str, line: str) -> None:
    """Every flaw that was put into it is found where it stands."""
    code, report = judge("unready", "--deploy", secret=None)
    assert code == 1
    found = [issue for issue in report["issues"] if issue["category"] == category]
    assert found
