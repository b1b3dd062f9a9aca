"""Times as files write them, and which of them cannot all be true."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from unmask.provenance.account import finding
from unmask.statements import Finding

TOLERANCE: Final = timedelta(hours=26)
"""Local times without a zone lie at most 26 hours apart (UTC-12 and UTC+14); less than that contradicts nothing."""

_FORM: Final = re.compile(
    r"\s*(\d{4})[:\-/](\d{1,2})[:\-/](\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?"
    r"\s*(Z|UTC|[+-]\d{2}:?\d{2})?\s*$"
)
_FIRST_YEAR: Final = 1990
"""Clocks of cameras that were never set say 1970, 1980 or 0; nothing follows from that."""


def parsed(text: str) -> datetime | None:
    """A time of EXIF, XMP or a container, in UTC, which one without a zone is taken for; None where it is none."""
    match = _FORM.match(text[:64])
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        return moment - _offset(match[7])
    except (ValueError, OverflowError):  # month 13, or an offset that leads out of the calendar
        return None


def _offset(zone: str | None) -> timedelta:
    if not zone or zone in ("Z", "UTC"):
        return timedelta()
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    return timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)


def in_future(times: Mapping[str, str], now: datetime) -> list[Finding]:
    """A finding for each time, by where it was read, that lies after now."""
    return [
        finding("time-in-future", where, "this time lies in the future, so the clock was wrong or it was made up", text)
        for where, text in times.items()
        if (moment := parsed(text)) and moment > now + TOLERANCE
    ]


def out_of_order(earlier: tuple[str, str], later: tuple[str, str]) -> list[Finding]:
    """A finding where what must come first comes later; each is where it was read, and its text."""
    first, second = _plausible(earlier[1]), _plausible(later[1])
    if first is None or second is None or first - second <= _tolerance(earlier, later):
        return []
    sentence = f"this lies {_span(first - second)} before {earlier[0]} ({earlier[1].strip()[:40]}), and cannot"
    return [finding("times-disagree", later[0], sentence, later[1])]


def apart(one: tuple[str, str], other: tuple[str, str]) -> list[Finding]:
    """A finding where two times of one event differ by more than time zones explain."""
    first, second = _plausible(one[1]), _plausible(other[1])
    if first is None or second is None or abs(first - second) <= _tolerance(one, other):
        return []
    sentence = (
        f"this and {one[0]} ({one[1].strip()[:40]}) are of one moment, but lie {_span(abs(first - second))} apart"
    )
    return [finding("times-disagree", other[0], sentence, other[1])]


def _tolerance(*moments: tuple[str, str]) -> timedelta:
    """A day without a time of the day may mean any moment of it."""
    days = sum((match := _FORM.match(text[:64])) is not None and match[4] is None for _, text in moments)
    return TOLERANCE + timedelta(days=1) * bool(days)


def _plausible(text: str) -> datetime | None:
    moment = parsed(text)
    return moment if moment and moment.year >= _FIRST_YEAR else None


def _span(span: timedelta) -> str:
    days = span.days
    if days >= 730:
        return f"{days / 365.25:.0f} years"
    return f"{days} days" if days >= 3 else f"{span / timedelta(hours=1):.0f} hours"
