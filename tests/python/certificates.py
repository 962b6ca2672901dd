"""Certificates for tests, written by openssl."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """A self-signed certificate for the loopback, and its key, as files."""

    chain: Path
    key: Path

    def trusting(self) -> ssl.SSLContext:
        """What a client uses that trusts this certificate only."""
        return ssl.create_default_context(cafile=str(self.chain))


def pair(folder: Path) -> Pair:
    """A new pair in a folder, which is made."""
    folder.mkdir(parents=True)
    made = Pair(folder / "cert.pem", folder / "key.pem")
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-noenc", "-days", "60", "-subj", "/CN=localhost", "-addext", names]
    command += ["-out", str(made.chain), "-keyout", str(made.key)]
    subprocess.run(command, check=True, capture_output=True)
    return made
