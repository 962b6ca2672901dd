"""Runs the probe on source text, in a child process as it always runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pounce_rs.probe

PACKAGES = Path(pounce_rs.probe.__file__).parents[2]

_CHILD = """
import json, sys
sys.path.insert(0, sys.argv[2])
from pounce_rs.probe.launch import answer
found = answer(json.loads(sys.argv[1]))
with open(sys.argv[3], "w", encoding="utf-8") as file:
    json.dump(found, file)
"""


def probe(
    folder: Path,
    source: str,
    target: str = "shop:app",
    kind: str = "pounce",
    *,
    environ: dict[str, str] | None = None,
    base: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The document about ``source``, written to ``shop.py`` in ``folder``."""
    (folder / "shop.py").write_text(source, encoding="utf-8")
    request = {
        "protocol": 1,
        "target": target,
        "kind": kind,
        "app_dir": str(folder),
        "environ_prefixes": ["CHIRP_", "POUNCE_"],
        "secret_fields": ["secret_key", "sentry_dsn", "redis_url"],
        "base": base or {},
    }
    output = folder / "document.json"
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, json.dumps(request), str(PACKAGES), str(output)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **(environ or {})},
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    return found


def app_of(document: dict[str, Any]) -> dict[str, Any]:
    """The app of a document; a failure is shown."""
    assert document["failure"] is None, document["failure"]
    app: dict[str, Any] = document["app"]
    return app


def text_at(position: dict[str, Any] | None) -> str:
    """The source text of a position."""
    assert position is not None
    lines: list[bytes] = Path(position["file"]).read_bytes().split(b"\n")
    first, last = int(position["line"]) - 1, int(position["end_line"]) - 1
    begin, end = int(position["column"]), int(position["end_column"])
    if first == last:
        return lines[first][begin:end].decode()
    return b"\n".join([lines[first][begin:], *lines[first + 1 : last], lines[last][:end]]).decode()
