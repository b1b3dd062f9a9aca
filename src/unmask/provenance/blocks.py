"""Where metadata lies in pictures: JPEG segments, PNG and RIFF chunks, GIF extensions, HEIF and AVIF items.

Nothing is decoded but text that is deflated, and of that no more than a bound. Walking costs the number of blocks, not
the number of bytes.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Final

from unmask.provenance.account import decoded

TEXT_BYTES: Final = 2**20
"""Of one text once it is inflated."""
TEXTS: Final = 100
ALL_TEXTS_BYTES: Final = 4 * 2**20
"""Of all texts together."""
XMP_BYTES: Final = 4 * 2**20 + 1  # one more than is read, so that its reader sees that there was more
BLOCK_BYTES: Final = 8 * 2**20
"""Of EXIF, and of Photoshop's resources."""

PACKETS: Final = 4
_STEPS: Final = 200_000
_XMP_HEAD, _XMP_MORE = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP: Final = b"Photoshop 3.0\0"
_GIF_XMP, _GIF_XMP_END = b"XMP DataXMP", b"\x01\xff\xfe\xfd"


@dataclass(eq=False)
class Blocks:
    """What lies in a picture beside its pixels.

    Attributes:
        exif: From the byte order on, or None.
        xmp: Packets of XMP.
        photoshop: Photoshop's resources, or a bare IIM record, or None.
        texts: Keyword and text, of PNG; "comment" of JPEG and GIF.
        problems: What breaks the rules, by where: ends of sentences.
        oversized: What is larger than honest files need and was not read to its end, by where.
        unread: What honest files hold too and was not read to its end, by where.
    """

    exif: bytes | None = None
    xmp: list[bytes] = field(default_factory=list)
    photoshop: bytes | None = None
    texts: list[tuple[str, str]] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    oversized: dict[str, str] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    _held_bytes: int = 0

    def add_xmp(self, packet: bytes) -> None:
        """Keep a packet of XMP, if there are not too many."""
        if len(self.xmp) < PACKETS:
            self.xmp.append(packet)
        else:
            self.oversized["XMP"] = f"there are more than {PACKETS} packets; the rest was not read"

    def say(self, key: str, raw: bytes, where: str) -> None:
        """Keep a text, if there are not too many."""
        if len(self.texts) >= TEXTS or self._held_bytes >= ALL_TEXTS_BYTES:
            self.oversized[where] = "there are more texts than honest files hold; the rest was not read"
            return
        self._held_bytes += len(raw)
        if len(raw) > TEXT_BYTES:
            self.oversized[where] = f'the text "{key}" has more than {TEXT_BYTES:,} bytes; the rest was not read'
        text, clean = decoded(raw[:TEXT_BYTES])
        if not clean and where == "PNG, iTXt":
            self.problems[where] = "a text that must be UTF-8 is not"
        self.texts.append((key, text))


def read(data: bytes) -> Blocks:
    """The blocks of a picture, by its first bytes. HEIF, AVIF and TIFF have none: `unmask.provenance.picture`."""
    found = Blocks()
    if data.startswith(b"\xff\xd8"):
        _jpeg(data, found)
    elif data.startswith(b"\x89PNG"):
        _png(data, found)
    elif data[:4] == b"RIFF":
        _webp(data, found)
    elif data.startswith(b"GIF8"):
        _gif(data, found)
    return found


def _jpeg(data: bytes, found: Blocks) -> None:
    at = 2
    for _ in range(_STEPS):
        if at + 4 > len(data):
            found.problems["JPEG"] = "it breaks off before its pixels"
            return
        if data[at] != 0xFF:
            found.problems["JPEG"] = "between its segments lies something else"
            return
        marker = data[at + 1]
        if marker == 0xFF or 0xD0 <= marker <= 0xD8 or marker == 0x01:  # fill, or without a length
            at += 1 if marker == 0xFF else 2
            continue
        if marker in (0xDA, 0xD9):
            return
        (size,) = struct.unpack_from(">H", data, at + 2)
        body = data[at + 4 : at + 2 + size]
        if size < 2:
            found.problems["JPEG"] = "a segment is shorter than its own length"
            return
        _segment(marker, body, found)
        at += 2 + size


