"""The sockets of other slots, which the supervisor lends to this worker while those are down."""

from __future__ import annotations

import asyncio
import os
import socket

from pounce_rs._native import Worker

_MESSAGE = 64
"""Bytes that a message has at most: a sign and the number of a slot."""
_SOCKETS = 16
"""More than the supervisor sends at once."""


class Neighbours:
    """Accepts for other slots as the supervisor says, until the line to it ends.

    ``+3`` comes with the sockets of slot 3; ``-3`` means that the slot looks after itself again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, descriptor: int, worker: Worker) -> None:
        self._loop = loop
        self._worker = worker
        self._line = socket.socket(fileno=descriptor)
        self._line.setblocking(False)
        self._line.set_inheritable(False)
        loop.add_reader(self._line.fileno(), self._read)

    def _read(self) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._line, _MESSAGE, _SOCKETS)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            # The supervisor is gone; the lifeline tells it, too.
            self._loop.remove_reader(self._line.fileno())
            return
        slot = int(message[1:])
        if message.startswith(b"+"):
            for descriptor in descriptors:
                os.set_inheritable(descriptor, False)
            # What a slot has for itself is TCP: a Unix socket is shared by all.
            self._worker.adopt(slot, [(descriptor, False) for descriptor in descriptors])
        else:
            self._worker.release(slot)
