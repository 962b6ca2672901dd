"""`python -m pounce_rs`: the command `pounce`."""

from __future__ import annotations

import sys

from pounce_rs.commands import pounce

if __name__ == "__main__":
    sys.exit(pounce())
