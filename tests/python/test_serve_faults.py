"""What goes wrong while a server serves: workers killed or blocked, and who takes their place."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from launching import serve, wait_for


def test_a_neighbour_serves_the_sockets_of_a_worker_that_is_down(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0", "--workers", "2") as server:
        victim, neighbour = server.started()["workers"]
        # Whoever replaces the victim does not come up before it may.
        (tmp_path / "hold").touch()
        os.kill(victim, signal.SIGKILL)
        # The kernel goes on to give half of these to the victim's socket.
        assert {int(server.get("/pid")) for _ in range(60)} == {neighbour}
        assert server.event("sockets_lent")["pid"] == neighbour
        (tmp_path / "hold").unlink()
        assert server.event("sockets_returned")["pid"] == neighbour
        pids = {int(server.get("/pid")) for _ in range(60)}
        assert len(pids) == 2
        assert neighbour in pids
        server.stop()


def test_a_worker_killed_under_load_costs_only_what_it_had_taken(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0", "--workers", "2") as server:
        workers = server.started()["workers"]
        clients = 4
        answers: list[str] = []
        failures: list[OSError] = []
        done = threading.Event()

        def ask() -> None:
            while not done.is_set():
                try:
                    answers.append(server.get("/pid"))
                except OSError as error:
                    failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            for victim in workers:
                wait_for(lambda victim=victim: str(victim) in answers)  # type: ignore[misc]
                os.kill(victim, signal.SIGKILL)
                server.event("sockets_lent")
                server.event("sockets_returned")
            wait_for(lambda: len(set(answers)) == 4)
        finally:
            done.set()
            for thread in threads:
                thread.join()
        # What a worker had accepted dies with it: at most one request of each client.
        assert len(failures) <= clients * len(workers), failures
        assert not any(isinstance(error, ConnectionRefusedError) for error in failures)
        server.stop()


def test_a_blocked_event_loop_is_noticed_and_its_sockets_are_served(tmp_path: Path) -> None:
    with serve(tmp_path, "--port", "0", "--workers", "2") as server:
        workers = server.started()["workers"]
        blocked: list[str] = []
        client = threading.Thread(target=lambda: blocked.append(server.get("/block")))
        client.start()
        found = server.event("worker_blocked")
        assert "something in the app blocks it" in found["message"]
        (neighbour,) = set(workers) - {found["pid"]}
        assert server.event("sockets_lent")["pid"] == neighbour
        assert {int(server.get("/pid")) for _ in range(40)} == {neighbour}
        (tmp_path / "go on").touch()
        assert server.event("worker_unblocked")["pid"] == found["pid"]
        client.join()
        assert blocked == ["first"]
        wait_for(lambda: int(server.get("/pid")) == found["pid"])
        server.stop()
