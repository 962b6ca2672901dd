"""`python -m pounce`: the command `pounce`."""

from __future__ import annotations

import sys

from pounce_rs.commands import pounce

sys.exit(pounce())
