"""`python -m chirp`: the command `chirp`."""

from __future__ import annotations

import sys

from pounce_rs.commands import chirp

if __name__ == "__main__":
    sys.exit(chirp())
