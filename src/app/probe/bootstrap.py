"""First code of the probe's child: says who it is, takes the program from a pipe, runs it.

Written so that any Python back to 2.7 can say that it is too old.
"""

# ruff: noqa: ARG002, E402, S102, S302, UP031, UP036
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
import marshal
import signal

limit = int(sys.argv[4])
faulthandler.enable(file=trace, all_threads=False)
# SIGURG is ignored by default and hardly ever used, so asking for the stack disturbs nothing.
faulthandler.register(signal.SIGURG, file=trace, all_threads=False, chain=False)


leave = os._exit
probe = os.getpid()


def say_where(status):
    """End the process as ``os._exit`` does, but tell from where, as a crash does."""
    if os.getpid() == probe:
        faulthandler.dump_traceback(file=trace, all_threads=False)
    leave(status)


os._exit = say_where
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


def own(path):
    """Whether nobody else can have written to a file or folder."""
    status = os.stat(path)
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def compiled():
    """The code of all modules, kept between runs: compiling takes longer than running."""
    folder = package["cache"]
    magic = sys.modules["_frozen_importlib_external"].MAGIC_NUMBER.hex()
    kept = folder and os.path.join(folder, "probe-%s-%s" % (package["digest"], magic))
    try:
        if own(folder) and own(kept):
            with open(kept, "rb") as file:
                return marshal.loads(file.read())
    except (OSError, TypeError, ValueError, EOFError):
        pass
    codes = {}
    for name, (path, text) in modules.items():
        codes[name] = compile(text, "<pounce probe>/" + path, "exec", dont_inherit=True)
    if folder and not sys.dont_write_bytecode:
        try:
            os.makedirs(folder, 0o700, exist_ok=True)
            written = "%s.%d" % (kept, os.getpid())
            with os.fdopen(
                os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as file:
                file.write(marshal.dumps(codes))
            os.replace(written, kept)
        except OSError:
            pass  # a home that cannot be written to: compiled anew next time
    return codes


codes = compiled()


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
        exec(codes[module.__name__], module.__dict__)


sys.meta_path.insert(0, Embedded())
sys.argv[:] = [package["request"]["program"]]
from _pounce_probe.launch import run

run(package["request"], answer)
