"""What this process is to a server: the program itself, or one of its workers."""

from __future__ import annotations

import json
import os
from typing import Any

_VARIABLE = "_POUNCE_WORKER"

_importing = False


def become_worker() -> None:
    """Note that this process is a worker that imports its app: `run()` in there returns."""
    global _importing  # noqa: PLW0603 # a process has one role
    _importing = True


def is_worker() -> bool:
    """Whether this process is a worker that imports its app."""
    return _importing


def own_document() -> dict[str, Any] | None:
    """The worker's document of a program that its supervisor has started again; once.

    None where this process is no such worker: the variable came from a parent's environment.
    """
    text = os.environ.pop(_VARIABLE, None)
    if text is None:
        return None
    descriptor, _, supervisor = text.partition(":")
    if supervisor != str(os.getppid()) or not descriptor.isdigit():
        return None
    with open(int(descriptor), encoding="utf-8") as settings:
        document: dict[str, Any] = json.load(settings)
    return document
