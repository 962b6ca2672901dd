"""``python -m pounce_rs.worker``: a worker as the supervisor starts it."""

from __future__ import annotations

import argparse
import os
import sys

from .document import Document, DocumentError
from .leaving import flush_output, leave_at_once
from .service import Exit, serve


def main(arguments: list[str] | None = None) -> int:
    """Read the settings and serve; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pounce_rs.worker")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--settings-fd", type=int, help="descriptor to read the settings from")
    source.add_argument("--settings", help="the settings as JSON")
    given = parser.parse_args(arguments)
    try:
        if given.settings is None:
            with os.fdopen(given.settings_fd, "rb") as file:
                document = Document.read(file.read())
        else:
            document = Document.read(given.settings)
    except (DocumentError, OSError) as error:
        print(f"pounce worker: {error}", file=sys.stderr)
        return Exit.UNUSABLE
    return serve(None, document)


if __name__ == "__main__":
    code = main()
    if code == Exit.CUT_OFF:
        # What did not end in its time may be a thread that never does: nothing waits for it.
        leave_at_once(code)
    flush_output()
    sys.exit(code)
