"""Directories of TIFF, which EXIF consists of, read within a budget.

Pillow reads them too, but tells what is wrong by warnings, whose filter all threads share, and its older versions copy
whatever each entry points at, which may be the same bytes for every entry. Here what breaks the rules is left out and
named, a directory is read once, and all values together may not exceed a budget.

Source: TIFF 6.0; CIPA DC-008 (EXIF 2.32).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

Value = bytes | tuple[int, ...] | tuple[tuple[int, int], ...] | tuple[float, ...]
"""Bytes and text as they lie there, whole numbers, fractions as pairs, or floating-point numbers."""

ENTRIES: Final = 512
DIRECTORIES: Final = 16
BUDGET_BYTES: Final = 2**20

_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL, _UNDEFINED = 1, 2, 3, 4, 5, 7
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_CODES: Final = {3: "H", 4: "I", 5: "I", 6: "b", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d", 13: "I"}
_POINTERS: Final = {0x8769: "Exif", 0x8825: "GPS", 0xA005: "Interoperability"}
THUMBNAIL_AT, THUMBNAIL_BYTES = 0x0201, 0x0202


@dataclass(eq=False)
class Directories:
    """What was read.

    Attributes:
        tags: By the directory's name ("0th", "Exif", "GPS", "Interoperability", "1st"), its values by their numbers.
        thumbnail: The JPEG that the directory "1st" points at, or None.
        problems: What breaks the rules, as ends of the sentence "the metadata ...".
        oversized: Whether the budget ran out.
    """

    tags: dict[str, dict[int, Value]] = field(default_factory=dict)
    thumbnail: bytes | None = None
    problems: dict[str, None] = field(default_factory=dict)
    oversized: bool = False


def read(data: bytes, budget_bytes: int = BUDGET_BYTES) -> Directories:
    """The directories of EXIF, or of a TIFF file, without pixels.

    Args:
        data: From the byte order on; "Exif" in front of it is passed over.
        budget_bytes: What all values together may take.
    """
    if data[:6] == b"Exif\0\0":
        data = data[6:]
    found = Directories()
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8 or struct.unpack(order + "H", data[2:4])[0] != 42:
        found.problems["do not begin as they must"] = None
        return found
    _Reader(data, order, budget_bytes, found).run()
    return found


class _Reader:
    def __init__(self, data: bytes, order: str, budget_bytes: int, found: Directories) -> None:
        self._data, self._order, self._budget, self._found = data, order, budget_bytes, found
        self._visited: set[int] = set()

    def run(self) -> None:
        first = self._directory("0th", self._number("I", 4))
        if first:
            self._directory("1st", first)
        thumbnail = self._found.tags.get("1st", {})
        at, size = (thumbnail.get(tag) for tag in (THUMBNAIL_AT, THUMBNAIL_BYTES))
        if at and size and isinstance(at[0], int) and isinstance(size[0], int):
            small = self._data[at[0] : at[0] + size[0]]
            if len(small) < size[0] or not small.startswith(b"\xff\xd8"):
                self._broken("announce a thumbnail that is not there")
            else:
                self._found.thumbnail = small

    def _directory(self, name: str, offset: int | None) -> int | None:
        """Read one; returns where the next one lies."""
        if offset is None or len(self._visited) >= DIRECTORIES:
            return None
        if offset in self._visited:
            self._broken("lead back to themselves")
            return None
        self._visited.add(offset)
        count = self._number("H", offset)
        if count is None:
            self._broken("point beyond their end")
            return None
        tags: dict[int, Value] = {}
        self._found.tags[name] = tags
        for tag, kind, number, at in self._entries(offset + 2, count):
            if tag in _POINTERS:
                self._directory(_POINTERS[tag], self._number("I", at))
            elif (value := self._value(kind, number, at)) is not None:
                tags.setdefault(tag, value)
        return self._number("I", offset + 2 + 12 * count)

    def _entries(self, start: int, count: int) -> Iterator[tuple[int, int, int, int]]:
        if count > ENTRIES:
            self._broken(f"hold a directory of {count:,} entries")
        for at in range(start, start + 12 * min(count, ENTRIES), 12):
            if at + 12 > len(self._data):
                self._broken("break off within a directory")
                return
            tag, kind, number = struct.unpack_from(self._order + "HHI", self._data, at)
            yield tag, kind, number, at + 8

    def _value(self, kind: int, number: int, at: int) -> Value | None:
        if kind not in _SIZES:
            self._broken("hold a value of a type that does not exist")
            return None
        size = _SIZES[kind] * number
        if size > 4:
            pointer = self._number("I", at)
            if pointer is None or pointer + size > len(self._data):
                self._broken("announce a value that is not there")
                return None
            at = pointer
        if size > self._budget:
            self._found.oversized = True
            return None
        self._budget -= size
        raw = bytes(self._data[at : at + size])
        if kind in (_BYTE, _ASCII, _UNDEFINED):
            return raw
        per = 2 if kind in (5, 10) else 1
        flat = struct.unpack(f"{self._order}{per * number}{_CODES[kind]}", raw)
        return tuple(zip(flat[::2], flat[1::2], strict=True)) if per == 2 else flat

    def _number(self, code: str, at: int) -> int | None:
        if at + struct.calcsize(code) > len(self._data):
            return None
        return int(struct.unpack_from(self._order + code, self._data, at)[0])

    def _broken(self, what: str) -> None:
        self._found.problems[what] = None
