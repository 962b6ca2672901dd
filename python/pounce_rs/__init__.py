"""The engine behind `pounce` and `chirp`: the extension module, the probe and the commands."""

from __future__ import annotations

from pounce_rs._native import __version__

__all__ = ["__version__"]
