"""First code of the probe's child: says who it is, takes the program from a pipe, runs it.

Written so that any Python back to 2.7 can say that it is too old.
"""

# ruff: noqa: ARG002, E402, S102, UP031, UP036
import os
import sys

request, answer, trace = [int(number) for number in sys.argv[1:4]]
version = ".".join(str(number) for number in sys.version_info[:3])
os.write(
    trace, ("pounce probe\n%s\n%s\n" % (version, sys.executable or "")).encode("utf-8", "replace")
)
if sys.version_info < (3, 10):
    os._exit(0)

# What the parent of the command left open is not the app's.
first = 3
for descriptor in sorted((request, answer, trace)):
    os.set_inheritable(descriptor, False)
    os.closerange(first, descriptor)
    first = descriptor + 1
os.closerange(first, 65536)

import faulthandler
import json
import signal

limit = int(sys.argv[4])
faulthandler.enable(file=trace, all_threads=False)
# SIGURG is ignored by default and hardly ever used, so asking for the stack disturbs nothing.
faulthandler.register(signal.SIGURG, file=trace, all_threads=False, chain=False)
# A child whose parent is gone does not outlive the time limit by much.
signal.alarm(limit)

chunks = []
while True:
    chunk = os.read(request, 1 << 20)
    if not chunk:
        break
    chunks.append(chunk)
os.close(request)
package = json.loads(b"".join(chunks).decode("utf-8"))
modules = package["modules"]


class Embedded:
    """Imports the probe's modules from memory."""

    def find_spec(self, name, path=None, target=None):
        """Part of the finder protocol."""
        if name not in modules:
            return None
        kind = type(sys.__spec__)
        origin = "<pounce probe>/" + modules[name][0]
        return kind(name, self, origin=origin, is_package=origin.endswith("__init__.py"))

    def create_module(self, spec):
        """Part of the loader protocol."""
        return

    def exec_module(self, module):
        """Part of the loader protocol."""
        origin = module.__spec__.origin
        module.__file__ = origin
        code = compile(modules[module.__name__][1], origin, "exec", dont_inherit=True)
        exec(code, module.__dict__)


sys.meta_path.insert(0, Embedded())
sys.argv[:] = [package["request"]["program"]]
from _pounce_probe.launch import run

run(package["request"], answer)
