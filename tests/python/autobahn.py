"""The Autobahn testsuite against the worker: ``python tests/python/autobahn.py`` runs all of it.

The suite is installed by ``tests/tools/autobahn``. Its cases 9 measure and judge nothing; there are
no 8 and 11.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from serving import Worker, serving

PROGRAM = Path(__file__).parents[2] / ".venv" / "autobahn" / "run"
ALL = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*", "12.*", "13.*"]
LARGEST = 20_000_000
"""Bytes of a message that every case stays below."""


def run(worker: Worker, cases: list[str], timeout: float) -> dict[str, tuple[str, str]]:
    """Judge a worker that echoes: by case, the verdicts on its messages and on how it closes."""
    with tempfile.TemporaryDirectory() as folder:
        specification = Path(folder) / "specification.json"
        url = f"ws://127.0.0.1:{worker.port}/"
        document = {
            "outdir": folder,
            "servers": [{"agent": "pounce", "url": url}],
            "cases": cases,
            "exclude-cases": [],
            "exclude-agent-cases": {},
        }
        specification.write_text(json.dumps(document), encoding="utf-8")
        subprocess.run(
            [str(PROGRAM), "--mode", "fuzzingclient", "--spec", str(specification)],
            cwd=folder,
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
        )
        index = json.loads((Path(folder) / "index.json").read_text(encoding="utf-8"))
    found = index["pounce"]
    return {case: (one["behavior"], one["behaviorClose"]) for case, one in found.items()}


def main() -> int:
    """Run the cases that are named, or all; print a table, fail where one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=ALL)
    given = parser.parse_args()
    config = {"websocket_max_message_size": LARGEST}
    with serving("served_websocket:echo", config=config) as worker:
        found = run(worker, given.cases, timeout=3600)
        code = worker.end()
    groups: dict[str, Counter[str]] = {}
    for case, verdicts in found.items():
        groups.setdefault(case.partition(".")[0], Counter())[" / ".join(verdicts)] += 1
    for group, counts in sorted(groups.items(), key=lambda pair: int(pair[0])):
        print(group, ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    bad = {case: verdicts for case, verdicts in found.items() if not is_good(verdicts)}
    for case, verdicts in bad.items():
        print(f"{case}: {verdicts}")
    print(f"{len(found) - len(bad)} of {len(found)} cases are good; exit code {code}")
    return 1 if bad or not found or code else 0


def is_good(verdicts: tuple[str, str]) -> bool:
    """Whether a case has found nothing; some only inform."""
    return set(verdicts) <= {"OK", "INFORMATIONAL"}


if __name__ == "__main__":
    sys.exit(main())
