"""The engine behind `pounce` and `chirp`: the extension module, the probe and the commands."""

from __future__ import annotations

from pounce_rs._native import __version__

__all__ = ["PROTOCOL", "__version__"]

PROTOCOL = 1
"""What supervisors and workers agree on; a native `pounce` serves only with the same."""
