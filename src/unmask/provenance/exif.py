"""EXIF: camera, lens, program, times, place, the maker's own notes; and what in it cannot be true.

Source: CIPA DC-008 (EXIF 2.32).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from PIL.ExifTags import GPSTAGS, TAGS

from unmask.provenance import generators, maker_notes, place, software, times
from unmask.provenance.account import Account, decoded, entry, finding
from unmask.provenance.tiff import Directories, Value, read
from unmask.statements import Entry, Finding

MAKE, MODEL, SOFTWARE, CHANGED, DESCRIPTION, ARTIST = 0x010F, 0x0110, 0x0131, 0x0132, 0x010E, 0x013B
ORIENTATION, PROCESSED_BY = 0x0112, 0x000B
TAKEN, DIGITISED, LENS_MAKE, LENS = 0x9003, 0x9004, 0xA433, 0xA434
ZONES: Final = {CHANGED: 0x9010, TAKEN: 0x9011, DIGITISED: 0x9012}
COMMENT, MAKER_NOTE, WIDTH, HEIGHT = 0x9286, 0x927C, 0xA002, 0xA003
_XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG, _ICC_TAG = 700, 33723, 34377, 34675
# Of a TIFF file: where its pixels lie, and blocks that have readers of their own.
_HIDDEN: Final = frozenset(
    {0x0111, 0x0117, 0x0144, 0x0145, 0x0201, 0x0202, _XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG, _ICC_TAG}
)
_NAMES: Final = {"0th": "picture", "Exif": "photo", "GPS": "place", "1st": "thumbnail"}
_OVERSIZED: Final = "all its values together are larger than honest ones; the rest was not read"


def account(data: bytes, now: datetime) -> Account:
    """What EXIF says.

    Args:
        data: From the byte order on, or from "Exif" on.
        now: Later times lie in the future.
    """
    return of_directories(read(data), now)


def of_directories(found: Directories, now: datetime) -> Account:
    """The same, of directories that were read already: a TIFF file consists of them."""
    tags = {(name, tag): value for name, values in found.tags.items() for tag, value in values.items()}
    main, photo, gps = (found.tags.get(name, {}) for name in ("0th", "Exif", "GPS"))
    make, model, program = (text_of(main.get(tag)) for tag in (MAKE, MODEL, SOFTWARE))
    named = {
        ("EXIF, " + _tag_name("0th", tag)): text_of(main.get(tag)) for tag in (SOFTWARE, PROCESSED_BY, MAKE, MODEL)
    }
    programs = [one for where, text in named.items() if text for one in _program(where, text)]
    comment = comment_of(photo.get(COMMENT))
    texts = {
        "UserComment": comment,
        "ImageDescription": text_of(main.get(DESCRIPTION)),
        "Make": make,
        "Model": model,
        "Software": program,
    }
    generated = [one for key, text in texts.items() if text for one in generators.said(f"EXIF, {key}", key, text)]
    moments = _moments(main, photo)
    located = place.account(gps, moments.get(TAKEN, ""))
    noted, notes_found = maker_notes.read(photo.get(MAKER_NOTE), make)
    findings = [
        *programs,
        *generated,
        *times.in_future({f"EXIF, {_tag_name('Exif', tag)}": text for tag, text in moments.items()}, now),
        *_order(moments),
        *located.findings,
        *notes_found,
        *(finding("malformed", "EXIF", f"its directories {what}") for what in found.problems),
        *([finding("oversized", "EXIF", _OVERSIZED)] if found.oversized else []),
    ]
    taken_up = {one.where for one in (*programs, *generated)}
    names = ("" if f"EXIF, {tag}" in taken_up else text for text, tag in ((make, "Make"), (model, "Model")))
    device = _device(*names)
    if device:
        findings.append(finding("camera-named", "EXIF, Make and Model", "it names the device", device))
    facts = {
        "has exif": float(bool(tags)),
        "has camera": float(bool(device)),
        "has lens": float((("Exif", LENS) in tags) or (("Exif", LENS_MAKE) in tags)),
        "has exposure": float(any(("Exif", tag) in tags for tag in (0x829A, 0x829D, 0x8827))),
        "has times": float(bool(moments)),
        "has maker notes": float(("Exif", MAKER_NOTE) in tags),
        "has exif thumbnail": float(found.thumbnail is not None),
        "exif entries": float(len(tags)),
        **located.facts,
        **software.facts(programs),
    }
    shape = _whole(photo.get(WIDTH)), _whole(photo.get(HEIGHT))
    return Account(
        tuple(findings),
        (entry("EXIF", entries=_tree(found, noted)),) if tags or found.problems else (),
        facts,
        {"exif make": make, "exif model": model, "exif taken": moments.get(TAKEN, "")},
        found.thumbnail,
        _whole(main.get(ORIENTATION)) or 1,
        (shape[0], shape[1]) if shape[0] and shape[1] else None,
    )


def text_of(value: Value | None) -> str:
    """A text, up to its end; empty where there is none."""
    if not isinstance(value, bytes):
        return ""
    return decoded(value.split(b"\0", 1)[0])[0].strip()


def comment_of(value: Value | None) -> str:
    """The user's comment, whose first eight bytes name its code."""
    if not isinstance(value, bytes):
        return ""
    code, rest = value[:8], value[8:]
    if code == b"UNICODE\0":
        # UTF-16 of either order: generators write the big-endian one, whatever the order of the file.
        big, little = (rest.decode(name, "replace") for name in ("utf-16-be", "utf-16-le"))
        return max(big, little, key=lambda text: sum(one.isascii() for one in text[:200])).strip("\0 ")
    return decoded(rest if code in (b"ASCII\0\0\0", b"\0" * 8) else value)[0].strip("\0 ")


