"""Forms with files: multipart/form-data (RFC 7578), read piece by piece."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from chirp.errors import HTTPError, PayloadTooLarge
from chirp.http.forms import FormData, UploadFile

#: Most bytes of a part's header.
_MOST_HEADER = 16 * 1024
#: Most bytes in front of the first boundary.
_MOST_PREAMBLE = 64 * 1024
#: Most characters of a boundary (RFC 2046, section 5.1.1).
_MOST_BOUNDARY = 70
_PARAMETER = re.compile(r';\s*([!#-+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s"]*))')


@dataclass(frozen=True)
class PartBegin:
    """A part begins.

    Attributes:
        name: Name of the field.
        filename: What the client calls the file; None for a field that is none.
        content_type: Media type of the part.
    """

    name: str
    filename: str | None
    content_type: str


@dataclass(frozen=True)
class PartData:
    """More content of the part that has begun."""

    data: bytes


@dataclass(frozen=True)
class PartEnd:
    """The part is whole."""


Event = PartBegin | PartData | PartEnd


class MultipartParser:
    """Splits the body into parts as it comes; holds back no more than a boundary's length.

    Args:
        boundary: The boundary of the Content-Type header.

    Raises:
        HTTPError: 400, the boundary is none.
    """

    def __init__(self, boundary: str) -> None:
        if not 1 <= len(boundary) <= _MOST_BOUNDARY or not boundary.isascii():
            raise HTTPError(400, "multipart/form-data needs a boundary of 1 to 70 characters")
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        # The first boundary may stand at the very beginning: as behind a line.
        self._buffer = bytearray(b"\r\n")
        self._state: Callable[[], bool] = self._preamble
        self._events: list[Event] = []
        #: Whether the closing boundary was seen.
        self.complete = False

    def feed(self, data: bytes) -> list[Event]:
        """Take more of the body and give what it brings.

        Raises:
            HTTPError: 400, the body is no multipart/form-data.
        """
        self._buffer += data
        self._events = []
        while self._state():
            pass
        return self._events

    # Each state takes what it can from the buffer and says whether the next one has its turn.

    def _preamble(self) -> bool:
        at = self._buffer.find(self._delimiter)
        if at < 0:
            if len(self._buffer) > _MOST_PREAMBLE:
                raise HTTPError(400, "the form does not begin with its boundary")
            return False
        del self._buffer[: at + len(self._delimiter)]
        self._state = self._boundary
        return True

    def _boundary(self) -> bool:
        """Behind a boundary: its line ends and a part begins, or two dashes close the form."""
        if self._buffer.startswith(b"--"):
            self.complete = True
            self._state = self._epilogue
            return True
        end = self._buffer.find(b"\r\n")
        # A line that is not whole may still become the closing one, or end.
        if self._buffer[:end].strip(b" \t") if end >= 0 else self._buffer.strip(b" \t-\r"):
            raise HTTPError(400, "a boundary of the form is followed by other text")
        if end < 0:
            if len(self._buffer) > _MOST_BOUNDARY:
                raise HTTPError(400, "a boundary of the form does not end its line")
            return False
        # The line's end stays: with it, a header without fields ends as every other one.
        del self._buffer[:end]
        self._state = self._header
        return True

    def _header(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end > _MOST_HEADER or (end < 0 and len(self._buffer) > _MOST_HEADER):
            raise HTTPError(400, "the header of a part of the form is too long")
        if end < 0:
            return False
        self._events.append(_part(bytes(self._buffer[2:end])))
        del self._buffer[: end + 4]
        self._state = self._content
        return True

    def _content(self) -> bool:
        at = self._buffer.find(self._delimiter)
        # What may be the beginning of a boundary waits for more.
        sure = at if at >= 0 else len(self._buffer) - len(self._delimiter) + 1
        if sure > 0:
            self._events.append(PartData(bytes(self._buffer[:sure])))
            del self._buffer[:sure]
        if at < 0:
            return False
        del self._buffer[: len(self._delimiter)]
        self._events.append(PartEnd())
        self._state = self._boundary
        return True

    def _epilogue(self) -> bool:
        self._buffer.clear()
        return False


def _part(block: bytes) -> PartBegin:
    """Read the header of a part."""
    fields: dict[str, str] = {}
    for line in block.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if not colon:
            raise HTTPError(400, "a part of the form has a header line without a colon")
        try:
            fields.setdefault(name.decode("ascii").lower(), value.decode().strip())
        except UnicodeDecodeError:
            raise HTTPError(400, "the header of a part of the form is not UTF-8") from None
    disposition = fields.get("content-disposition", "")
    parameters = {
        match[1].lower(): match[2].replace('\\"', '"') if match[3] is None else match[3]
        for match in _PARAMETER.finditer(disposition)
    }
    if disposition.partition(";")[0].strip().lower() != "form-data" or "name" not in parameters:
        raise HTTPError(400, "a part of the form has no Content-Disposition: form-data with a name")
    filename = parameters.get("filename")
    kind = fields.get("content-type", "text/plain")
    return PartBegin(parameters["name"], None if filename is None else _last(filename), kind)


def _last(filename: str) -> str:
    """The last part of what may be a path of another system, without control characters."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in last if character.isprintable()).strip(". ")


