"""Exceptions that are Pounce's own."""

from __future__ import annotations


class PounceError(Exception):
    """The server cannot do what it was asked for."""