def _device(make: str, model: str) -> str:
    """Make and model in one; many models begin with their make."""
    return model if model.lower().startswith(make.lower()) and model else f"{make} {model}".strip()


def _program(where: str, text: str) -> list[Finding]:
    """Make and model name a device, but generators write themselves there too."""
    if where.endswith((", Make", ", Model")):
        program = software.known(text)
        return software.said(where, text) if program and program.sort == "generator" else []
    return software.said(where, text)


def _moments(main: Mapping[int, Value], photo: Mapping[int, Value]) -> dict[int, str]:
    """The times that are there, with their zones where these are."""
    found = {
        CHANGED: text_of(main.get(CHANGED)),
        TAKEN: text_of(photo.get(TAKEN)),
        DIGITISED: text_of(photo.get(DIGITISED)),
    }
    return {tag: (text + text_of(photo.get(ZONES[tag]))) for tag, text in found.items() if times.parsed(text)}


def _order(moments: Mapping[int, str]) -> list[Finding]:
    """A picture is taken before it is digitised, and digitised before it is changed."""
    named = {tag: (f"EXIF, {_tag_name('Exif', tag)}", text) for tag, text in moments.items()}
    pairs = ((TAKEN, DIGITISED), (TAKEN, CHANGED), (DIGITISED, CHANGED))
    found = (times.out_of_order(named[a], named[b]) for a, b in pairs if a in named and b in named)
    return [one for some in found for one in some]


def _tree(found: Directories, noted: str | None) -> Iterator[Entry]:
    for name, tags in found.tags.items():
        lines = [
            entry(_tag_name(name, tag), noted if (name, tag) == ("Exif", MAKER_NOTE) else _shown(tag, value))
            for tag, value in sorted(tags.items())
            if tag not in _HIDDEN
        ]
        if name == "1st" and found.thumbnail is not None:
            lines.append(entry("picture", f"a JPEG of {len(found.thumbnail):,} bytes"))
        yield entry(_NAMES.get(name, name), entries=lines)
    for problem in found.problems:
        yield entry("broken", f"its directories {problem}")


def _shown(tag: int, value: Value) -> str:
    if tag == COMMENT:
        return comment_of(value)
    if isinstance(value, bytes):
        text, clean = decoded(value.rstrip(b"\0 "))
        return text if clean and text.isprintable() else f"{len(value):,} bytes: {value[:16].hex(' ')}"
    shown = [f"{one[0]}/{one[1]}" if isinstance(one, tuple) else f"{one}" for one in value[:16]]
    return ", ".join(shown) + (f" and {len(value) - 16:,} more" if len(value) > 16 else "")


def _whole(value: Value | None) -> int:
    return value[0] if value and not isinstance(value, bytes) and isinstance(value[0], int) else 0


def _tag_name(directory: str, tag: int) -> str:
    name = (GPSTAGS if directory == "GPS" else TAGS).get(tag)
    return str(name) if name else f"tag 0x{tag:04x}"
