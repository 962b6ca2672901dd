"""Keeps secrets out of messages: what an exception says may quote what it was given."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from .sources import Position, text_of

_MASK = "••••••••"
_CREDENTIALS = r"(?<=://)[^/@\s:]*:[^/@\s]+(?=@)|(?<=://)[^/@\s]+(?=@)"
_ASSIGNED = (
    r"(?ix)\b(\w*(?:secret|password|passwd|token|api_?key|dsn)\w*[\"']?)(\s*[=:]\s*)"
    r"(b?[\"'])(?!\$)[^\"']+([\"'])"
)
SHAPES = (
    r"\b(?:sk|pk|rk)_(?:live|test)_\w{8,}|\bgh[oprsu]_\w{20,}|\bxox[abeprs]-[\w-]{10,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|(?<=\bBearer\ )(?=\S*\d)[\w.~+/=-]{8,}|(?<=\bBasic\ )(?=\S*\d)[\w.~+/=-]{8,}"
)
"""Keys and tokens that are known by their look, under whatever name they stand."""

HINTS = (
    "k_live_",
    "k_test_",
    *(f"gh{kind}_" for kind in "oprsu"),
    "xox",
    "AKIA",
    "eyJ",
    "Bearer ",
    "Basic ",
)
"""A text without any of these holds none: quicker to say than by the pattern."""

VALUE_IN_A_TEXT = r"(?!None\b|\$)[^\s\"'&;,(){}=]+"
"""What stands without quotes behind a name and ``=``."""

IN_A_TEXT = rf"(?i)((?:secret|password|passwd|pwd|token|api_?key)\w*=){VALUE_IN_A_TEXT}"
"""``password=...`` as connection strings and queries have it, without quotes."""
_LITERAL = r"(?is)[a-z]{0,2}(\"{3}|'{3}|[\"'])(.+)\1"
_EXPANSION = r"(?s)\$(\(.*\)|\{.*\})"

SHORTEST = 4
"""Secrets of fewer characters are not searched for in text: they would hit ordinary words."""

_UNMISTAKABLE = 12
"""Secrets of fewer characters are hidden as words only: they may be part of an innocent one."""

SECRET_NAMES = (
    "secret",
    "secret_key",
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "dsn",
    "database_url",
    "api_key",
    "apikey",
    "access_key",
    "private_key",
    "token",
)
"""Ends of names whose values are taken for secrets, whatever they are for."""

_LEAST_OF_STRANGERS = 8
"""Characters; shorter values of unknown variables stand in too many innocent places."""


class Redactor:
    """Knows the secrets of a run and takes them out of text."""

    def __init__(self, secret_fields: tuple[str, ...], prefixes: tuple[str, ...]) -> None:
        self._fields = secret_fields
        self._prefixes = prefixes
        self.secrets: set[str] = set()

    def learn(self, values: object) -> None:
        """Remember the secret fields of a mapping of configuration values."""
        if isinstance(values, dict):
            for field in self._fields:
                value = values.get(field)
                if isinstance(value, str) and value:
                    self.secrets.add(value)

    def learn_named(self, values: Mapping[str, object], least: int = SHORTEST) -> None:
        """Remember the texts that have a secret's name: variables, attributes, the environment.

        A URL is shown without its credentials; a number or the name of a file is no secret.
        """
        for name, value in list(values.items()):
            if (
                type(value) is str  # what is asked for its class may be an object that is made then
                and len(value) >= least
                and str(name).lower().endswith((*SECRET_NAMES, "pw"))
                and "://" not in value
                and not value.startswith("/")
                and not value.isdigit()
            ):
                self.secrets.add(value)

    def learn_environment(self) -> None:
        """Remember the values of variables that fill secret fields, or have a secret's name."""
        folders = ("PWD", "OLDPWD")
        strangers = {name: text for name, text in os.environ.items() if name not in folders}
        self.learn_named(strangers, _LEAST_OF_STRANGERS)
        for prefix in self._prefixes:
            for field in self._fields:
                value = os.environ.get(prefix + field.upper())
                if value:
                    self.secrets.add(value)

    def learn_literals(self, masked: list[Position]) -> None:
        """Remember the contents of the string literals at masked positions."""
        for position in masked:
            literal = re.fullmatch(_LITERAL, text_of(position))
            # What a shell puts in is the way to a secret, as advice names it.
            if literal is not None and not re.fullmatch(_EXPANSION, literal[2]):
                self.secrets.add(literal[2])

    def line(self, text: str) -> str:
        """``text`` on one line, without known secrets and without credentials of URLs."""
        text = " ".join(text.split())
        for secret in sorted(self.secrets, key=len, reverse=True):
            if len(secret) >= _UNMISTAKABLE:
                text = text.replace(secret, _MASK)
            elif len(secret) >= SHORTEST:
                text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", _MASK, text)
        text = re.sub(_CREDENTIALS, _MASK, text)
        text = re.sub(_ASSIGNED, rf"\1\2\3{_MASK}\4", text)
        text = re.sub(SHAPES, _MASK, text)
        text = re.sub(IN_A_TEXT, rf"\1{_MASK}", text)
        return text.encode("utf-8", "replace").decode()
