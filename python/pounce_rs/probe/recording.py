"""Records where an app of the published bengal-chirp is put together, while its module is imported.

That package keeps no call sites. In the probe's child process, and only there, its ``App`` and
``AppConfig`` are wrapped so that each call notes who made it. An ``AppConfig(...)`` that refuses an
empty secret key is built again with a throwaway key: the refusal is recorded as a problem, and all
other findings of the app can still be made.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .import_watch import ImportWatch
from .positions import CallSite, outside_call_site
from .session import Session

_INSIDE = ("chirp", "pounce", "dataclasses", "copy", "functools", __package__ or "_pounce_probe")
"""Modules between the user's line and a wrapped function."""

_HOOKS = ("on_startup", "on_shutdown", "on_worker_startup", "on_worker_shutdown")


class ConfigRecord:
    """How one AppConfig came to be."""

    def __init__(self, config: Any, site: CallSite | None, explicit: dict[str, Any]) -> None:
        self.config = config
        self.site = site
        self.explicit = explicit
        self.from_env = False
        self.prefix: str | None = None
        self.problems: list[tuple[str | None, str]] = []
        self.placeholders: dict[str, Any] = {}


class AppConfigRefused:
    """An exception raised by ``AppConfig(...)`` itself."""

    def __init__(self, error: BaseException, site: CallSite | None, fields: list[str]) -> None:
        self.error = error
        self.site = site
        self.fields = fields


