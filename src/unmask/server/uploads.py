"""Bodies of uploads, taken in piece by piece: every limit is enforced while they come, not after.

python-multipart parses; the parser of the web framework would first gather a form of any size on the disk.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import Message
from typing import IO, Final

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from starlette.requests import ClientDisconnect, Request

from unmask.server.guard import let_it_hear
from unmask.server.media import Media
from unmask.server.problems import Refusal
from unmask.server.settings import Settings

_HEADER_BYTES: Final = 4096
_MOST_PARTS: Final = 1000
_ROOM_EVERY_BYTES: Final = 32_000_000


@dataclass(frozen=True)
class Upload:
    """One file that has come whole.

    Attributes:
        name: As the sender calls it; for people, never for paths.
        media: What we call it.
        sha256: Of its bytes.
        bytes: How many.
    """

    name: str
    media: str
    sha256: str
    bytes: int


@dataclass
class Form:
    """A form that has come whole: its files, and its other fields by name."""

    files: list[Upload] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


class Intake:
    """Takes bodies in, no more than some at a time.

    Args:
        settings: The limits.
        media: Where files go.
    """

    def __init__(self, settings: Settings, media: Media) -> None:
        self._settings, self._media = settings, media
        self._under_way = 0

    @asynccontextmanager
    async def form(self, request: Request, file_bytes: int, most_files: int) -> AsyncIterator[Form]:
        """Read a form. Files of it that the block does not take away from `form.files` are removed after it.

        Args:
            request: Whose body.
            file_bytes: Most bytes of one file.
            most_files: Of the form.

        Raises:
            Refusal: No form, too large, too slow, too many at a time, or no room for it.
        """
        if self._under_way >= self._settings.uploads:
            raise Refusal("busy", f"{self._under_way} uploads are under way", retry_s=5)
        form = Form()
        self._under_way += 1
        try:
            reader = _Reader(self._settings, self._media, form, file_bytes, most_files)
            try:
                self._check_announced(request, file_bytes * most_files)
                await reader.read(request)
            except Refusal as refusal:
                refusal.headers["Connection"] = "close"  # or the web server would take in all the rest
                await let_it_hear(request.receive)
                raise
            finally:
                reader.close()
                self._under_way -= 1
            yield form
        finally:
            for upload in form.files:
                self._media.drop(upload.media)

    def _check_announced(self, request: Request, most_bytes: int) -> None:
        announced = request.headers.get("content-length", "0")
        size = int(announced) if announced.isdecimal() else 0
        if size > most_bytes + self._settings.field_bytes:
            raise Refusal("too-large", f"the body has {size:,} bytes; at most {most_bytes:,} are taken here")
        self._media.check_room(size)


class _Reader:
    """One body; callbacks of the parser, which never wait."""

    def __init__(self, settings: Settings, media: Media, form: Form, file_bytes: int, most_files: int) -> None:
        self._settings, self._media, self._form = settings, media, form
        self._file_bytes, self._most_files = file_bytes, most_files
        self._header = bytearray(), bytearray()
        self._headers: dict[str, str] = {}
        self._parts, self._field_bytes = 0, 0
        self._field: tuple[str, bytearray] | None = None
        self._file: tuple[str, str, IO[bytes]] | None = None  # name shown, own name
        self._sha256, self._size = hashlib.sha256(), 0
        self._ended = False

    async def read(self, request: Request) -> None:
        """Take the whole body in."""
        parser = MultipartParser(_boundary(request), self._callbacks())  # type: ignore[arg-type]
        pieces = aiter(request.stream())
        started, size, checked = time.monotonic(), 0, 0
        try:
            while True:
                try:
                    async with asyncio.timeout(self._settings.idle_s):
                        piece = await anext(pieces, None)
                except TimeoutError as error:
                    raise Refusal("too-slow", f"nothing came for {self._settings.idle_s:g} s") from error
                if piece is None:
                    break
                size += len(piece)
                taken_s = time.monotonic() - started
                if taken_s > self._settings.idle_s and size < self._settings.slowest_bytes_s * taken_s:
                    raise Refusal("too-slow", f"{size:,} bytes came in {taken_s:.0f} s")
                if size - checked > _ROOM_EVERY_BYTES:  # nobody has to announce how much will come
                    self._media.check_room()
                    checked = size
                parser.write(piece)
            parser.finalize()
        except FormParserError as error:
            raise Refusal("bad-body", f"the form is broken: {error}") from error
        except ClientDisconnect as error:
            raise Refusal("bad-body", "the connection was closed before the body had ended") from error
        except OSError as error:
            raise Refusal("no-room", f"the file cannot be kept: {(error.strerror or str(error)).lower()}") from error
        if not self._ended:
            raise Refusal("bad-body", "the form breaks off")
        if not self._form.files:
            raise Refusal("bad-body", "the form holds no part called file")

    def close(self) -> None:
        """A file that has not come whole is none."""
        if self._file:
            _, name, file = self._file
            file.close()
            self._media.drop(name)
            self._file = None

    def _callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": lambda data, start, end: self._add_header(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._add_header(1, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": lambda data, start, end: self._add(data[start:end]),
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin_part(self) -> None:
        self._headers = {}
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise Refusal("bad-body", f"the form has more than {_MOST_PARTS:,} parts")

    def _add_header(self, which: int, data: bytes) -> None:
        self._header[which].extend(data)
        if len(self._header[which]) > _HEADER_BYTES:
            raise Refusal("bad-body", "a header in the form is too long")

    def _end_header(self) -> None:
        name, value = (part.decode("utf-8", "replace") for part in self._header)
        self._headers[name.lower()] = value
        self._header = bytearray(), bytearray()

    def _end_headers(self) -> None:
        name, filename = _disposition(self._headers.get("content-disposition", ""))
        if name == "file" and filename is not None:
            if len(self._form.files) >= self._most_files:
                raise Refusal("too-many", f"at most {self._most_files} files are taken here")
            own, file = self._media.begin(filename)
            self._file = filename, own, file
            self._sha256, self._size = hashlib.sha256(), 0
        else:
            self._field = name, bytearray()

    def _add(self, data: bytes) -> None:
        if self._file:
            self._size += len(data)
            if self._size > self._file_bytes:
                raise Refusal("too-large", f"a file has more than the {self._file_bytes:,} bytes that are taken here")
            self._sha256.update(data)
            self._file[2].write(data)
        elif self._field:
            self._field_bytes += len(data)
            if self._field_bytes > self._settings.field_bytes:
                raise Refusal("too-large", "the fields of the form are too long", "Send files in parts called file.")
            self._field[1].extend(data)

    def _end_part(self) -> None:
        if self._file:
            shown, name, file = self._file
            file.close()
            self._file = None
            if shown or self._size:  # a browser sends an empty nameless file where none was chosen
                self._media.finish(name)
                self._form.files.append(Upload(shown or "unnamed", name, self._sha256.hexdigest(), self._size))
            else:
                self._media.drop(name)
        elif self._field:
            name, value = self._field
            self._form.fields[name] = value.decode("utf-8", "replace")
            self._field = None

    def _end(self) -> None:
        self._ended = True


def _boundary(request: Request) -> bytes:
    parsed = Message()
    parsed["Content-Type"] = request.headers.get("content-type", "")
    if parsed.get_content_type() != "multipart/form-data":
        raise Refusal("no-form", "its Content-Type is not multipart/form-data")
    boundary = parsed.get_param("boundary")
    if not isinstance(boundary, str) or not 0 < len(boundary) <= 200 or not boundary.isascii():
        raise Refusal("bad-body", "the form names no boundary")
    return boundary.encode()


def _disposition(header: str) -> tuple[str, str | None]:
    """Name of a part, and of its file: without folders, cut to what the store can hold."""
    parsed = Message()
    parsed["Content-Disposition"] = header.replace("\r", " ").replace("\n", " ")
    name = parsed.get_param("name", "", "content-disposition")
    filename = parsed.get_filename()
    if filename is not None:
        filename = filename.replace("\\", "/").rsplit("/", 1)[-1].replace("\0", "")
        filename = filename.encode("utf-8", "replace").decode()[-200:]
    return (name if isinstance(name, str) else ""), filename
