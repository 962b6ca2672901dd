"""Real app shapes and real mistakes, judged by the native commands as a deploy job would.

Each folder below ``tests/fixtures/corpus/<area>/`` is a small project. Its file ``command`` holds
the command line to run in it (with variables in front, as in a shell). What must be found stands in
a comment on the very line that it must point at:

    app = App(AppConfig(debug=True))  # expect: deploy_debug
    trusted_proxies=("*",),  # expect: trusted_proxies warning, allowed_hosts

Findings without a line in a file (variables, the command line, a process that just ended) are
expected in a comment of ``command``. Nothing else may be found.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BINARIES = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
CORPUS = ROOT / "tests" / "fixtures" / "corpus"
CASES = sorted(path.parent for path in CORPUS.glob("*/*/command"))

MARKER = re.compile(r"#\s*expect:\s*(.+?)\s*$")
#: Part of every secret in the corpus.
SECRET = "Tr0ub4dor"
FORMATS = ("full", "concise", "json", "github", "sarif")

#: Rule, severity, file and line; no file and no line where the finding has none.
Finding = tuple[str, str, str, int]


def command_of(case: Path) -> tuple[dict[str, str], list[str]]:
    """Variables and words of a case's command line."""
    text = (case / "command").read_text(encoding="utf-8")
    words = shlex.split(text, comments=True)
    variables = {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    return variables, words


def run(case: Path, output_format: str) -> subprocess.CompletedProcess[str]:
    """Run a case's command; what the machine has listening does not matter here."""
    variables, (program, *words) = command_of(case)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CHIRP_", "POUNCE_", "RAILWAY_", "PYTHON", "PORT"))
    }
    options = ["--python", sys.executable, "--output-format", output_format]
    return subprocess.run(
        [BINARIES / program, *words, "--scope", "config", "--scope", "app", *options],
        cwd=case,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1", **variables},
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )


def expected(case: Path) -> Counter[Finding]:
    """What the comments of a case say."""
    found: Counter[Finding] = Counter()
    for path in sorted(case.rglob("*")):
        if not path.is_file() or "__pycache__" in path.parts:
            continue
        name = path.relative_to(case).as_posix()
        text = path.read_bytes().decode("utf-8", errors="replace")
        for number, line in enumerate(text.split("\n"), 1):
            if marked := MARKER.search(line):
                for words in marked[1].split(","):
                    rule, _, severity = words.strip().partition(" ")
                    file, at = ("", 0) if name == "command" else (name, number)
                    found[rule, severity or "error", file, at] += 1
    return found


def reported(case: Path, report: dict[str, Any]) -> Counter[Finding]:
    """What a JSON report says."""
    found: Counter[Finding] = Counter()
    for issue in report["issues"]:
        place = issue["location"]
        file, line = "", 0
        if place is not None and place["source"] == "file":
            file = (case / place["file"]).relative_to(case).as_posix()
            line = place["line"]
        found[issue["category"], issue["severity"], file, line] += 1
    return found


def test_the_corpus_is_there() -> None:
    assert len(CASES) > 50
    assert all((BINARIES / name).exists() for name in ("pounce", "chirp")), "run cargo build first"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.relative_to(CORPUS).as_posix())
def test_an_app_is_told_what_is_wrong_where_it_is_wrong(case: Path) -> None:
    done = run(case, "json")
    assert done.stdout.startswith("{"), done.stderr
    report = json.loads(done.stdout)
    findings = reported(case, report)
    assert findings == expected(case), "\n".join(
        f"{issue['category']}: {issue['message']} {issue['location']}" for issue in report["issues"]
    )
    failing = {"error", "warning"} if "--deploy" in command_of(case)[1] else {"error"}
    assert done.returncode == int(any(severity in failing for _, severity, _, _ in findings))


def has_secret(case: Path) -> bool:
    """Whether any file of a case holds a secret."""
    return any(SECRET.encode() in path.read_bytes() for path in case.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if has_secret(case) and expected(case)],
    ids=lambda case: case.relative_to(CORPUS).as_posix(),
)
@pytest.mark.parametrize("output_format", FORMATS)
def test_no_report_shows_a_secret(case: Path, output_format: str) -> None:
    done = run(case, output_format)
    assert done.returncode in (0, 1), done.stderr
    assert SECRET not in done.stdout
    assert SECRET not in done.stderr
