"""EXIF: what is read, what is taken for impossible, and what is not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from PIL.TiffImagePlugin import IFDRational

from tests.draw_provenance import NORTH, camera, exif, jpeg
from unmask.provenance import Account, read, times
from unmask.statements import Kind

NOW = datetime(2026, 1, 1, tzinfo=UTC)
UNKNOWN = (IFDRational(0, 0),) * 3
"""As EXIF is to write an angle that is not known."""


def of(**ifds: Any) -> Account:
    return read(jpeg(exif=exif(**ifds))[1], now=NOW)


def codes(account: Account) -> set[str]:
    return {one.code for one in account.findings}


@pytest.mark.parametrize(
    ("taken", "changed", "contradicts"),
    [
        ("2023:05:06 10:00:00", "2023:05:06 10:00:00", False),
        ("2023:05:06 10:00:00", "2024:05:06 10:00:00", False),
        ("2023:05:06 10:00:00", "2023:05:05 23:00:00", False),  # a time zone explains it
        ("2023:05:06 10:00:00", "2023:05:04 10:00:00", True),
        ("2023:05:06 10:00:00", "1980:01:01 00:00:00", False),  # a clock that was never set
        ("2023:05:06 10:00:00", "0000:00:00 00:00:00", False),
        ("2023:13:45 99:00:00", "2019:01:01 00:00:00", False),
    ],
)
def test_a_picture_is_changed_after_it_was_taken(taken: str, changed: str, contradicts: bool) -> None:
    account = of(main={0x0132: changed}, photo={0x9003: taken})
    assert ("times-disagree" in codes(account)) is contradicts


@pytest.mark.parametrize(("taken", "late"), [("2026:01:02 00:00:00", False), ("2026:01:04 00:00:00", True)])
def test_a_time_in_the_future_is_told(taken: str, late: bool) -> None:
    assert ("time-in-future" in codes(of(photo={0x9003: taken}))) is late


@pytest.mark.parametrize(("day", "contradicts"), [("2023:05:06", False), ("2023:05:07", False), ("2023:05:20", True)])
def test_satellites_and_camera_agree_but_for_time_zones(day: str, contradicts: bool) -> None:
    gps = {**NORTH, 7: (10.0, 11.0, 12.0), 29: day}
    account = of(photo={0x9003: "2023:05:06 10:11:12"}, gps=gps)
    assert ("times-disagree" in codes(account)) is contradicts


@pytest.mark.parametrize(
    ("gps", "code"),
    [
        (NORTH, "place-named"),
        ({**NORTH, 1: "S", 3: "W"}, "place-named"),
        ({**NORTH, 2: (90.0, 0.0, 0.0)}, "place-named"),
        ({**NORTH, 2: (90.0, 0.0, 1.0)}, "gps-impossible"),
        ({**NORTH, 4: (181.0, 0.0, 0.0)}, "gps-impossible"),
        ({**NORTH, 2: (48.0, 61.0, 0.0)}, "gps-impossible"),
        ({**NORTH, 1: "X"}, "gps-impossible"),
        ({**NORTH, 2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)}, None),
        ({1: "", 2: (0.0, 0.0, 0.0), 3: "", 4: (0.0, 0.0, 0.0)}, None),
        ({**NORTH, 2: UNKNOWN, 4: UNKNOWN}, None),
        ({**NORTH, 2: UNKNOWN}, "gps-impossible"),
        ({7: (10.0, 0.0, 0.0)}, None),
    ],
)
def test_a_place_lies_on_this_earth(gps: dict[int, Any], code: str | None) -> None:
    assert codes(of(gps=gps)) == ({code} if code else set())


@pytest.mark.parametrize(
    ("make", "notes", "other"),
    [
        ("Apple", b"Apple iOS\0\0\1", False),
        ("NIKON CORPORATION", b"Nikon\0\2", False),
        ("Leica Camera AG", b"Panasonic\0", False),
        ("Canon", b"\x0c\0\1\0", False),
        ("Canon", b"Nikon\0\2", True),
        ("samsung", b"Apple iOS\0\0\1", True),
        ("", b"Apple iOS\0\0\1", False),
    ],
)
def test_notes_are_of_the_maker_of_the_camera(make: str, notes: bytes, other: bool) -> None:
    account = of(main={0x010F: make} if make else {}, photo={0x927C: notes})
    assert ("maker-notes-of-another" in codes(account)) is other
    assert account.facts["has maker notes"] == 1


@pytest.mark.parametrize(
    ("software", "code", "kind"),
    [
        ("Adobe Photoshop 25.1 (Macintosh)", "edited", Kind.SUSPICIOUS),
        ("GIMP 2.10.34", "edited", Kind.SUSPICIOUS),
        ("Paint.NET v3.5.10", "edited", Kind.SUSPICIOUS),
        ("FaceApp", "face-edited", Kind.SUSPICIOUS),
        ("Adobe Photoshop Lightroom Classic 13.0", "developed", Kind.NEUTRAL),
        ("darktable 4.6", "developed", Kind.NEUTRAL),
        ("Midjourney 6", "generator-named", Kind.DECLARED),
        ("DALL-E 3", "generator-named", Kind.DECLARED),
        ("Adobe Firefly", "generator-named", Kind.DECLARED),
        ("Stable Diffusion XL", "generator-named", Kind.DECLARED),
    ],
)
def test_programs_are_told_apart(software: str, code: str, kind: Kind) -> None:
    account = of(main={0x0131: software})
    assert [(one.code, one.kind) for one in account.findings] == [(code, kind)]
    assert account.findings[0].quote == software


@pytest.mark.parametrize("software", ["17.4.1", "HDR+ 1.0.612", "Ver.1.00", "Imagen de prueba", "f.lux", "Aurora", ""])
def test_firmware_and_everyday_words_are_no_programs(software: str) -> None:
    assert of(main={0x0131: software} if software else {}).findings == ()


def test_a_caption_that_speaks_of_a_generator_declares_nothing() -> None:
    account = of(main={0x010E: "A protest against Midjourney and DALL-E in front of a museum"})
    assert account.findings == ()


def test_a_picture_of_another_shape_was_cropped() -> None:
    from PIL import Image

    from unmask.provenance import against

    account = of(photo={0xA002: 6000, 0xA003: 4000})
    shapes = {(6000, 4000): False, (600, 400): False, (400, 600): False, (600, 600): True}
    for size, other in shapes.items():
        found = against(account, Image.new("RGB", size))
        assert ("size-disagrees" in codes(found)) is other, size


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2023:05:06 10:11:12", datetime(2023, 5, 6, 10, 11, 12, tzinfo=UTC)),
        ("2023-05-06T10:11:12+02:00", datetime(2023, 5, 6, 8, 11, 12, tzinfo=UTC)),
        ("2023-05-06T10:11:12.123456Z", datetime(2023, 5, 6, 10, 11, 12, tzinfo=UTC)),
        ("2023-05-06", datetime(2023, 5, 6, tzinfo=UTC)),
        ("2023:00:00 00:00:00", None),
        ("0001:01:01 00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_are_read_as_files_write_them(text: str, moment: datetime | None) -> None:
    assert times.parsed(text) == moment


def test_a_camera_without_contradictions_has_none() -> None:
    account = read(jpeg(exif=camera(gps=NORTH))[1], now=NOW)
    assert not account.of_kind(Kind.SUSPICIOUS)
