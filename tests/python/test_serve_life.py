"""A server's life: start, crashes, reloads, the end. Over real sockets, with real processes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from launching import APP, Server, end, lives, serve, wait_for


@pytest.mark.parametrize("workers", [1, 3])
def test_an_app_is_served_and_ends_well(tmp_path: Path, workers: int) -> None:
    with serve(tmp_path, "--port", "0", "--workers", str(workers)) as server:
        up = server.started()
        assert len(up["workers"]) == workers
        pids = {int(server.get("/pid")) for _ in range(60)}
        assert pids == set(up["workers"])
        server.stop()
    assert not any(lives(pid) for pid in up["workers"])
    shutdowns = (tmp_path / "shutdowns").read_text(encoding="utf-8").split()
    assert {int(pid) for pid in shutdowns} == set(up["workers"])


def test_a_killed_worker_is_replaced_and_nobody_is_refused(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0", "--workers", "2") as server:
        victim = server.started()["workers"][0]
        os.kill(victim, signal.SIGKILL)
        # Some of these wait in the socket of the worker that is down, until it is lent.
        assert victim not in {int(server.get("/pid")) for _ in range(60)}
        crashed = server.event("worker_crashed")
        assert crashed["pid"] == victim
        assert "SIGKILL" in crashed["message"]
        server.event("sockets_returned")
        assert len({int(server.get("/pid")) for _ in range(60)}) == 2
        server.stop()


def test_a_generation_that_does_not_come_up_leaves_the_old_one(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0", "--workers", "2") as server:
        before = set(server.started()["workers"])
        (tmp_path / "served.py").write_text("raise RuntimeError('broken')", encoding="utf-8")
        server.signal(signal.SIGHUP)
        assert "RuntimeError: broken" in server.event("reload_failed")["message"]
        assert {int(server.get("/pid")) for _ in range(60)} == before
        server.stop()


BROKEN = """
import pathlib, time

pathlib.Path("begun").touch()
while not pathlib.Path("go").exists():
    time.sleep(0.01)
raise RuntimeError("broken")
"""


def test_a_reload_asked_for_during_one_that_fails_is_made_after_it(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0") as server:
        server.started()
        app = tmp_path / "served.py"
        mended = app.read_text(encoding="utf-8")
        app.write_text(BROKEN, encoding="utf-8")
        server.signal(signal.SIGHUP)
        wait_for((tmp_path / "begun").exists)
        app.write_text(mended, encoding="utf-8")
        server.signal(signal.SIGHUP)
        (tmp_path / "go").touch()
        assert "RuntimeError: broken" in server.event("reload_failed")["message"]
        server.event("reloaded")
        server.stop()


def refuses(server: Server) -> bool:
    """Whether a new connection is refused."""
    host, _, port = server.up["addresses"][0].removeprefix("http://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=60).close()
    except ConnectionResetError:
        return False  # reached the listener in the moment in which it was closed
    except ConnectionRefusedError:
        return True
    return False


def test_a_request_in_flight_is_finished(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0") as server:
        server.started()
        answers: list[str] = []
        client = threading.Thread(target=lambda: answers.append(server.get("/slow")))
        client.start()
        wait_for((tmp_path / "slow").exists)
        server.signal(signal.SIGTERM)
        server.event("stopping")
        wait_for(lambda: refuses(server))
        (tmp_path / "go on").touch()
        client.join()
        assert answers == ["first"]
        assert server.end()[0] == 0


@contextlib.contextmanager
def cut_off(server: Server) -> Iterator[None]:
    """A request is in flight, and gets no response."""
    failures: list[OSError] = []

    def ask() -> None:
        try:
            server.get("/slow")
        except OSError as error:
            failures.append(error)

    client = threading.Thread(target=ask)
    client.start()
    wait_for((server.folder / "slow").exists)
    yield
    client.join()
    assert len(failures) == 1


def test_a_second_signal_forces(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0") as server:
        worker = server.started()["workers"][0]
        with cut_off(server):
            server.signal(signal.SIGTERM)
            server.event("stopping")
            assert server.force() == 1
        assert not lives(worker)


def test_requests_that_do_not_end_are_cut_off_at_the_limit(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0", "--shutdown-timeout", "0.2") as server:
        worker = server.started()["workers"][0]
        with cut_off(server):
            server.stop()
        assert not lives(worker)


def test_a_crash_loop_ends_the_server(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0") as server:
        worker = server.started()["workers"][0]
        (tmp_path / "served.py").write_text("import os\nos._exit(7)\n", encoding="utf-8")
        os.kill(worker, signal.SIGKILL)
        code, said = server.end()
        assert code == 3
        assert said.count("worker_crashed") == 6
        assert "crashed 6 times in a row" in said
        assert "exit code 7" in said


def test_a_worker_that_breaks_down_at_its_end_is_told(tmp_path: Path) -> None:
    ending = APP.replace(
        'with open("shutdowns", "a") as file:', "os._exit(6)\n                if message:"
    )
    (tmp_path / "served.py").write_text(ending, encoding="utf-8")
    with serve(tmp_path, "--port", "0") as server:
        server.started()
        server.signal(signal.SIGTERM)
        told = server.event("worker_crashed")
        assert told["level"] == "warning"
        assert told["message"].endswith("ended with exit code 6 while it was to finish")
        assert server.end()[0] == 0


def test_workers_do_not_outlive_their_supervisor(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0", "--workers", "2") as server:
        workers = server.started()["workers"]
        server.signal(signal.SIGKILL)
        server.process.wait()
        try:
            wait_for(lambda: not any(lives(pid) for pid in workers))
        finally:
            for pid in workers:
                end(pid)


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP])
def test_a_signal_sent_to_a_worker_by_mistake_does_not_kill_it(
    tmp_path: Path, number: signal.Signals
) -> None:
    with serve(tmp_path, "--port", "0") as server:
        worker = server.started()["workers"][0]
        os.kill(worker, number)
        assert int(server.get("/pid")) == worker
        server.stop()


def test_workers_are_pinned_to_a_cpu(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0", "--cpu-affinity") as server:
        server.started()
        assert server.get("/cpus") == str([min(os.sched_getaffinity(0))])
        server.stop()


def test_workers_get_only_the_descriptors_that_are_theirs(tmp_path: Path) -> None:
    with (tmp_path / "notes").open("w") as notes:
        descriptor = notes.fileno()
        with serve(tmp_path, "--port", "0", pass_fds=[descriptor]) as server:
            server.started()
            assert "notes" not in server.get("/descriptors")
            server.stop()


def test_an_app_that_does_not_start_aborts_the_launch(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text("raise RuntimeError('no database')\n", encoding="utf-8")
    with serve(tmp_path, "--port", "0", "--workers", "2") as server:
        code, said = server.end()
    assert code == 3
    assert "did not come up: served:app: RuntimeError: no database" in said
    # The report of the preflight shows the line.
    assert "served.py:1" in said
    assert "import, error" in said
