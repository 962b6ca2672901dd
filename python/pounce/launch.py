"""`pounce.run`: where a program hands its app to the server."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pounce_rs._native import ServerConfig, listen, serve_again, serve_target, worker_count
from pounce_rs.probe.positions import call_site
from pounce_rs.probe.session import current
from pounce_rs.role import is_worker, own_document

_STREAMS = ("/dev/stdin", "/dev/fd/", "/proc/")
"""Where files begin that are streams of this process."""


def run(app: object, *, config: ServerConfig | None = None, **settings: object) -> None:
    """Serve an app until the server is told to stop.

    A target is imported by worker processes of their own. A live app is served in this process
    where there is one worker; several run this program again, up to this call. Inside a preflight,
    and while a worker imports the app, this hands the app over and returns.

    Args:
        app: An ASGI application, or its target as `"module:attribute"`.
        config: The server's settings.
        settings: The same settings as keywords; not together with `config`.

    Raises:
        ValueError: A setting is wrong; the message names every one that is.
        TypeError: Both `config` and keywords were given, or `config` is no `ServerConfig`.
        RuntimeError: A live app was given outside of the main thread, inside of an event loop, or
            for several workers by a program that they cannot run again.
        SystemExit: The server did not start or did not end well; the reason is on standard error.
    """
    if config is not None and settings:
        raise TypeError("run takes config or settings as keywords, not both")
    if config is not None and not isinstance(config, ServerConfig):
        raise TypeError(f"run takes a ServerConfig, not {type(config).__name__}")
    if config is None:
        config = ServerConfig(**settings)  # type: ignore[arg-type]  # judged by ServerConfig itself
    session = current()
    if session is not None:
        session.hand_over(app, call_site(1))
    elif not is_worker():
        code = _serve(app, config)
        if code:
            sys.exit(code)


def _serve(app: object, config: ServerConfig) -> int:
    if not isinstance(app, str):
        _require_free_main_thread(app)
    # Only here: a preflight has no need of the server.
    from pounce_rs.worker import Exit, serve  # noqa: PLC0415
    from pounce_rs.worker.leaving import flush_output, leave_at_once  # noqa: PLC0415

    document = own_document()
    if document is not None:
        code = serve(app, document)
        if code == Exit.CUT_OFF:
            leave_at_once(code)
        flush_output()
        sys.exit(code)
    if isinstance(app, str):
        with _default_signals():
            return serve_target(config, app, app_dir=_import_folder())
    if worker_count(config) == 1:
        listening = listen(config, _name(app))
        before = set(threading.enumerate())
        code = serve(app, json.loads(listening.document))
        if code != Exit.CUT_OFF:
            return code
        # The log says what was cut off: the server was told to stop, and has.
        if any(not each.daemon for each in set(threading.enumerate()) - before):
            leave_at_once(0)
        return 0
    _require_repeatable_program(app)
    with _default_signals():
        return serve_again(config, _name(app), arguments=sys.orig_argv[1:])


def _require_free_main_thread(app: object) -> None:
    """Judge where a live app is to be served.

    Raises:
        RuntimeError: Python hears signals in the main thread only, or its event loop is taken.
    """
    # Only here: a preflight has no need of it.
    import asyncio  # noqa: PLC0415

    instead = (
        "call it at the end of the program, or give the app by its name, as "
        'pounce.run("module:attribute"), which is served in processes of its own'
    )
    thread = threading.current_thread()
    if thread is not threading.main_thread():
        raise RuntimeError(
            f"pounce.run cannot serve {_name(app)} in the thread {thread.name}: the server is "
            f"stopped by signals, and Python hears them in the main thread only; {instead}"
        )
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        f"pounce.run cannot serve {_name(app)} inside of a running event loop: the server runs a "
        f"loop of its own in this thread, and one thread has one; {instead}"
    )


def _require_repeatable_program(app: object) -> None:
    """Judge whether each worker can run this program again.

    Raises:
        RuntimeError: It came by a stream, which can be read once and which workers do not have.
    """
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    typed = file in (None, "<stdin>") and sys.argv[:1] != ["-c"]
    if typed or (file is not None and file.startswith(_STREAMS)):
        raise RuntimeError(
            f"pounce.run cannot serve {_name(app)} in several workers: each of them runs this "
            f"program again, which came from {'standard input' if typed else file} and cannot be "
            "read twice; put it into a file, give the app by its name, as "
            'pounce.run("module:attribute"), or use workers=1'
        )


def _import_folder() -> str:
    """The folder that the program itself imports from first."""
    first = sys.path[0] if sys.path else ""
    return os.path.abspath(first) if os.path.isdir(first) else os.getcwd()


def _name(app: object) -> str:
    known = app if hasattr(app, "__qualname__") else type(app)
    return f"{known.__module__}.{known.__qualname__}"


@contextmanager
def _default_signals() -> Iterator[None]:
    """Leave SIGINT to the supervisor, which runs outside of Python; what was set comes back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
