"""What a film or a recording says about itself: tags of its container and streams, XMP and Content Credentials.

PyAV reads the tags, because FFmpeg knows all of them: MP4 and QuickTime, Matroska, RIFF INFO, ID3, Vorbis comments. Of
the file only headers are read; a long film costs no more than a short one.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from unmask import containers
from unmask.errors import MediaError, UnreadableError
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.modalities import image, sound_container
from unmask.provenance import credentials, generators, picture, software, times, xmp
from unmask.provenance.account import Account, entry, finding, joined
from unmask.provenance.trust import NOBODY, Trust
from unmask.statements import Entry, Finding

_ENDS_BYTES: Final = 2**20
"""Of the beginning and the end of a file, in which a manifest store is looked for where the container has no list."""

_TAGS: Final = 500
"""Of the container, and of each stream."""

_TAGS_CHARACTERS: Final = 2**22
_BOXES: Final = 10_000
_XMP_BOX: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_C2PA_BOX: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_TOOLS: Final = frozenset(
    {
        "encoder", "software", "encoded_by", "encoding_tool", "tool", "creation_tool", "writing_application", "isft",
        "com.apple.quicktime.software", "com.adobe.creatortool", "com.android.version", "handler_name", "vendor_id",
        "ai_tool", "generator",
    }
)  # fmt: skip
_MAKES: Final = ("com.apple.quicktime.make", "com.android.manufacturer", "make")
_MODELS: Final = ("com.apple.quicktime.model", "com.android.model", "model")
_PLACES: Final = ("com.apple.quicktime.location.ISO6709", "location", "location-eng")
_CREATED, _RECORDED = "creation_time", "com.apple.quicktime.creationdate"
_ISO6709: Final = re.compile(r"\s*([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)")
_MIMES: Final = {
    "mov": "video/mp4", "avi": "video/avi", "wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac",
}  # fmt: skip


def read(path: Path, *, trust: Trust = NOBODY, limits: Limits = DEFAULT_LIMITS, now: datetime | None = None) -> Account:
    """What a film or a recording says about itself; nothing where it cannot be read, for judging it says why.

    Args:
        path: The file.
        trust: Whose signatures count.
        limits: What it may cost.
        now: Later times lie in the future; the clock's time when None.
    """
    try:
        return read_or_raise(path, trust, limits, now or datetime.now(UTC))
    except MediaError:
        return Account()


def read_or_raise(path: Path, trust: Trust, limits: Limits, now: datetime) -> Account:
    """The same.

    Raises:
        MediaError: The file cannot be read, or is no film or recording that we know.
    """
    try:
        with containers.bytes_of(path, limits) as file:
            if file.read(4) == b"GIF8":  # a moving one
                return picture.read(image.read(path, limits)[0], trust=trust, now=now)
            return _of(file, path.stat().st_size, trust, limits, now)
    except MediaError:
        raise
    except OSError as error:
        raise UnreadableError(f"the file cannot be read: {(error.strerror or str(error)).lower()}") from error
    except Exception as error:  # FFmpeg's binding raises whatever it meets
        return Account((finding("malformed", "container", f"reading it failed: {type(error).__name__}"),))


def _of(file: IO[bytes], size: int, trust: Trust, limits: Limits, now: datetime) -> Account:
    stores, packets = _boxes(file, size)
    parts = []
    file.seek(0)
    parts.append(_tags(file, limits, now))
    name = parts[0].words.get("container", "")
    if packets:
        parts.append(xmp.account(packets, now))
    if stores:
        file.seek(0)
        mime = _MIMES.get(name, "video/mp4" if name in ("mp4", "m4a") else "application/octet-stream")
        parts.append(credentials.account(file, size, max(stores), mime, trust))
    whole = joined(parts)
    codes = {one.code for one in whole.findings}
    facts = {"times disagree": float("times-disagree" in codes), "time in future": float("time-in-future" in codes)}
    return joined([whole, Account(facts=facts)])


def _tags(file: IO[bytes], limits: Limits, now: datetime) -> Account:
    head = file.read(containers.HEAD_BYTES)
    sound = sound_container.accepts(head) or not containers.accepts(head)
    with (sound_container.container if sound else containers.container)(file, limits) as container:
        name = container.format.name.split(",")[0]
        groups = [("container", dict(container.metadata))]
        groups += [(f"stream {one.index} ({one.type})", dict(one.metadata)) for one in container.streams]
    return of_tags(name, groups, now)


def of_tags(name: str, groups: Iterable[tuple[str, Mapping[str, str]]], now: datetime) -> Account:
    """What the tags of a container and its streams say.

    Args:
        name: FFmpeg's name of the container.
        groups: Tags by whose they are.
        now: Later times lie in the future.
    """
    findings: list[Finding] = []
    programs: list[Finding] = []
    entries: list[Entry] = []
    count = 0
    first: dict[str, str] = {}
    moments: dict[str, str] = {}
    left = _TAGS_CHARACTERS
    for group, tags in groups:
        for key, text in list(tags.items())[:_TAGS]:
            left -= len(text)
            if left < 0:
                findings.append(
                    finding("oversized", group, "its tags are larger than honest ones; the rest was not read")
                )
                break
            where, plain = f"{group}, {key[:60]}", key.strip().lower()
            first.setdefault(plain, text)
            if plain in _TOOLS:
                programs += software.said(where, text)
            findings += generators.said(where, key, text)
            findings += generators.credited(where, text)
            if plain in (_CREATED, _RECORDED):
                moments[where] = text
        count += len(tags)
        entries.append(entry(group, entries=[entry(key, text) for key, text in tags.items()]))
    make, model = (next((first[key] for key in keys if key in first), "") for keys in (_MAKES, _MODELS))
    if make or model:
        findings.append(finding("camera-named", "container", "it names the device", f"{make} {model}".strip()))
    findings += [*times.in_future(moments, now), *_apart(moments), *_place(first)]
    facts = {
        "has container tags": float(count),
        "has creation time": float(bool(moments)),
        "has device": float(bool(make or model)),
        "has encoder": float("encoder" in first),
        "has gps": float(any(key.lower() in first for key in _PLACES)),
        **software.facts(programs),
    }
    tree = (entry("container", name, [one for one in entries if one.entries]),)
    return Account((*findings, *programs), tree, facts, {"container": name})


def _apart(moments: Mapping[str, str]) -> Iterator[Finding]:
    """The device's own time against that of the container; a copy that was encoded later has a later one."""
    recorded = next(((where, text) for where, text in moments.items() if where.endswith(_RECORDED)), None)
    if recorded is None:
        return
    for where, text in moments.items():
        if not where.endswith(_RECORDED):
            yield from times.out_of_order(recorded, (where, text))


