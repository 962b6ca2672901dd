"""One worker's life: loop, lifespan, serving, drain."""

from __future__ import annotations

import asyncio
import contextvars
import enum
import functools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pounce_rs._native import ServerConfig, Startup, Worker

from .document import Document, DocumentError
from .event_loop import close, new_event_loop
from .hooks import HookError, WorkerHooks
from .interruptions import Interruptions
from .journal import Journal
from .lifespan import Lifespan, LifespanError
from .loading import LoadingError, load, require_app
from .neighbours import Neighbours
from .threads import ThreadedApp, runs_on_threads

_BEAT = 1.0
"""Seconds between two signs of life."""
_LAST_REQUEST = 5.0
"""Seconds that an idle connection is kept open in a reload, for a request that is on its way."""
_LOOK = 0.02
"""Seconds between two looks at what is still open in a drain."""
_LAST_THREADS = 1.0
"""Seconds that threads of the application have to end before they are told of."""


class Exit(enum.IntEnum):
    """Exit codes of a worker."""

    DRAINED = 0
    CUT_OFF = 1
    NOT_STARTED = 3
    UNUSABLE = 4


def serve(app: Any, document: Document | Mapping[str, Any]) -> int:
    """Serve until a signal ends it; give the exit code.

    Args:
        app: An ASGI application, or None where the document has its target.
        document: The settings, as the supervisor writes them.
    """
    try:
        settings = document if isinstance(document, Document) else Document.of(dict(document))
    except DocumentError as error:
        print(f"pounce worker: {error}", file=sys.stderr)
        return Exit.UNUSABLE
    return _Service(app, settings).run()


def default_threads() -> int:
    """Threads of a worker's executor where none are configured."""
    return min(32, _cpus() + 4)


