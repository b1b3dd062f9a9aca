"""IPTC's older form (IIM), which lies in Photoshop's resources: credit, byline, caption, date, the program.

Source: IPTC IIM 4.2; Adobe Photoshop File Formats Specification.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from unmask.provenance import generators, software
from unmask.provenance.account import Account, decoded, entry, finding
from unmask.statements import Finding

_RESOURCE: Final = 0x0404
_MOST: Final = 500
_NAMES: Final = {
    5: "title", 15: "category", 25: "keyword", 40: "instructions", 55: "date created", 60: "time created",
    62: "date digitised", 65: "program", 70: "program's version", 80: "byline", 85: "byline's title", 90: "city",
    95: "province", 101: "country", 103: "transmission", 105: "headline", 110: "credit", 115: "source",
    116: "copyright", 120: "caption", 122: "caption's writer",
}  # fmt: skip
_PROGRAM: Final = 65
_CREDITS: Final = (110, 40, 116)


def account(resources: bytes) -> Account:
    """What Photoshop's resources of a file hold of IPTC, or a bare IIM record."""
    found = list(_sets(resources if resources[:1] == b"\x1c" else _record(resources)))
    if not found:
        return Account()
    findings: list[Finding] = []
    programs: list[Finding] = []
    lines = []
    for number, value in found:
        text, _ = decoded(value)
        name = _NAMES.get(number, f"data set {number}")
        lines.append(entry(name, text))
        if number == _PROGRAM:
            programs += software.said(f"IPTC, {name}", text)
        elif number in _CREDITS:
            findings += generators.credited(f"IPTC, {name}", text)
    if len(found) >= _MOST:
        findings.append(finding("oversized", "IPTC", f"it holds more than {_MOST} data sets; the rest was not read"))
    facts = {"has iptc": 1.0, **software.facts(programs)}
    return Account((*findings, *programs), (entry("IPTC", entries=lines),), facts)


def _record(resources: bytes) -> bytes:
    """The IIM record among Photoshop's resources; empty where there is none."""
    at = 0
    while at + 12 <= len(resources) and resources[at : at + 4] == b"8BIM":
        (kind,) = struct.unpack_from(">H", resources, at + 4)
        name = resources[at + 6] + 1
        at += 6 + name + name % 2
        if at + 4 > len(resources):
            break
        (size,) = struct.unpack_from(">I", resources, at)
        if kind == _RESOURCE:
            return resources[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return b""


def _sets(record: bytes) -> Iterator[tuple[int, bytes]]:
    """Data sets of the application record, by their numbers."""
    at = 0
    for _ in range(_MOST):
        if at + 5 > len(record) or record[at] != 0x1C:
            return
        kind, number, size = struct.unpack_from(">BBH", record, at + 1)
        if size & 0x8000:  # a length of several bytes, which none of those we show needs
            return
        if kind == 2 and size:
            yield number, record[at + 5 : at + 5 + size]
        at += 5 + size
