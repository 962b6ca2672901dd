"""Asked by curl: every version it speaks, over TLS and without."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from certificates import pair
from launching import BIN, LIMIT, Server
from proxied import PIECE

HERE = Path(__file__).parent
WAYS = {
    "http/1.0": ["--http1.0"],
    "http/1.1": ["--http1.1"],
    "upgrade refused": ["--http2"],
    "prior knowledge": ["--http2-prior-knowledge"],
    "tls http/1.1": ["--http1.1"],
    "tls http/2": ["--http2"],
}
SPOKEN = {"http/1.0": "1.0", "prior knowledge": "2", "tls http/2": "2"}
"""Versions other than 1.1."""


class Curl:
    """curl, which speaks to one server in one way."""

    def __init__(self, server: Server, way: str, more: list[str]) -> None:
        self.version = SPOKEN.get(way, "1.1")
        self._url = server.up["addresses"][0]
        self._command = ["curl", "--silent", "--show-error", "--max-time", str(LIMIT)]
        self._command += [*WAYS[way], *more, "--write-out", "%{stderr}%{http_version} %{json}\n"]

    def ask(self, path: str, *words: str, sent: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer, which comes in the version that was asked for."""
        command = [*self._command, *words, self._url + path]
        done = subprocess.run(command, input=sent, capture_output=True, check=False, timeout=LIMIT)
        assert done.returncode == 0, done.stderr
        version, _, facts = done.stderr.decode().splitlines()[-1].partition(" ")
        assert version in (self.version, self.version.removesuffix(".0"))
        told: dict[str, Any] = json.loads(facts)
        return told["response_code"], done.stdout


@pytest.fixture(params=list(WAYS))
def curl(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Curl]:
    """curl in one of its ways, and a server for it."""
    command = [str(BIN / "pounce"), "proxied:app", "--app-dir", str(HERE), "--log-format", "json"]
    command += ["--port", "0"]
    more = []
    if request.param.startswith("tls"):
        files = pair(tmp_path / "tls")
        command += ["--ssl-certfile", str(files.chain), "--ssl-keyfile", str(files.key)]
        more = ["--cacert", str(files.chain)]
    environment = {**os.environ, "POUNCE_MAX_REQUEST_SIZE": "16777216"}
    with Server(tmp_path, *command, env=environment) as server:
        server.started()
        yield Curl(server, request.param, more)
        server.stop()


def test_everything_curl_asks_is_answered(curl: Curl) -> None:
    status, body = curl.ask("/a%2Fb/scope?x=1", "--cookie", "a=b; c=d", "--header", "X-Y: z")
    facts = json.loads(body)
    assert (status, facts["http"]) == (200, curl.version)
    assert (facts["raw_path"], facts["query"]) == ("/a%2Fb/scope", "x=1")
    assert ["cookie", "a=b; c=d"] in facts["headers"]
    assert ["x-y", "z"] in facts["headers"]
    status, head = curl.ask("/scope", "--head")
    assert (status, b"x-seen: yes" in head.lower()) == (200, True)
    # Large enough for curl to expect 100 Continue, where the version has it.
    large = PIECE * 32
    chunked = [] if curl.version == "1.0" else ["--header", "Transfer-Encoding: chunked"]
    for words in ([], chunked):
        for content in (b"hello", large):
            answer = curl.ask("/echo", "--data-binary", "@-", *words, sent=content)
            assert answer == (200, content)
    assert curl.ask("/flood") == (200, PIECE * 300)
    assert curl.ask("/early", "--data-binary", "@-", sent=large) == (403, b"no, thanks")
    assert curl.ask("/raises") == (500, b"Internal Server Error\n")
    assert curl.ask("/missing") == (404, b"missing")
