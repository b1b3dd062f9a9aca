"""What a still picture says about itself, from bytes that are in memory already."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from typing import Final

from unmask.errors import MediaError
from unmask.limits import DEFAULT_LIMITS
from unmask.modalities import image
from unmask.provenance import blocks, credentials, exif, generators, iptc, software, tiff, times, xmp
from unmask.provenance.account import Account, entry, finding, joined
from unmask.provenance.blocks import Blocks
from unmask.provenance.trust import NOBODY, Trust
from unmask.statements import Finding

_MIMES: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG", "image/png"),
    (b"RIFF", "image/webp"),
    (b"GIF8", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)
_TIFF_BUDGET_BYTES: Final = 8 * 2**20
_WRITTEN_BY: Final = re.compile(
    r"(?:created|made|written|saved|generated|edited|processed) (?:with|by|using|in) ([^\n]{1,80})", re.IGNORECASE
)
_TOOL_KEYS: Final = frozenset({"software", "creator_tool", "creatortool", "generator", "program"})
"""Not "creator" and "source", where people and agencies are named."""


def read(data: bytes, *, trust: Trust = NOBODY, now: datetime | None = None) -> Account:
    """Everything that a picture says about itself but what only its pixels can contradict (`against`). Never raises.

    Args:
        data: The whole file.
        trust: Whose signatures count.
        now: Later times lie in the future; the clock's time when None.
    """
    now = now or datetime.now(UTC)
    parts = [_credentials(data, trust)]
    try:
        found, directories = _blocks(data)
        if directories:
            parts.append(exif.of_directories(directories, now))
        if found.exif:
            parts.append(exif.account(found.exif, now))
        if found.xmp:
            parts.append(xmp.account(found.xmp, now))
        if found.photoshop:
            parts.append(iptc.account(found.photoshop))
        parts.append(_texts(found))
        parts.append(_broken(found))
    except Exception as error:  # hostile bytes may set off what no reader foresaw; what was read until then stands
        what = f"reading it failed: {type(error).__name__}"
        parts.append(Account((finding("malformed", "metadata", what),), facts={"malformed": 1.0}))
    whole = joined(parts)
    return joined([whole, _between(whole)])


def mime_of(data: bytes) -> str:
    """What a picture's first bytes say it is."""
    if data[4:8] == b"ftyp":
        return "image/avif" if data[8:12] in (b"avif", b"avis") else "image/heic"
    return next((mime for start, mime in _MIMES if data.startswith(start)), "application/octet-stream")


def _credentials(data: bytes, trust: Trust) -> Account:
    at = credentials.begins(data)
    if at is None:
        return Account()
    size = credentials.announced_bytes(data, at)
    return credentials.account(io.BytesIO(data), len(data), size, mime_of(data), trust)


def _blocks(data: bytes) -> tuple[Blocks, tiff.Directories | None]:
    """The blocks, and of a TIFF file its directories as well."""
    if data[4:8] == b"ftyp":
        return _items(data), None
    if data[:4] not in (b"II*\0", b"MM\0*"):
        return blocks.read(data), None
    directories = tiff.read(data, _TIFF_BUDGET_BYTES)
    found = Blocks()
    main = directories.tags.get("0th", {})
    for tag, keep in ((700, found.xmp.append), (33723, lambda raw: setattr(found, "photoshop", raw))):
        if isinstance(raw := main.get(tag), bytes):
            keep(raw)
    return found, directories


def _items(data: bytes) -> Blocks:
    """EXIF and XMP of HEIF and AVIF, as Pillow finds them."""
    found = Blocks()
    try:
        info = image.open_header(data, DEFAULT_LIMITS).info
    except MediaError:  # HEIC without its plug-in: decoding says so
        return found
    except Exception:  # a broken header; decoding says so
        return found
    if isinstance(raw := info.get("exif"), bytes):
        found.exif = raw[6:] if raw.startswith(b"Exif\0\0") else raw
    if isinstance(packet := info.get("xmp"), bytes):
        found.xmp.append(packet[: blocks.XMP_BYTES])
    return found


def _texts(found: Blocks) -> Account:
    if not found.texts:
        return Account()
    findings: list[Finding] = []
    programs: list[Finding] = []
    for key, text in found.texts:
        where = f'text "{key[:40]}"'
        findings += generators.said(where, key, text)
        if key.strip().lower() in _TOOL_KEYS:
            programs += software.said(where, text)
        elif key == "comment" and (match := _WRITTEN_BY.search(text[:500])):
            programs += software.said(where, match[1])
    lines = [entry(key, text) for key, text in found.texts]
    facts = {"has texts": float(len(found.texts)), **software.facts(programs)}
    return Account((*findings, *programs), (entry("texts", entries=lines),), facts)


def _broken(found: Blocks) -> Account:
    broken = [finding("malformed", where, what) for where, what in found.problems.items()]
    large = [finding("oversized", where, what) for where, what in found.oversized.items()]
    rest = [finding("read-in-part", where, what) for where, what in found.unread.items()]
    return Account((*broken, *large, *rest))


def _between(whole: Account) -> Account:
    """What contradicts itself between parts that were read apart, and facts about the whole."""
    findings: list[Finding] = []
    words = whole.words
    for what in ("make", "model"):
        here, there = words.get(f"exif {what}", ""), words.get(f"xmp {what}", "")
        if here and there and here.strip().lower() != there.strip().lower():
            sentence = f'the camera is "{here[:60]}" in EXIF and "{there[:60]}" in XMP'
            findings.append(finding("camera-disagrees", "EXIF and XMP", sentence))
            break
    exif_time, xmp_time = words.get("exif taken", ""), words.get("xmp taken", "")
    if exif_time and xmp_time:
        findings += times.apart(("EXIF, DateTimeOriginal", exif_time), ("XMP", xmp_time))
    codes = {one.code for one in (*whole.findings, *findings)}
    facts = {
        "times disagree": float("times-disagree" in codes),
        "time in future": float("time-in-future" in codes),
        "gps impossible": float("gps-impossible" in codes),
        "camera disagrees": float(bool(codes & {"camera-disagrees", "maker-notes-of-another"})),
        "malformed": float("malformed" in codes),
        "oversized": float("oversized" in codes),
    }
    return Account(tuple(findings), facts=facts)
