"""The two example shops keep their promise: one is ready for production, one is not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CHIRP = Path(sys.executable).with_name("chirp")
SECRET = "5f0e9c1b7a3d42e68b90d1c4f7a2e355"


#: `shop.py:6:11: error[secret_key] secret_key is empty`
CONCISE = re.compile(r"^shop\.py:(\d+):\d+: (error|warning)\[(\w+)\] ", re.MULTILINE)


def judge(folder: str, *options: str, secret: str | None = None) -> tuple[int, str]:
    """Exit code and output of `chirp check shop:app --deploy` in an example's folder."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CHIRP_", "POUNCE_", "RAILWAY_"))
    }
    if secret is not None:
        environment["CHIRP_SECRET_KEY"] = secret
    done = subprocess.run(
        [CHIRP, "check", "shop:app", "--deploy", *options],
        cwd=EXAMPLES / folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def line_of(text: str) -> int:
    """The line of the unready shop that begins so."""
    lines = (EXAMPLES / "unready" / "shop.py").read_text(encoding="utf-8").splitlines()
    (number,) = (number for number, line in enumerate(lines, 1) if line.strip().startswith(text))
    return number


def test_the_ready_shop_has_no_findings() -> None:
    """With its secret in the environment there is nothing to change, not even to warn of."""
    code, words = judge("ready", "--json", secret=SECRET)
    report = json.loads(words)
    assert report["issues"] == []
    assert report["ok"] is True
    assert report["routes_checked"] == 4
    assert code == 0


def test_the_ready_shop_needs_its_secret() -> None:
    """The secret is the one thing that its folder does not hold."""
    code, words = judge("ready", "--json")
    assert [issue["category"] for issue in json.loads(words)["issues"]] == ["secret_key"]
    assert code == 1


def test_the_unready_shop_is_told_each_flaw_at_its_line() -> None:
    """Every flaw that was put into it is found where it stands, and nothing else is."""
    code, words = judge("unready", "--output-format", "concise")
    found = {(rule, severity, int(line)) for line, severity, rule in CONCISE.findall(words)}
    assert found == {
        ("secret_key", "error", line_of("AppConfig(")),
        ("allowed_hosts", "error", line_of("AppConfig(")),
        ("deploy_debug", "error", line_of("debug=True")),
        ("trusted_proxies", "warning", line_of("trusted_proxies=")),
        ("deploy_metrics", "error", line_of('@app.route("/metrics")')),
        ("worker_hooks", "error", line_of("@app.on_worker_startup")),
        ("hsts", "warning", line_of("AppConfig(")),
        ("middleware_signature", "error", line_of("app.add_middleware(RequestTimer())")),
        ("csrf_session", "error", line_of("app.add_middleware(CSRFMiddleware())")),
        ("cookie_secure", "error", line_of("SessionMiddleware(") - 1),
        ("deploy_health", "error", line_of('@app.route("/health")')),
        ("deploy_health", "warning", line_of('@app.route("/{page}")')),
        ("security_stack", "warning", line_of('@app.route("/basket"')),
    }
    assert code == 1


def test_a_secret_in_the_source_is_never_shown() -> None:
    """Not even where a finding shows the lines around it."""
    for form in ("full", "concise", "json", "github", "sarif"):
        _, words = judge("unready", "--output-format", form)
        assert "cookie_secure" in words
        assert "tea4two" not in words


def excerpt(words: str) -> str:
    """A report with the first finding of three rules, the others counted."""
    head, *findings = re.split("(?m)^(?=  [\u00d7\u26a0] )", words)
    if not findings:
        return words.strip("\n")
    last, conclusion, rest = findings[-1].partition("to change before")
    findings[-1] = last
    shown = [
        next(finding for finding in findings if finding.endswith(f"chirp rule {rule}\n\n"))
        for rule in ("secret_key", "csrf_session", "deploy_health")
    ]
    left = f"  … {len(findings) - len(shown)} more findings …\n\n"
    return "".join([head, *shown, left, conclusion, rest]).strip("\n")


@pytest.mark.parametrize("folder", ["unready", "ready"])
def test_the_readme_shows_what_is_printed(folder: str) -> None:
    """Line for line, but for times and what it says it leaves out; `make generate` renews it."""
    readme = EXAMPLES.parent / "README.md"
    text = readme.read_text(encoding="utf-8")
    block = re.compile(rf"(<!-- printed: {folder} -->\n```\n\$ .*\n\n)((?:.*\n)*?)(```\n)")
    found = block.search(text)
    assert found is not None
    _, words = judge(folder, secret=SECRET if folder == "ready" else None)
    printed = excerpt(words) + "\n"
    if "POUNCE_GENERATE" in os.environ:
        readme.write_text(text.replace(found[2], printed), encoding="utf-8")
        return
    without_times = re.compile(r"\d+ ms")
    assert without_times.sub("N ms", found[2]) == without_times.sub("N ms", printed)
