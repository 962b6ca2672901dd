"""Source ranges whose text is a secret, so that no snippet ever shows them.

Found by reading tokens, not by compiling: files that do not compile are shown too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .redaction import HINTS, SECRET_NAMES, SHAPES, SHORTEST, VALUE_IN_A_TEXT
from .sources import Position, Source, source, tokens

_SIGNERS = ("CookieSessionStore", "URLSafeTimedSerializer", "URLSafeSerializer", "TimestampSigner")
"""Callables whose literal arguments are keys."""

_LEAST_LIKELY = 8
"""Characters; shorter ones and URL paths are rather words of the program."""

_ASSIGNED = r"(?i)(?:s|_?\d+|_(?:fallbacks?|previous|old))?[\"']?\]?\s*(?::[^=\n,]*)?[=:](?!=)"
"""Behind the end of a name, also of several such: ``SECRET_KEY_FALLBACKS = [...]``."""

_IN_TEXTS = ("password=", "passwd=", "pwd=", "secret=", "token=", "api_key=", "apikey=")

_ENVIRONMENT = r"(?:\benviron\s*\[|\benviron\s*\.\s*(?:get|setdefault)\s*\(|\bgetenv\s*\()\s*$"


def masks(
    files: Iterable[str], secrets: Iterable[str], secret_fields: tuple[str, ...]
) -> list[Position]:
    """Ranges of secret text in ``files``, sorted, each once."""
    ranges: list[Position] = []
    known = [secret for secret in secrets if secret]
    for name in sorted(set(files)):
        text = source(name)
        if text is not None:
            found = {*_verbatim(text.text, known), *_keywords(text, secret_fields)}
            found |= {*_likely(text)}
            found |= {*_signers(text), *_fallbacks(text, secret_fields), *_in_texts(text)}
            if any(hint in text.text for hint in HINTS):
                found |= {match.span() for match in re.finditer(SHAPES, text.text)}
            ranges.extend(text.position(start, end) for start, end in _merged(found))
    return ranges


def _merged(found: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges in order, those that touch made one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _verbatim(text: str, secrets: list[str]) -> Iterator[tuple[int, int]]:
    """Where a secret stands as it is: in quotes when it is short, anywhere when it is not."""
    for secret in secrets:
        escaped = re.escape(secret)
        if len(secret) < 2 * SHORTEST:
            escaped = rf"(?<=[\"']){escaped}(?=[\"'])"
        for match in re.finditer(escaped, text):
            yield match.span()


def _keywords(text: Source, secret_fields: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Literals in ``secret_key=...`` and ``SECRET_KEY = ...``, wherever they stand."""
    for end in _ends(text.text, (*secret_fields, *_misspelt(text.text, secret_fields))):
        assigned = re.compile(_ASSIGNED).match(text.text, end)
        if assigned is not None:
            yield from _literals(text, assigned.end(), ("comma", "newline"))


def _likely(text: Source) -> Iterator[tuple[int, int]]:
    """Long literals under names that the app's other secrets usually have."""
    for start, end in _keywords(text, SECRET_NAMES):
        inner = text.text[start:end].strip("bBrRuUfF").strip("\"'")
        if len(inner) >= _LEAST_LIKELY and not inner.startswith("/"):
            yield start, end


def _misspelt(text: str, secret_fields: tuple[str, ...]) -> list[str]:
    """Names in ``text`` that get a value and are nearly those of secret fields: ``sentry_dns``."""
    if not secret_fields or "AppConfig" not in text:
        return []
    from difflib import get_close_matches

    found = {match[1].lower() for match in re.finditer(r"(\w{6,16})[\"']?\s*[=:]\s*[\"'(\[]", text)}
    return [name for name in sorted(found) if get_close_matches(name, secret_fields, 1, 0.85)]


def _ends(text: str, names: tuple[str, ...]) -> Iterator[int]:
    """Where names end in ``text``, in upper or lower case.

    Searching for plain words is many times faster than a pattern that tries all of them everywhere.
    """
    lowered = text.lower()
    if len(lowered) != len(text):  # letters that become two in lower case would shift the rest
        pattern = "|".join(map(re.escape, names)) or r"(?!)"
        yield from (match.end() for match in re.finditer(pattern, text, re.IGNORECASE))
        return
    for name in names:
        found = lowered.find(name)
        while found >= 0:
            yield found + len(name)
            found = lowered.find(name, found + len(name))


def _signers(text: Source) -> Iterator[tuple[int, int]]:
    if not any(name in text.text for name in _SIGNERS):
        return
    for match in re.finditer(rf"\b(?:{'|'.join(_SIGNERS)})\s*\(", text.text):
        yield from _literals(text, match.end(), ())


def _fallbacks(text: Source, secret_fields: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """The default in ``os.environ.get("CHIRP_SECRET_KEY", "default")``."""
    if "environ" not in text.text and "getenv" not in text.text:
        return
    for match in re.finditer(r"\benviron\s*\.\s*(?:get|setdefault)\s*\(|\bgetenv\s*\(", text.text):
        first = next(iter(tokens(text.text, match.end())), None)
        if first is None or first.kind != "string":
            continue
        name = text.text[first.start : first.end].lower()
        if any(field in name for field in secret_fields):
            yield from _literals(text, first.end, ())


def _in_texts(text: Source) -> Iterator[tuple[int, int]]:
    """The value in ``connect("host=db password=...")``."""
    for end in _ends(text.text, _IN_TEXTS):
        value = re.compile(VALUE_IN_A_TEXT).match(text.text, end)
        if value is None:
            continue
        for token in tokens(text.text, text.start_of(text.line_of(end)) or 0):
            if token.start > end:
                break
            if token.kind == "string" and token.end > end:
                yield value.span()
                break


def _literals(text: Source, start: int, until: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """String literals of the expression at ``start``, without names of environment variables."""
    for token in tokens(text.text, start):
        if token.depth < 0 or (token.depth == 0 and token.kind in until):
            return
        before = text.text[max(0, token.start - 64) : token.start]
        if token.kind == "string" and not re.search(_ENVIRONMENT, before):
            yield token.start, token.end