def _segment(marker: int, body: bytes, found: Blocks) -> None:
    if marker == 0xE1 and body.startswith(b"Exif\0"):
        found.exif = found.exif or body[6:]
    elif marker == 0xE1 and body.startswith(_XMP_HEAD):
        found.add_xmp(body[len(_XMP_HEAD) :])
    elif marker == 0xE1 and body.startswith(_XMP_MORE):
        found.unread["XMP"] = "it goes on in further segments, as with a map of depth, which were not read"
    elif marker == 0xED and body.startswith(_PHOTOSHOP):
        held = found.photoshop or b""
        if len(held) < BLOCK_BYTES:
            found.photoshop = held + body[len(_PHOTOSHOP) :]
        else:
            found.oversized["Photoshop's resources"] = f"they have more than {BLOCK_BYTES:,} bytes"
    elif marker == 0xFE:
        found.say("comment", body.rstrip(b"\0"), "JPEG, comment")


def _png(data: bytes, found: Blocks) -> None:
    at = 8
    for _ in range(_STEPS):
        if at + 12 > len(data):
            found.problems["PNG"] = "it breaks off before its end"
            return
        (size,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        if kind == b"IEND":
            return
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
            body = data[at + 8 : at + 8 + min(size, BLOCK_BYTES)]
            if kind == b"eXIf":
                found.exif = found.exif or body
            else:
                _png_text(kind, body, found)
        at += 12 + size


def _png_text(kind: bytes, body: bytes, found: Blocks) -> None:
    where = f"PNG, {kind.decode()}"
    key, separator, rest = body.partition(b"\0")
    if not separator or len(key) > 200:
        found.problems[where] = "a text has no keyword"
        return
    squeezed = kind == b"zTXt"
    if squeezed:
        rest = rest[1:]
    elif kind == b"iTXt":
        squeezed = rest[:1] == b"\x01"
        rest = rest[2:].split(b"\0", 2)[-1]
    name = key.decode("latin-1")
    bound = XMP_BYTES if name == "XML:com.adobe.xmp" else TEXT_BYTES + 1
    if squeezed:
        try:
            rest = zlib.decompressobj().decompress(rest, bound)
        except zlib.error:
            found.problems[where] = f'the text "{name}" cannot be inflated'
            return
    if name == "XML:com.adobe.xmp":
        found.add_xmp(rest[:bound])
    elif name.startswith("Raw profile type "):
        _raw_profile(name, rest, found)
    else:
        found.say(name, rest, where)


def _raw_profile(name: str, text: bytes, found: Blocks) -> None:
    """ImageMagick's way to keep EXIF, IPTC and XMP in PNG: hexadecimal digits under a length."""
    try:
        raw = bytes.fromhex(b"".join(text.split()[2:]).decode("ascii"))
    except (ValueError, UnicodeDecodeError):
        found.problems["PNG"] = f'the text "{name}" holds no hexadecimal digits'
        return
    what = name.removeprefix("Raw profile type ").strip().lower()
    if what in ("exif", "app1") and raw.startswith(b"Exif\0\0"):
        found.exif = found.exif or raw[6:]
    elif what == "xmp":
        found.add_xmp(raw)
    elif what in ("iptc", "8bim"):
        found.photoshop = found.photoshop or raw


def _webp(data: bytes, found: Blocks) -> None:
    at = 12
    for _ in range(_STEPS):
        if at + 8 > len(data):
            return
        kind, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if kind == b"EXIF":
            found.exif = found.exif or data[at + 8 : at + 8 + min(size, BLOCK_BYTES)]
        elif kind == b"XMP ":
            found.add_xmp(data[at + 8 : at + 8 + min(size, XMP_BYTES)])
        at += 8 + size + size % 2


def _gif(data: bytes, found: Blocks) -> None:
    start = data.find(_GIF_XMP)
    if start >= 0:
        start += len(_GIF_XMP)
        end = data.find(_GIF_XMP_END, start, start + XMP_BYTES)
        found.add_xmp(data[start : end if end >= 0 else start + XMP_BYTES])
    flags = data[10] if len(data) > 13 else 0
    at = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    for _ in range(_STEPS):
        kind = data[at : at + 1]
        if kind == b"!":
            comment, at = data[at + 1 : at + 2] == b"\xfe", at + 2
        elif kind == b"," and at + 10 < len(data):
            comment, flags = False, data[at + 9]
            at += 11 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
        else:
            return
        parts: list[bytes] = []
        for _ in range(_STEPS):
            if at >= len(data) or not data[at]:
                break
            if comment and len(parts) <= TEXT_BYTES // 255:
                parts.append(data[at + 1 : at + 1 + data[at]])
            at += 1 + data[at]
        at += 1
        if comment:
            found.say("comment", b"".join(parts), "GIF, comment")