@dataclass(frozen=True)
class Limits:
    """What a form may hold at most.

    Attributes:
        size: Sum of the contents of all parts, in bytes.
        parts: Number of parts.
        threshold: Size in bytes from which an uploaded file is kept on disk.
    """

    size: int
    parts: int
    threshold: int


async def parse_multipart(
    content_type: str, body: AsyncIterator[bytes], limits: Limits
) -> FormData:
    """Read a form of the media type multipart/form-data.

    Args:
        content_type: The request's header.
        body: The request body, in pieces.
        limits: What it may hold.

    Raises:
        PayloadTooLarge: It holds more.
        HTTPError: 400, it is malformed or ends early.
    """
    collector = _Collector(limits)
    try:
        parser = MultipartParser(_boundary_of(content_type))
        async for data in body:
            for event in parser.feed(data):
                await collector.take(event)
        if not parser.complete:
            raise HTTPError(400, "the form ends before its closing boundary")
    except BaseException:
        collector.form().close()
        raise
    return collector.form()


def _boundary_of(content_type: str) -> str:
    for match in _PARAMETER.finditer(content_type):
        if match[1].lower() == "boundary":
            return match[2] if match[3] is None else match[3]
    return ""


class _Collector:
    """Makes fields and files of the parser's events."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._size = 0
        self._parts = 0
        self._fields: list[tuple[str, str]] = []
        self._files: list[tuple[str, UploadFile]] = []
        self._name = ""
        self._text: bytearray | None = None
        self._file: UploadFile | None = None

    def form(self) -> FormData:
        return FormData(self._fields, self._files)

    async def take(self, event: Event) -> None:
        if isinstance(event, PartBegin):
            self._begin(event)
        elif isinstance(event, PartData):
            self._size += len(event.data)
            if self._size > self._limits.size:
                raise PayloadTooLarge(f"the form holds more than {self._limits.size} bytes")
            if self._file is not None:
                await self._file.write(event.data)
            elif self._text is not None:
                self._text += event.data
        elif self._text is not None:
            try:
                self._fields.append((self._name, self._text.decode()))
            except UnicodeDecodeError:
                raise HTTPError(400, f"the field {self._name!r} is not UTF-8") from None

    def _begin(self, part: PartBegin) -> None:
        self._parts += 1
        if self._parts > self._limits.parts:
            raise PayloadTooLarge(f"the form has more than {self._limits.parts} parts")
        self._name, self._text, self._file = part.name, None, None
        if part.filename is None:
            self._text = bytearray()
        elif part.filename:
            # Without a name nobody has chosen a file: browsers send such a part all the same.
            self._file = UploadFile(part.filename, part.content_type, self._limits.threshold)
            self._files.append((part.name, self._file))
