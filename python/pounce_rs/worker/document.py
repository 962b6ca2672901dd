"""The settings document of a worker: what the supervisor tells it."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PROTOCOL = 1
"""Version of the document."""

_LIFESPANS = ("auto", "on", "off")


class DocumentError(Exception):
    """The document is not one that this worker can follow."""


@dataclass(frozen=True)
class Document:
    """A worker's settings.

    Attributes:
        target: ``module:attribute`` of the application; None where the caller has the object.
        app_dir: Directory that the target is imported from; None means the working directory.
        listeners: Descriptors of listening sockets, TCP or Unix.
        config: Fields of ``ServerConfig`` that differ from their defaults, as in a TOML file.
        kind: ``pounce``, or ``chirp`` where a target without an attribute means ``app``.
        app_config: Settings of a Chirp app from outside its code: ``base`` is what its keywords
            win over, ``flags`` what wins over them; both hold secrets.
        worker_id: Number of the worker's slot, from 0.
        workers: How many there are.
        generation: Which load of the code this is, from 1.
        early: Whether health probes are answered, and other requests wait, while the app starts.
        lifespan: ``auto``, ``on`` or ``off``.
        report_fd: Where the worker tells its life; None: nobody listens.
        lifeline_fd: A pipe whose end of file means that the supervisor is gone.
        certificate: Chain and key, in PEM form, for where the files of the configuration hold none
            that can be served; the key is a secret.
        control_fd: A socket over which the supervisor lends the sockets of other slots.
    """

    target: str | None
    listeners: tuple[int, ...]
    app_dir: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "pounce"
    app_config: Mapping[str, Any] | None = field(default=None, repr=False)
    worker_id: int = 0
    workers: int = 1
    generation: int = 1
    early: bool = True
    lifespan: str = "auto"
    report_fd: int | None = None
    lifeline_fd: int | None = None
    control_fd: int | None = None
    certificate: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def read(cls, text: str | bytes) -> Document:
        """Read the JSON text.

        Raises:
            DocumentError: It is no such document, or one of another protocol version.
        """
        try:
            found = json.loads(text)
        except ValueError as error:
            raise DocumentError(f"the settings are no JSON: {error}") from None
        return cls.of(found)

    @classmethod
    def of(cls, found: object) -> Document:
        """Take a document as :func:`json.loads` gives it.

        Raises:
            DocumentError: It is no such document, or one of another protocol version.
        """
        if not isinstance(found, dict):
            raise DocumentError("the settings are no JSON object")
        if found.get("protocol") != PROTOCOL:
            raise DocumentError(
                f"the settings are of protocol {found.get('protocol')!r}, this worker speaks "
                f"{PROTOCOL}: pounce and the pounce_rs of the application differ in version"
            )
        document = cls(
            target=_of(found, "target", str, optional=True),
            app_dir=_of(found, "app_dir", str, optional=True),
            listeners=tuple(_of(found, "listeners", list)),
            config=_of(found, "config", dict, default={}),
            kind=_of(found, "kind", str, default="pounce"),
            app_config=_of(found, "app_config", dict, optional=True),
            worker_id=_of(found, "worker_id", int, default=0),
            workers=_of(found, "workers", int, default=1),
            generation=_of(found, "generation", int, default=1),
            early=_of(found, "early", bool, default=True),
            lifespan=_of(found, "lifespan", str, default="auto"),
            report_fd=_of(found, "report_fd", int, optional=True),
            lifeline_fd=_of(found, "lifeline_fd", int, optional=True),
            control_fd=_of(found, "control_fd", int, optional=True),
            certificate=_certificate(found.get("certificate")),
        )
        if document.lifespan not in _LIFESPANS:
            raise DocumentError(f"lifespan is one of {', '.join(_LIFESPANS)}")
        return document

    def sockets(self) -> list[tuple[int, bool]]:
        """The listening sockets as (descriptor, whether it is a Unix socket).

        Raises:
            DocumentError: A descriptor is not open, or no listening socket.
        """
        return [(descriptor, _is_unix(descriptor)) for descriptor in self.listeners]


def _of(
    found: dict[str, Any], name: str, kind: type, *, default: Any = None, optional: bool = False
) -> Any:
    value = found.get(name, default)
    if value is None and optional:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise DocumentError(f"{name} of the settings is {value!r}, not of type {kind.__name__}")
    return value


def _certificate(found: Any) -> tuple[str, str] | None:
    if found is None:
        return None
    try:
        chain, key = found["chain"], found["key"]
    except (TypeError, KeyError):
        raise DocumentError("certificate of the settings is no chain and key") from None
    if not (isinstance(chain, str) and isinstance(key, str)):
        raise DocumentError("chain and key of the settings' certificate are no texts")
    return chain, key


def _is_unix(descriptor: object) -> bool:
    if not isinstance(descriptor, int) or descriptor < 0:
        raise DocumentError(f"listeners are numbers of descriptors, not {descriptor!r}")
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            raise DocumentError(f"descriptor {descriptor} is no socket")
        listener = socket.socket(fileno=descriptor)
    except OSError as error:
        raise DocumentError(f"descriptor {descriptor} is not usable: {error.strerror}") from None
    try:
        if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise DocumentError(f"descriptor {descriptor} is a socket that does not listen")
        return listener.family == socket.AF_UNIX
    finally:
        listener.detach()
