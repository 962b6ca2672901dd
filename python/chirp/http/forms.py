"""Forms: fields and uploaded files."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from tempfile import SpooledTemporaryFile
from urllib.parse import parse_qsl

from chirp.errors import HTTPError, PayloadTooLarge
from chirp.http.headers import MultiMapping


class UploadFile:
    """A file of a form, in memory while it is small and on disk otherwise.

    It lives as long as the request: what is to stay is saved.

    Args:
        filename: Last part of the name that the client gave; never a path.
        content_type: Media type that the client gave.
        threshold: Size in bytes from which the content is kept on disk.
    """

    def __init__(self, filename: str, content_type: str, threshold: int) -> None:
        self.filename = filename
        self.content_type = content_type
        self.size = 0
        #: The content, for code that wants a file object; sync.
        self.file = SpooledTemporaryFile()  # noqa: SIM115 # closed with the request
        self._threshold = threshold
        self._on_disk = False

    def __repr__(self) -> str:
        """Show name and size, not the content."""
        return f"<UploadFile {self.filename!r} {self.size} bytes>"

    async def write(self, data: bytes) -> None:
        """Put more content behind what is there."""
        self.size += len(data)
        if self.size < self._threshold:
            self.file.write(data)
        else:
            await asyncio.to_thread(self._write_to_disk, data)

    def _write_to_disk(self, data: bytes) -> None:
        if not self._on_disk:
            self.file.rollover()
            self._on_disk = True
        self.file.write(data)

    async def read(self) -> bytes:
        """The whole content."""
        self.file.seek(0)
        return await asyncio.to_thread(self.file.read)

    async def save(self, path: str | PathLike[str]) -> None:
        """Write the content to a file, which is replaced if it is there.

        Raises:
            OSError: The file cannot be written.
        """
        await asyncio.to_thread(self._copy, Path(path))

    def _copy(self, path: Path) -> None:
        self.file.seek(0)
        with path.open("wb") as target:
            shutil.copyfileobj(self.file, target)

    def close(self) -> None:
        """Drop the content; what is on disk goes too."""
        self.file.close()


class FormData(MultiMapping):
    """Fields of a form by name, as texts; `files` has the uploads.

    Args:
        fields: Names and values, in order.
        files: Names and uploads, in order.
    """

    __slots__ = ("_files",)

    def __init__(
        self,
        fields: Iterable[tuple[str, str]] = (),
        files: Iterable[tuple[str, UploadFile]] = (),
    ) -> None:
        super().__init__(fields)
        self._files = list(files)

    @property
    def files(self) -> dict[str, UploadFile]:
        """The first upload of each name."""
        found: dict[str, UploadFile] = {}
        for name, file in self._files:
            found.setdefault(name, file)
        return found

    def get_files(self, name: str) -> list[UploadFile]:
        """All uploads of a name, in order."""
        return [file for known, file in self._files if known == name]

    def close(self) -> None:
        """Drop all uploads."""
        for _, file in self._files:
            file.close()


def parse_urlencoded(body: bytes, most: int) -> FormData:
    """Read a form of the media type application/x-www-form-urlencoded.

    Args:
        body: The request body.
        most: Most fields.

    Raises:
        PayloadTooLarge: There are more fields.
        HTTPError: 400, the text is no UTF-8.
    """
    if body.count(b"&") >= most:
        raise PayloadTooLarge(f"the form has more than {most} fields")
    try:
        # In Latin-1 every byte is a character, so that escapes and raw bytes meet as UTF-8 below.
        raw = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
        fields = [
            (name.encode("latin-1").decode(), value.encode("latin-1").decode())
            for name, value in raw
        ]
    except UnicodeDecodeError:
        raise HTTPError(400, "the form is not encoded in UTF-8") from None
    return FormData(fields)
