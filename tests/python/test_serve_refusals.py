"""Launches that are refused: what is said, how it ends, and that nothing is left behind."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest
from certificates import pair
from launching import APP, BIN, Server, serve


def processes(mark: str) -> set[int]:
    """Processes whose environment holds a text."""
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            environment = (folder / "environ").read_bytes() if folder.name.isdigit() else b""
        except OSError:
            continue  # it has ended, or is not ours
        if mark.encode() in environment:
            found.add(int(folder.name))
    return found


def refused(folder: Path, *words: str, app: str = "served:app") -> tuple[int, str]:
    """The exit code and what a launch says that must not come up, nor leave anything behind."""
    (folder / "served.py").write_text(APP, encoding="utf-8")
    before = set(folder.iterdir())
    mark = f"POUNCE_TEST_MARK={folder}"
    name, _, value = mark.partition("=")
    command = [str(BIN / "pounce"), app, *words, "--pid-file", str(folder / "pid")]
    with Server(folder, *command, env={**os.environ, name: value}) as server:
        code, said = server.end()
    assert processes(mark) == set()
    assert {path.name for path in set(folder.iterdir()) - before} <= {"__pycache__"}
    return code, said


@pytest.mark.parametrize(
    ("app", "source", "code", "said"),
    [
        ("nowhere:app", "", 3, "no module named 'nowhere'"),
        ("served:ap", "", 3, "did you mean served:app?"),
        ("other:app", "app = 1", 3, "other:app is an int"),
        ("other:app", "import os; os._exit(9)", 3, "ended with exit code 9"),
        ("other:app", "raise SystemExit(5)", 3, "SystemExit"),
    ],
)
def test_an_app_that_is_not_there(
    tmp_path: Path, app: str, source: str, code: int, said: str
) -> None:
    (tmp_path / "other.py").write_text(source, encoding="utf-8")
    found = refused(tmp_path, "--port", "0", "--workers", "2", app=app)
    assert found[0] == code, found[1]
    assert said in found[1]


def test_a_unix_socket_goes_with_the_app_that_did_not_start(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    code, said = refused(tmp_path, "--uds", str(path), app="nowhere:app")
    assert code == 3, said


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--ssl-certfile", "cert.pem"], 1, "ssl_certfile is set, ssl_keyfile is not"),
        (["--fd", "3", "--port", "0"], 2, "'--fd <N>' cannot be used with"),
        (["--fd", "3", "--uds", "s"], 2, "'--fd <N>' cannot be used with"),
        (["--fd", "3"], 1, "cannot listen on descriptor 3: it is no socket that listens"),
        (["--workers", "-1"], 1, "-1 is too small"),
        (["--port", "http"], 1, "--port must be an integer"),
        (["--uds", "missing/s"], 1, "the folder of the Unix socket does not exist"),
        (["--uds", "s" * 200], 1, "too long"),
        (["--host", "192.0.2.1", "--port", "0"], 1, "no network interface here has it"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    found = refused(tmp_path, *words)
    assert found[0] == code, found[1]
    assert said in found[1]


def test_a_certificate_and_the_key_of_another(tmp_path: Path) -> None:
    one, other = pair(tmp_path / "1"), pair(tmp_path / "2")
    files = ["--ssl-certfile", str(one.chain), "--ssl-keyfile", str(other.key)]
    code, said = refused(tmp_path, "--port", "0", *files)
    assert code == 1, said
    assert "key and certificate do not belong together" in said


@pytest.mark.parametrize("seeker", ["1", "2"])
def test_a_taken_port_is_told_with_the_program_that_holds_it(tmp_path: Path, seeker: str) -> None:
    holder = tmp_path / "1"
    for folder in {holder, tmp_path / seeker}:
        folder.mkdir()
    with serve(holder, "--port", "0", "--workers", "2") as server:
        pid = server.started()["pid"]
        code, said = refused(tmp_path / seeker, "--port", str(server.port), "--workers", "2")
        assert code == 1
        assert f"port {server.port} is taken" in said
        # Where the lines of the report break depends on the length of the path.
        flowing = re.sub(r"[\s│·]+", " ", said)
        # The interpreter's name is that in the first line of the script: python or python3.14.
        script = re.escape(str(BIN / "pounce"))
        assert re.search(rf"python[\d.]* \(pid {pid}, {script}\) listens on", flowing), said
        assert server.get() == "first"
        server.stop()


def test_a_pid_file_of_a_live_server_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with serve(tmp_path, "--port", "0", "--pid-file", str(path)) as first:
        first.started()
        with serve(tmp_path, "--port", "0", "--pid-file", str(path)) as second:
            code, said = second.end()
        assert code == 1
        assert f"process {first.process.pid}, which it names, is running" in said
        assert int(path.read_text(encoding="utf-8")) == first.process.pid
        first.stop()


def test_a_file_where_the_unix_socket_goes_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("keep", encoding="utf-8")
    code, said = refused(tmp_path, "--uds", str(path))
    assert code == 1, said
    assert "something else is at the path of the Unix socket" in said
    assert path.read_text(encoding="utf-8") == "keep"


def test_a_port_that_needs_a_privilege(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(APP, encoding="utf-8")
    without = ["setpriv", "--bounding-set", "-net_bind_service"]
    command = [*without, str(BIN / "pounce"), "served:app", "--port", "81", "--pid-file", "pid"]
    with Server(tmp_path, *command) as server:
        code, said = server.end()
    assert code == 1, said
    assert "port 81 needs a privilege" in said
    assert not (tmp_path / "pid").exists()


def test_the_holder_of_an_abstract_socket_is_left_alone(tmp_path: Path) -> None:
    name = f"@pounce-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as holder:
        holder.bind(name.replace("@", "\0"))
        holder.listen()
        code, said = refused(tmp_path, "--uds", name)
        assert code == 1, said
        assert "taken" in said
