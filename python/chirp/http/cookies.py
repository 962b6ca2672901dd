"""Cookies: what a request brings, and what a response sets (RFC 6265)."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: A cookie name is a token, its value a restricted set of printable ASCII (section 4.1.1).
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*")
_ATTRIBUTE = re.compile(r"[ !-:<-~]*")
_SAME_SITE = ("lax", "strict", "none")


def parse_cookies(header: str) -> dict[str, str]:
    """Read a Cookie header; of two cookies with one name the first counts, as it is more specific.

    Args:
        header: Value of the header; several are joined by `; `.
    """
    cookies: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.partition("=")
        if equals:
            text = value.strip()
            if len(text) > 1 and text[0] == text[-1] == '"':
                text = text[1:-1]
            cookies.setdefault(name.strip(), text)
    return cookies


@dataclass(frozen=True)
class SetCookie:
    """A cookie that a response sets.

    Attributes:
        name: Its name.
        value: Its value: printable ASCII without spaces, quotes, commas, semicolons, backslashes.
        max_age: Lifetime in seconds; 0 deletes it; None means until the browser ends.
        path: Path that it is sent for.
        domain: Domain that it is sent to; None means this host only.
        secure: Whether it goes over HTTPS only.
        httponly: Whether scripts are kept from reading it.
        samesite: `lax`, `strict` or `none`, in any case; browsers want `secure` with the last.

    Raises:
        ValueError: A part is of another type, or has a character that would end it.
    """

    name: str
    value: str
    max_age: int | None = None
    path: str = "/"
    domain: str | None = None
    secure: bool = False
    httponly: bool = True
    samesite: str = "lax"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot be the name of a cookie")
        if not isinstance(self.value, str):
            kind = type(self.value).__name__
            raise ValueError(f"the value of the cookie {self.name!r} is a string, not {kind}")
        if not _VALUE.fullmatch(self.value):
            raise ValueError(
                f"the value of the cookie {self.name!r} has a character that cookies cannot hold: "
                "encode it, for instance with urllib.parse.quote"
            )
        if not isinstance(self.max_age, (int, type(None))):
            raise ValueError(
                f"max_age of the cookie {self.name!r} is a whole number of seconds, "
                f"not {self.max_age!r}"
            )
        if self.samesite.lower() not in _SAME_SITE:
            raise ValueError(
                f"samesite of the cookie {self.name!r} is one of {', '.join(_SAME_SITE)}, "
                f"not {self.samesite!r}"
            )
        for part in (self.path, self.domain or ""):
            if not _ATTRIBUTE.fullmatch(part):
                raise ValueError(f"an attribute of the cookie {self.name!r} is not valid: {part!r}")

    def header(self) -> str:
        """The value of the Set-Cookie header."""
        parts = [f"{self.name}={self.value}", f"Path={self.path}"]
        if self.max_age is not None:
            parts.append(f"Max-Age={self.max_age}")
        if self.domain:
            parts.append(f"Domain={self.domain}")
        if self.secure:
            parts.append("Secure")
        if self.httponly:
            parts.append("HttpOnly")
        parts.append(f"SameSite={self.samesite.capitalize()}")
        return "; ".join(parts)