def _place(first: Mapping[str, str]) -> Iterator[Finding]:
    text = next((first[key.lower()] for key in _PLACES if key.lower() in first), None)
    match = _ISO6709.match(text[:100]) if text else None
    if match is None:
        return
    latitude, longitude = float(match[1]), float(match[2])
    if abs(latitude) > 90 or abs(longitude) > 180:
        yield finding("gps-impossible", "container, location", "no place on this earth", text)
    elif latitude or longitude:
        yield finding("place-named", "container, location", "it says where it was taken", text)


def _boxes(file: IO[bytes], size: int) -> tuple[list[int], list[bytes]]:
    """Announced lengths of manifest stores, and packets of XMP, wherever they lie in the file."""
    file.seek(0)
    head = file.read(min(size, _ENDS_BYTES))
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"uuid"):
        return _walked(file, size)
    stores = []
    for start in sorted({0, max(0, size - _ENDS_BYTES)}):
        file.seek(start)
        part = file.read(_ENDS_BYTES)
        if (at := credentials.begins(part)) is not None:
            stores.append(credentials.announced_bytes(part, at))
    return stores, []


def _walked(file: IO[bytes], size: int) -> tuple[list[int], list[bytes]]:
    """The same of ISO base media, by its outermost boxes."""
    stores: list[int] = []
    packets: list[bytes] = []
    at = 0
    for _ in range(_BOXES):
        file.seek(at)
        head = file.read(16 + 16)
        if len(head) < 8:
            break
        length, kind = struct.unpack(">I4s", head[:8])
        begin = 8
        if length == 1 and len(head) >= 16:
            length, begin = struct.unpack(">Q", head[8:16])[0], 16
        length = length or size - at
        if length < begin or at + length > 2**63:
            break
        if kind == b"uuid":
            name = head[begin : begin + 16]
            if name == _XMP_BOX:
                file.seek(at + begin + 16)
                packets.append(file.read(min(length, xmp.MOST_BYTES + 1)))
            elif name == _C2PA_BOX or name[:4] == b"\xd8\xfe\xc3\xd6":
                stores.append(length)
        at += length
    return stores, packets
