"""The commands `pounce` and `chirp` as an installed package starts them."""

from __future__ import annotations

import os
import signal
import sys

from pounce_rs._native import main


def pounce() -> int:
    """Run `pounce` with the arguments of this process; give its exit code."""
    return _run("pounce")


def chirp() -> int:
    """Run `chirp` with the arguments of this process; give its exit code."""
    return _run("chirp")


def _run(command: str) -> int:
    # The work is done in Rust, where Python's own handler would never get its turn: Ctrl-C ends the
    # process as it does for the native binaries.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _keep_descriptors()
    return main(command, sys.argv[1:])


def _keep_descriptors() -> None:
    """Keep what a shell or a service manager left open from the processes that are started here."""
    for name in os.listdir("/dev/fd") if os.path.isdir("/dev/fd") else ():
        descriptor = int(name)
        if descriptor > 2:
            try:
                os.set_inheritable(descriptor, False)
            except OSError:
                continue  # the one of the listing itself
