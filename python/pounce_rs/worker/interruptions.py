"""``SystemExit`` and ``KeyboardInterrupt`` that an application raises in a task.

asyncio lets these two through from any task and stops the loop, and everybody's requests with it.
A request that raises them ends as one that raises anything else. Raised anywhere else they mean
what they say: the worker ends, but only after it has finished what it is at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from .journal import Journal

_REQUEST_TASK = "pounce-request"
"""Name of a request's task, which the extension makes."""


class Interruptions:
    """Runs an event loop through them.

    Args:
        requests: Gives the tasks of requests whose end was not looked at yet.
        end: Has the worker end.
        journal: Where it is told.
    """

    def __init__(
        self,
        requests: Callable[[], list[asyncio.Task[Any]]],
        end: Callable[[], None],
        journal: Journal,
    ) -> None:
        self._requests = requests
        self._end = end
        self._journal = journal
        self._code: int | None = None
        self._told: BaseException | None = None

    def request_failed(
        self, what: str, request_id: str, method: str, path: str, error: BaseException | None
    ) -> None:
        """Take what a request has raised on its way to the journal."""
        if isinstance(error, (SystemExit, KeyboardInterrupt)):
            self._told = error
            # Where it did not come through the loop, too, nothing is to be judged by it.
            asyncio.get_running_loop().call_soon(self._forget)
        self._journal.request_failed(what, request_id, method, path, error)

    def complete(self, loop: asyncio.AbstractEventLoop, life: Coroutine[Any, Any, int]) -> int:
        """Run the loop until ``life`` is over; give its exit code, or that of an interruption."""
        loop.set_exception_handler(_complain)
        living = loop.create_task(life, name="pounce-worker")
        while True:
            try:
                code = loop.run_until_complete(living)
            except (SystemExit, KeyboardInterrupt) as error:
                if living.done():
                    raise
                self._judge(error)
            else:
                return code if self._code is None else self._code

    def _forget(self) -> None:
        self._told = None

    def _judge(self, error: SystemExit | KeyboardInterrupt) -> None:
        # uvloop looks at the task's end before it stops, asyncio does so later.
        if self._told is error or any(_raised(task, error) for task in self._requests()):
            # It is answered and told of as any request that fails.
            return
        self._journal.failed(
            f"the app raised {type(error).__name__} outside of its requests: this worker ends",
            error,
            event="worker_interrupted",
        )
        if self._code is None:
            self._code = _exit_code(error)
            self._end()


def _raised(task: asyncio.Task[Any], error: BaseException) -> bool:
    return task.done() and not task.cancelled() and task.exception() is error


def _exit_code(error: SystemExit | KeyboardInterrupt) -> int:
    """What the interpreter would end with."""
    code = error.code if isinstance(error, SystemExit) else 1
    if isinstance(code, int):
        return code & 0xFF
    return 0 if code is None else 1


def _complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what nobody has handled, as asyncio does, but for what a request's record tells."""
    error, task = context.get("exception"), context.get("future")
    interrupted = isinstance(error, (SystemExit, KeyboardInterrupt))
    if interrupted and isinstance(task, asyncio.Task) and task.get_name() == _REQUEST_TASK:
        # The server runs its first step, and is given the exception instead of the task.
        return
    loop.default_exception_handler(context)
