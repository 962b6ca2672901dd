"""What a worker writes to its log: nobody forges a line of it."""

from __future__ import annotations

import json

import pytest
from pounce_rs.worker.journal import Journal

FORGED = "2027-01-15T08:00:00.007Z info     worker 0: all is well"


def raised() -> LookupError:
    """An exception whose text does what a log must not let it."""
    try:
        raise LookupError(f"\x1b[2J\r\n{FORGED}\u2028\x85 gr\u00fc\u00dfe\t\udc80")
    except LookupError as error:
        return error


def test_a_traceback_as_text_forges_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Journal("text", 7).request_failed("it failed", "id", "GET", "/", raised())
    first, *trace = capsys.readouterr().err.removesuffix("\n").split("\n")
    assert "worker 7: it failed request_id=id method=GET path=/" in first
    assert trace[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") and line.isprintable() for line in trace)
    assert trace[-2].endswith("LookupError: \\x1b[2J\\r")
    assert trace[-1].startswith(f"    {FORGED}\\u2028\\x85 gr\u00fc\u00dfe ")
    assert trace[-1].endswith("\\udc80")


def test_a_traceback_as_json_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    Journal("json", 7).failed("it failed", raised())
    (line,) = capsys.readouterr().err.splitlines()
    assert str(raised()) in json.loads(line)["exception"]
