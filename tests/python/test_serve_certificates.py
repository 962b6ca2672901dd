"""Certificates that are renewed while a server serves with them."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import ssl
from pathlib import Path

import pytest
from certificates import Pair, pair
from launching import Server, serve, wait_for


def connect(server: Server, trusted: Pair) -> http.client.HTTPSConnection:
    """A client that trusts one certificate only."""
    context = trusted.trusting()
    return http.client.HTTPSConnection("127.0.0.1", server.port, timeout=60, context=context)


def get(client: http.client.HTTPSConnection) -> str:
    """The body of a response."""
    client.request("GET", "/")
    return client.getresponse().read().decode()


def serves(server: Server, trusted: Pair) -> bool:
    """Whether a new connection is served with this certificate."""
    try:
        return get(connect(server, trusted)) == "first"
    except ssl.SSLCertVerificationError:
        return False


def start(folder: Path, files: Pair, *words: str) -> Server:
    """A server with these files."""
    certificate = ["--ssl-certfile", str(files.chain), "--ssl-keyfile", str(files.key)]
    return serve(folder, "--port", "0", *certificate, *words)


def put(new: Pair, folder: Path) -> None:
    """Have the link `live` lead to other files, as certbot and Kubernetes do."""
    link = folder / "live.new"
    link.symlink_to(new.chain.parent)
    link.replace(folder / "live")


def live(folder: Path) -> Pair:
    """The files behind the link."""
    return Pair(folder / "live" / "cert.pem", folder / "live" / "key.pem")


def test_a_swapped_link_renews_the_certificate_and_drops_no_connection(tmp_path: Path) -> None:
    old, new = pair(tmp_path / "1"), pair(tmp_path / "2")
    put(old, tmp_path)
    with start(tmp_path, live(tmp_path)) as server:
        server.started()
        present = connect(server, old)
        assert get(present) == "first"
        socket = present.sock
        put(new, tmp_path)
        server.said("the certificate was renewed")
        assert get(connect(server, new)) == "first"
        with pytest.raises(ssl.SSLCertVerificationError):
            get(connect(server, old))
        assert get(present) == "first"
        assert present.sock is socket
        server.stop()


def test_a_broken_pair_keeps_the_old_one_until_it_is_mended(tmp_path: Path) -> None:
    old, new = pair(tmp_path / "1"), pair(tmp_path / "2")
    used = Pair(tmp_path / "cert.pem", tmp_path / "key.pem")
    shutil.copy(old.chain, used.chain)
    shutil.copy(old.key, used.key)
    with start(tmp_path, used) as server:
        server.started()
        # Only one of the two is renewed.
        shutil.copy(new.chain, used.chain)
        found = server.said("the old one stays")
        assert found["level"] == "error"
        assert "cert.pem with" in found["message"]
        assert get(connect(server, old)) == "first"
        used.key.unlink()
        assert "key.pem: " in server.said("the old one stays")["message"]
        shutil.copy(new.key, used.key)
        server.said("the certificate was renewed")
        assert get(connect(server, new)) == "first"
        server.stop()


def test_a_reload_takes_the_certificate_up_unless_it_is_broken(tmp_path: Path) -> None:
    old, new = pair(tmp_path / "1"), pair(tmp_path / "2")
    put(old, tmp_path)
    with start(tmp_path, live(tmp_path), "--workers", "2") as server:
        server.started()
        broken = tmp_path / "3"
        broken.mkdir()
        shutil.copy(new.chain, broken / "cert.pem")
        shutil.copy(old.key, broken / "key.pem")
        put(Pair(broken / "cert.pem", broken / "key.pem"), tmp_path)
        server.signal(signal.SIGUSR1)
        assert "cert.pem with" in server.event("reload_failed")["message"]
        assert get(connect(server, old)) == "first"
        put(new, tmp_path)
        server.signal(signal.SIGUSR1)
        server.event("reloaded")
        # Each old worker accepts until it has heard that it is to retire.
        wait_for(lambda: all(serves(server, new) for _ in range(10)))
        server.stop()


def test_a_certificate_that_cannot_be_read_stops_the_launch(tmp_path: Path) -> None:
    files = pair(tmp_path / "1")
    os.truncate(files.key, 0)
    with start(tmp_path, files) as server:
        code, said = server.end()
    assert code == 1
    assert "key.pem" in said
    assert "key file is empty" in said


@pytest.mark.parametrize("fault", ["another key", "no key"])
def test_who_replaces_a_worker_serves_what_it_served(tmp_path: Path, fault: str) -> None:
    first, last = pair(tmp_path / "1"), pair(tmp_path / "2")
    used = Pair(tmp_path / "cert.pem", tmp_path / "key.pem")
    shutil.copy(first.chain, used.chain)
    shutil.copy(first.key, used.key)
    with start(tmp_path, used) as server:
        pid = server.started()["workers"][0]
        # What it was started with is not what it serves when it crashes.
        shutil.copy(last.chain, used.chain)
        shutil.copy(last.key, used.key)
        server.said("the certificate was renewed")
        wait_for(lambda: serves(server, last))
        used.key.unlink()
        if fault == "another key":
            shutil.copy(first.key, used.key)
        server.said("the old one stays")
        os.kill(pid, signal.SIGKILL)
        told = server.said("the last certificate that could be served is kept")
        assert told["level"] == "error"
        assert "key.pem" in told["message"]
        assert get(connect(server, last)) == "first"
        shutil.copy(first.chain, used.chain)
        shutil.copy(first.key, used.key)
        server.said("the certificate was renewed")
        assert get(connect(server, first)) == "first"
        server.stop()