def _cpus() -> int:
    """CPUs that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


async def _awaiting(awaitable: Awaitable[Any]) -> None:
    """Make a coroutine of what an application has returned instead of one."""
    await awaitable


class _Service:
    """The worker of one document."""

    def __init__(self, app: Any, document: Document) -> None:
        self._app = app
        self._document = document
        self._ending: asyncio.Event | None = None
        self._startup: Startup | None = None
        self._worker: Worker | None = None
        self._threads: ThreadedApp | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._signals = 0
        self._before = set(threading.enumerate())
        self._neighbours: Neighbours | None = None
        self._journal = Journal("auto", document.worker_id)
        self._interruptions = Interruptions(self._requests, self._interrupt, self._journal)

    def run(self) -> int:
        """Load the application and run the loop until the end."""
        document = self._document
        try:
            config = ServerConfig(**document.config)
            self._journal = Journal(
                config.log_format,
                document.worker_id,
                level=config.log_level,
                lifecycle=config.lifecycle_logging,
            )
            listeners = document.sockets()
        except (DocumentError, ValueError) as error:
            return self._refuse(str(error), Exit.UNUSABLE)
        self._interruptions = Interruptions(self._requests, self._interrupt, self._journal)
        self._journal.lived("starting", event="worker_starting")
        try:
            self._startup = self._answer_probes(config, listeners)
        except (OSError, ValueError) as error:
            return self._refuse(str(error), Exit.NOT_STARTED)
        try:
            return self._run(config, listeners)
        except LoadingError as error:
            return self._refuse(str(error), Exit.NOT_STARTED, error.trace)
        finally:
            if self._startup is not None:
                self._startup.close()

    def _answer_probes(
        self, config: ServerConfig, listeners: list[tuple[int, bool]]
    ) -> Startup | None:
        """Have health probes answered while this thread is busy with the application's start."""
        if config.health_check_path is None or not self._document.early:
            return None
        startup = Startup(
            [(os.dup(descriptor), unix) for descriptor, unix in listeners],
            config=json.dumps(dict(self._document.config)),
            workers=self._document.workers,
            worker_id=self._document.worker_id,
            certificate=self._document.certificate,
        )
        self._tell(b"S")
        return startup

    def _run(self, config: ServerConfig, listeners: list[tuple[int, bool]]) -> int:
        document = self._document
        app = self._app
        if document.target is not None:
            app = load(document.target, document.app_dir, document.kind, document.app_config)
        app = require_app(app, document.target or "the application")
        loop = new_event_loop()
        try:
            asyncio.set_event_loop(loop)
            code = self._interruptions.complete(loop, self._live(loop, app, config, listeners))
        finally:
            close(loop, self._executor)
        left = _names_left(set(threading.enumerate()) - self._before)
        if left and code != Exit.CUT_OFF:
            self._journal.warned(
                f"the process waits for threads of the app that have not ended: {', '.join(left)}",
                event="threads_left",
            )
        return code

    async def _live(
        self,
        loop: asyncio.AbstractEventLoop,
        app: Any,
        config: ServerConfig,
        listeners: list[tuple[int, bool]],
    ) -> int:
        self._ending = asyncio.Event()
        self._watch_signals(loop)
        self._watch_supervisor(loop)
        threads = config.executor_threads_per_worker or default_threads()
        executor = self._executor = ThreadPoolExecutor(threads, thread_name_prefix="pounce")
        loop.set_default_executor(executor)
        lifespan = Lifespan(app, self._document.lifespan, self._journal.failed)
        if runs_on_threads(config.worker_mode):
            self._threads = ThreadedApp(app, threads, executor, self._journal)
        if config.worker_mode == "subinterpreter":
            self._journal.noted(
                "worker_mode subinterpreter is served as async: a worker is a process of its own",
                event="worker_mode",
            )
        hooks = WorkerHooks(
            app,
            worker_id=self._document.worker_id,
            generation=self._document.generation,
            state=lifespan.state,
            journal=self._journal,
        )
        starting = loop.create_task(self._start(config, lifespan, hooks))
        ending = loop.create_task(self._ending.wait())
        await asyncio.wait({starting, ending}, return_when="FIRST_COMPLETED")
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            # What it has opened so far it gets to close; hooks that were not done have nothing.
            await lifespan.shutdown(config.shutdown_timeout)
            return Exit.CUT_OFF
        try:
            starting.result()
        except (LifespanError, HookError) as error:
            ending.cancel()
            trace = error.trace if isinstance(error, LifespanError) else ""
            return self._refuse(str(error), Exit.NOT_STARTED, trace)
        try:
            worker = self._worker = self._serve(loop, self._threads or app, lifespan)
            worker.start(listeners)
        except (OSError, ValueError) as error:
            ending.cancel()
            await self._stop(lifespan, hooks, config)
            return self._refuse(str(error), Exit.NOT_STARTED)
        if self._document.control_fd is not None:
            self._neighbours = Neighbours(loop, self._document.control_fd, worker)
        self._journal.lived("ready", event="worker_ready")
        self._tell(b"SR" if self._startup is None else b"R")
        self._beat(loop)
        await ending
        return await self._drain(worker, lifespan, hooks, config)

    async def _start(self, config: ServerConfig, lifespan: Lifespan, hooks: WorkerHooks) -> None:
        await lifespan.startup(config.startup_timeout)
        required = config.worker_startup_failure == "shutdown"
        try:
            if self._threads is None:
                await hooks.startup(config.startup_timeout, required=required)
            elif required:
                raise HookError(
                    "worker_startup_failure is shutdown, but worker hooks need worker_mode async: "
                    "this server runs its app on threads"
                )
        except HookError:
            await lifespan.shutdown(config.shutdown_timeout)
            raise

    def _serve(self, loop: asyncio.AbstractEventLoop, app: Any, lifespan: Lifespan) -> Worker:
        return Worker(
            app,
            event_loop=loop,
            context=contextvars.copy_context(),
            config=json.dumps(dict(self._document.config)),
            workers=self._document.workers,
            worker_id=self._document.worker_id,
            state=lifespan.state,
            journal=self._interruptions.request_failed,
            report=self._journal.told,
            awaiting=_awaiting,
            startup=self._startup,
            certificate=self._document.certificate,
        )

    async def _drain(
        self, worker: Worker, lifespan: Lifespan, hooks: WorkerHooks, config: ServerConfig
    ) -> int:
        loop = asyncio.get_running_loop()
        if self._signals:
            self._tell(b"D")
        if self._signals and config.drain_delay > 0:
            # Health says so already: whoever sends requests here has time to notice.
            self._journal.lived(
                f"serving for another {config.drain_delay:g} s", event="worker_drain_delayed"
            )
            await asyncio.sleep(config.drain_delay)
        self._journal.lived("draining", event="worker_draining")
        cut_off = await self._serve_out(loop, worker, config)
        await self._stop(lifespan, hooks, config)
        worker.close()
        self._journal.lived("ended", event="worker_ended")
        return Exit.CUT_OFF if cut_off else Exit.DRAINED

    async def _stop(self, lifespan: Lifespan, hooks: WorkerHooks, config: ServerConfig) -> None:
        """End an application that has started."""
        if self._threads is None:
            await hooks.shutdown(config.shutdown_timeout)
        else:
            # Beside this loop, which the threads may still need.
            await asyncio.get_running_loop().run_in_executor(None, self._threads.close)
        await lifespan.shutdown(config.shutdown_timeout)

    async def _serve_out(
        self, loop: asyncio.AbstractEventLoop, worker: Worker, config: ServerConfig
    ) -> bool:
        """Finish what is under way; whether the time for it was over first."""
        began = loop.time()
        retires = not self._signals
        if retires:
            # The new workers are up; who has just sent a request here is still answered here. The
            # supervisor calls the reload done when nobody here accepts connections any more.
            worker.retire(min(_LAST_REQUEST, config.reload_timeout / 2))
            self._tell(b"D")
        else:
            worker.drain()
        while worker.connections or worker.tasks:
            # A worker that retires has more time, until it is told to end.
            limit = config.reload_timeout
            if self._signals:
                limit = config.shutdown_timeout
                if retires:
                    retires = False
                    worker.drain()
            if loop.time() - began >= limit:
                break
            await asyncio.sleep(_LOOK)
        left = worker.tasks
        cut_off = bool(left or worker.connections)
        if cut_off:
            self._journal.cut_off("shutdown_timeout" if self._signals else "reload_timeout")
            self._journal.failed(
                f"the time to drain is over: {worker.connections} connections and "
                f"{len(left)} requests are cut off",
                event="worker_cut_off",
            )
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=1.0)
        return cut_off

    def _watch_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        hangup = signal.getsignal(signal.SIGHUP)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGUSR2, self._retire)
        for number in (signal.SIGHUP, signal.SIGUSR1):
            # They are for the supervisor; sent to a worker they must not kill it.
            loop.add_signal_handler(number, _ignore)
        if self._document.lifeline_fd is None and hangup is not signal.SIG_IGN:
            # Without a supervisor the terminal that closes is ours; its shell may send this, too.
            loop.add_signal_handler(signal.SIGHUP, self._interrupt)
        ours = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2}
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ours)

    def _end(self) -> None:
        self._signals += 1
        if self._signals > 1 and self._document.lifeline_fd is None:
            # Asked twice: whatever still runs is left behind. A supervised worker hears a signal to
            # its process group twice for one; its supervisor forces it by SIGKILL.
            os._exit(Exit.CUT_OFF)
        if self._worker is not None:
            self._worker.announce_end()
        self._retire()

    def _interrupt(self) -> None:
        if self._signals == 0:
            self._end()

    def _requests(self) -> list[asyncio.Task[Any]]:
        return [] if self._worker is None else self._worker.tasks

    def _retire(self) -> None:
        """End with reload_timeout as the limit: a new generation has taken over."""
        if self._ending is not None:
            self._ending.set()

    def _watch_supervisor(self, loop: asyncio.AbstractEventLoop) -> None:
        descriptor = self._document.lifeline_fd
        if descriptor is None:
            return
        os.set_blocking(descriptor, False)
        loop.add_reader(descriptor, functools.partial(self._lifeline, loop, descriptor))

    def _lifeline(self, loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
        try:
            if os.read(descriptor, 64):
                return
        except BlockingIOError:
            return
        loop.remove_reader(descriptor)
        self._journal.failed("the supervisor is gone: this worker ends", event="worker_orphaned")
        self._end()

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._document.report_fd is not None:
            self._tell(b".")
            loop.call_later(_BEAT, self._beat, loop)

    def _tell(self, news: bytes) -> None:
        descriptor = self._document.report_fd
        if descriptor is None:
            return
        try:
            os.set_blocking(descriptor, False)
            os.write(descriptor, news)
        except OSError:
            # Full or closed: the supervisor does not listen, and serving goes on.
            return

    def _refuse(self, message: str, code: Exit, trace: str = "") -> int:
        self._journal.failed(message, event="worker_not_started", trace=trace)
        line = " ".join(message.split())
        self._tell(b"F" + line.encode("utf-8", "replace") + b"\n")
        return code


def _ignore() -> None:
    """Do nothing about a signal."""


def _names_left(threads: Iterable[threading.Thread]) -> list[str]:
    """Names of those that keep the process, after a moment for those that are about to end."""
    keeping = [each for each in threads if not each.daemon]
    deadline = time.monotonic() + _LAST_THREADS
    for each in keeping:
        each.join(max(0.0, deadline - time.monotonic()))
    return [each.name for each in keeping if each.is_alive()]
