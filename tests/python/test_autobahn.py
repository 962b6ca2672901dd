"""A selection of the Autobahn testsuite; ``make autobahn`` runs all of it."""

from __future__ import annotations

from autobahn import LARGEST, is_good, run
from serving import serving

CASES = [
    "1.*",
    "2.*",
    "3.*",
    "4.*",
    "5.*",
    "6.*",
    "7.*",
    "10.*",
    "12.1.1",
    "12.3.2",
    "13.3.1",
    "13.7.1",
]


def test_the_protocol_as_the_autobahn_testsuite_sees_it() -> None:
    config = {"websocket_max_message_size": LARGEST}
    with serving("served_websocket:echo", config=config) as worker:
        found = run(worker, CASES, timeout=120)
        assert worker.end() == 0
    assert len(found) == 251
    assert {case: one for case, one in found.items() if not is_good(one)} == {}