class Recorder:
    """The notes taken while the target's module was imported, by identity of the objects."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._configs: dict[int, ConfigRecord] = {}
        self._sites: dict[tuple[str, int], tuple[Any, CallSite | None]] = {}
        self._refused: list[AppConfigRefused] = []
        self._in_from_env = 0
        self._stand_ins: dict[str, str] = {}

    def config(self, config: Any) -> ConfigRecord | None:
        """The record of an AppConfig."""
        return self._configs.get(id(config))

    def site(self, what: str, subject: Any) -> CallSite | None:
        """Where ``subject`` was made or registered; ``what`` is the method's name."""
        noted = self._sites.get((what, id(subject)))
        return noted[1] if noted else None

    def refused(self, error: BaseException) -> AppConfigRefused | None:
        """The record of an AppConfig error that ``error`` is, or was raised from."""
        seen: set[int] = set()
        current: BaseException | None = error
        while current is not None and id(current) not in seen:
            seen.add(id(current))
            for refused in self._refused:
                if refused.error is current:
                    return refused
            current = current.__cause__ or current.__context__
        return None

    def install(self) -> None:
        """Wrap the packages as soon as they are imported."""
        watch = ImportWatch()
        watch.watch("chirp.config", self._wrap_config)
        watch.watch("chirp.app", self._wrap_app)
        watch.watch("pounce", self._wrap_run)
        watch.install()

    def _note(self, what: str, subject: Any, site: CallSite | None) -> None:
        # The subject is kept alive: its id is the key.
        self._sites[what, id(subject)] = (subject, site)

    def _wrap_config(self, module: ModuleType) -> None:
        cls: Any = getattr(module, "AppConfig", None)
        fields = getattr(cls, "__dataclass_fields__", None)
        if fields is None or hasattr(cls, "_chirp_fields"):
            return
        names = tuple(fields)
        construct = cls.__init__
        load = cls.from_env.__func__

        @functools.wraps(construct)
        def recording_init(config: Any, *args: Any, **kwargs: Any) -> None:
            given = {**dict(zip(names, args, strict=False)), **kwargs}
            record = ConfigRecord(config, outside_call_site(_INSIDE, 1), self._explicit(given))
            self._configs[id(config)] = record
            try:
                construct(config, *args, **kwargs)
            except Exception as error:
                known = given.get("secret_key") or "secret_key" not in str(error)
                if known or self.session.base is None:
                    self._refuse(error, record, names)
                    raise
                stand_in = os.urandom(24).hex()
                self._stand_ins[stand_in] = str(error)
                given = {**given, "secret_key": stand_in}
                self._construct_again(construct, record, given, names)
            # Also a copy of a config that has a throwaway key has no key.
            if (refusal := self._stand_ins.get(given.get("secret_key", ""))) is not None:
                record.problems.append(("secret_key", refusal))
                record.placeholders["secret_key"] = ""

        @functools.wraps(load)
        def from_env(cls: Any, prefix: str = "CHIRP_", **overrides: Any) -> Any:
            site = outside_call_site(_INSIDE, 1)
            self._in_from_env += 1
            try:
                config = load(cls, prefix, **overrides)
            finally:
                self._in_from_env -= 1
            record = self._configs.get(id(config)) or ConfigRecord(config, site, {})
            record.explicit = dict(overrides)
            record.site, record.from_env, record.prefix = site, True, prefix
            self._configs[id(config)] = record
            return config

        cls.__init__ = recording_init
        cls.from_env = classmethod(from_env)  # type: ignore[arg-type]

    def _construct_again(
        self,
        construct: Callable[..., None],
        record: ConfigRecord,
        given: dict[str, Any],
        names: tuple[str, ...],
    ) -> None:
        try:
            construct(record.config, **given)
        except Exception as error:
            self._refuse(error, record, names)
            raise

    def _refuse(self, error: Exception, record: ConfigRecord, names: tuple[str, ...]) -> None:
        import re

        words = re.findall(r"\w+", str(error))
        unknown = [name for name in record.explicit if name not in names]
        fields = unknown or [word for word in dict.fromkeys(words) if word in names]
        self._refused.append(AppConfigRefused(error, record.site, fields))

    def _explicit(self, given: dict[str, Any]) -> dict[str, Any]:
        """The keywords that the user's code passed, among those that the constructor got.

        ``dataclasses.replace`` passes every field: explicit are the old ones and what it changes.
        """
        if self._in_from_env:
            return {}
        for record in reversed(list(self._configs.values())):
            known = _field_values(record.config)
            if known and len(given) == len(known) and given.keys() == known.keys():
                changed = {name: value for name, value in given.items() if known[name] is not value}
                return {**record.explicit, **changed}
        return given

    def _wrap_app(self, module: ModuleType) -> None:
        cls: Any = getattr(module, "App", None)
        if cls is None or getattr(cls, "_chirp_app", False):
            return
        construct, route, run = cls.__init__, cls.route, cls.run

        @functools.wraps(construct)
        def recording_init(app: Any, *args: Any, **kwargs: Any) -> None:
            self._note("App", app, outside_call_site(_INSIDE, 1))
            construct(app, *args, **kwargs)

        @functools.wraps(route)
        def recording_route(app: Any, *args: Any, **kwargs: Any) -> Any:
            site = outside_call_site(_INSIDE, 1)
            decorate = route(app, *args, **kwargs)

            def register(handler: Any) -> Any:
                result = decorate(handler)
                pending = app._mutable_state.pending_routes
                if pending:
                    self._note("route", pending[-1], site)
                self._note("handler", handler, site)
                return result

            return register

        @functools.wraps(run)
        def hand_over(app: Any, *_args: Any, **_kwargs: Any) -> None:
            self.session.hand_over(app, outside_call_site(_INSIDE, 1))

        cls.__init__ = recording_init
        cls.route = recording_route
        cls.run = hand_over
        for name in ("add_middleware", "add_health_check", *_HOOKS):
            self._wrap_registration(cls, name)

    def _wrap_registration(self, cls: Any, name: str) -> None:
        register = getattr(cls, name, None)
        if register is None:
            return

        @functools.wraps(register)
        def recording(app: Any, subject: Any, *args: Any, **kwargs: Any) -> Any:
            self._note(name, subject, outside_call_site(_INSIDE, 1))
            return register(app, subject, *args, **kwargs)

        setattr(cls, name, recording)

    def _wrap_run(self, module: ModuleType) -> None:
        run = getattr(module, "run", None)
        if not callable(run):
            return

        @functools.wraps(run)
        def hand_over(app: Any, *_args: Any, **_kwargs: Any) -> None:
            self.session.hand_over(app, outside_call_site(_INSIDE, 1))

        vars(module)["run"] = hand_over


def _field_values(config: Any) -> dict[str, Any]:
    try:
        return {name: getattr(config, name) for name in type(config).__dataclass_fields__}
    except AttributeError:
        return {}
