"""An AppConfig as data: what the code said, what came out of it, and where."""

from __future__ import annotations

from types import GetSetDescriptorType
from typing import Any

from .keywords import arguments_of
from .positions import PositionTable
from .redaction import Redactor
from .values import as_json


def describe(
    config: Any,
    site: Any,
    explicit: dict[str, Any],
    table: PositionTable,
    redactor: Redactor,
    *,
    from_env: bool = False,
    prefix: str | None = None,
    problems: list[tuple[str | None, str]] | None = None,
    overrides: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The ``config`` part of the document.

    ``explicit`` are the keywords of the call at ``site``; ``overrides`` replace final values
    (where the probe itself had to put something in).
    """
    created = table.of(site, "from_env" if from_env else "AppConfig", "replace")
    arguments = arguments_of(created)
    names = field_names(config)
    values = {name: as_json(getattr(config, name, None))[0] for name in names}
    values.update(overrides or {})
    redactor.learn(values)
    redactor.learn(explicit)
    positional = dict(zip(names, arguments.positional, strict=False)) if not from_env else {}
    keywords: dict[str, Any] = {}
    for name, value in explicit.items():
        plain, opaque = as_json(value)
        position = arguments.keywords.get(name) or positional.get(name) or arguments.unpacked
        keywords[name] = {"value": plain, "opaque": opaque, "position": position}
    found = []
    for field, message in problems or []:
        keyword = keywords.get(field or _named_in(message, explicit), {})
        found.append(
            {
                "field": field,
                "message": redactor.line(message),
                "position": keyword.get("position") or created,
            }
        )
    return {
        "created_at": created,
        "from_env": from_env,
        "env_prefix": prefix,
        "explicit": keywords,
        "values": values,
        "problems": found,
    }


def _named_in(message: str, explicit: dict[str, Any]) -> str:
    """The keyword that a message about no field names in quotes: an unknown one."""
    for quoted in message.replace("'", "`").split("`")[1::2]:
        if quoted in explicit:
            return quoted
    return ""


def field_names(config: Any) -> tuple[str, ...]:
    """Names of the fields of an AppConfig, in order of declaration."""
    cls = type(config)
    names = getattr(cls, "_chirp_fields", None) or getattr(cls, "__dataclass_fields__", None)
    if names is None:  # a class of an extension: its fields are its public properties
        kinds = (property, GetSetDescriptorType)
        names = [name for name, value in vars(cls).items() if isinstance(value, kinds)]
    return tuple(name for name in names if not name.startswith("_"))
