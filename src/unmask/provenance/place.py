"""Where a picture says it was taken, and whether that is on this earth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from unmask.provenance import times
from unmask.provenance.account import Account, finding
from unmask.provenance.tiff import Value
from unmask.statements import Finding

_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _TIME, _DATE = 1, 2, 3, 4, 7, 29
_WHERE: Final = "EXIF, GPS"


def account(gps: Mapping[int, Value], taken: str) -> Account:
    """What EXIF's directory GPS says.

    Args:
        gps: Its values by their numbers.
        taken: When the picture was taken, as EXIF says; empty where it does not.
    """
    if _LATITUDE not in gps and _LONGITUDE not in gps:
        return Account(facts={"has gps": 0.0})
    latitude, why = _angle(gps.get(_LATITUDE), gps.get(_LATITUDE_REF), "NS", 90)
    longitude, why_not = _angle(gps.get(_LONGITUDE), gps.get(_LONGITUDE_REF), "EW", 180)
    if _blank(gps.get(_LATITUDE)) and _blank(gps.get(_LONGITUDE)):
        findings = []  # what devices write that know no place: nought, divided by whatever, to no side
    elif latitude is None or longitude is None:
        findings = [finding("gps-impossible", _WHERE, f"no place on this earth: {why or why_not}")]
    else:
        north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
        place = f"{abs(latitude):.5f} {north}, {abs(longitude):.5f} {east}"
        findings = [finding("place-named", _WHERE, "it says where it was taken", place)]
    return Account((*findings, *_clock(gps, taken)), facts={"has gps": 1.0})


def _angle(value: Value | None, reference: Value | None, letters: str, most: int) -> tuple[float | None, str | None]:
    """Degrees, negative to the south and west; or why there are none."""
    if not isinstance(value, tuple) or not 1 <= len(value) <= 3:
        return None, "an angle is not three fractions"
    parts = []
    for one in value:
        if not isinstance(one, tuple) or one[1] == 0:
            return None, "an angle is divided by nought"
        parts.append(one[0] / one[1])
    degrees, minutes, seconds = (*parts, 0.0, 0.0)[:3]
    letter = reference[:1].decode("latin-1") if isinstance(reference, bytes) else ""
    if letter not in letters or not letter:
        return None, f"an angle points to neither {' nor '.join(letters)}"
    angle = degrees + minutes / 60 + seconds / 3600
    if not (0 <= minutes < 60 and 0 <= seconds < 60 and 0 <= angle <= most):
        return None, f"{degrees:g} degrees, {minutes:g} minutes and {seconds:g} seconds do not exist"
    return (-angle if letter == letters[1] else angle), None


def _blank(value: Value | None) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, tuple) and one[0] == 0 for one in value)


def _clock(gps: Mapping[int, Value], taken: str) -> list[Finding]:
    """The satellites' time against the camera's."""
    day, clock = gps.get(_DATE), gps.get(_TIME)
    if not isinstance(day, bytes) or not isinstance(clock, tuple) or len(clock) != 3 or not taken:
        return []
    parts = [one[0] / one[1] for one in clock if isinstance(one, tuple) and one[1]]
    if len(parts) != 3 or not all(0 <= one < 61 for one in parts):
        return []
    date = day.rstrip(b"\0 ").decode("latin-1")
    moment = f"{date} {int(parts[0]):02}:{int(parts[1]):02}:{int(parts[2]):02}Z"
    return times.apart(("EXIF, DateTimeOriginal", taken), ("EXIF, GPSDateStamp", moment))
