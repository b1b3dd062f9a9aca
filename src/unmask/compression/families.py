"""Which encoder wrote a JPEG's quantisation tables, where they say so exactly; the nearest libjpeg quality else.

A table is named only where it equals one that is publicly documented, number by number. Cameras and platforms have
tables of their own, or use libjpeg's, so a table alone names none of them.

Sources: ITU-T T.81 annex K and libjpeg's jcparam.c (the base tables and how quality scales them); N. Robidoux's table
for ImageMagick, which mozjpeg uses unless told otherwise; Pillow's JpegPresets.py (what Photoshop's presets write).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

import numpy as np
from PIL import JpegPresets

from unmask.compression.tables import Coding, Table

_LUMA: Final = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA: Final = (
    *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99),
    *(47, 66, 99, 99, 99, 99, 99, 99),
    *(99,) * 32,
)
_ROBIDOUX: Final = (
    *(16, 16, 16, 18, 25, 37, 56, 85, 16, 17, 20, 27, 34, 40, 53, 75, 16, 20, 24, 31, 43, 62, 91, 135),
    *(18, 27, 31, 40, 53, 74, 106, 156, 25, 34, 43, 53, 69, 94, 131, 189, 37, 40, 62, 74, 94, 124, 169, 238),
    *(56, 53, 91, 106, 131, 169, 226, 311, 85, 75, 135, 156, 189, 238, 311, 418),
)
QUALITIES: Final = range(1, 101)

Name = Literal["libjpeg", "libjpeg, two qualities", "mozjpeg", "photoshop", "unknown"]


@dataclass(frozen=True)
class Family:
    """Who wrote some tables.

    Attributes:
        name: The encoder; "unknown" where no documented table equals them.
        quality: libjpeg's quality of the brightness table: exact for a table of libjpeg or mozjpeg, the nearest else.
        preset: Photoshop's preset, as Pillow calls it: "maximum", "web_high".
        chroma_quality: Of the colour table, where it differs from that of brightness.
    """

    name: Name
    quality: int
    preset: str = ""
    chroma_quality: int | None = None

    @property
    def sentence(self) -> str:
        """In words, without a full stop."""
        if self.name == "libjpeg":
            return (
                f"the tables are exactly those of libjpeg at quality {self.quality}, as most software and many "
                "platforms write them"
            )
        if self.name == "libjpeg, two qualities":
            return (
                f"the tables are exactly those of libjpeg at quality {self.quality} for brightness and "
                f"{self.chroma_quality} for colour, which somebody chose apart"
            )
        if self.name == "mozjpeg":
            return (
                f"the tables are exactly those that mozjpeg and ImageMagick's Robidoux table give at quality "
                f"{self.quality}, as encoders for web pages write them"
            )
        if self.name == "photoshop":
            where = "Save for Web" if self.preset.startswith("web_") else "Save As"
            called = self.preset.removeprefix("web_").replace("_", " ")
            return f'the tables are exactly those of Photoshop\'s preset "{called}" ({where})'
        return (
            f"unknown tables, near libjpeg's quality {self.quality}: a camera or a program with tables of its own "
            "wrote them"
        )


def standard(quality: int, *, chroma: bool = False) -> Table:
    """The table of libjpeg at a quality from 1 to 100, held to the 8 bits of baseline JPEG."""
    return _scaled(_CHROMA if chroma else _LUMA, quality)


def recognise(coding: Coding) -> Family:
    """Which family wrote the tables of a JPEG. Of CMYK and RGB libjpeg codes all channels by one table."""
    for quality in QUALITIES:
        if np.array_equal(coding.luma, standard(quality)):
            return _of_libjpeg(quality, coding.chroma)
    for quality in QUALITIES:
        table = _scaled(_ROBIDOUX, quality)
        if np.array_equal(coding.luma, table) and (coding.chroma is None or np.array_equal(coding.chroma, table)):
            return Family("mozjpeg", quality)
    for preset, luma, chroma in _photoshop():
        if np.array_equal(coding.luma, luma) and (coding.chroma is None or np.array_equal(coding.chroma, chroma)):
            return Family("photoshop", nearest(coding.luma), preset)
    return Family("unknown", nearest(coding.luma))


def nearest(luma: Table) -> int:
    """The quality of libjpeg whose brightness table differs least, by the mean ratio of the steps."""
    away = np.abs(np.log(np.maximum(luma, 1)) - np.log(_every())).mean(axis=(1, 2))
    return int(QUALITIES[int(away.argmin())])


def _of_libjpeg(quality: int, chroma: Table | None) -> Family:
    if chroma is None or any(np.array_equal(chroma, standard(quality, chroma=one)) for one in (True, False)):
        return Family("libjpeg", quality)
    other = next((q for q in QUALITIES if np.array_equal(chroma, standard(q, chroma=True))), None)
    if other is None:
        return Family("unknown", quality)
    return Family("libjpeg, two qualities", quality, chroma_quality=other)


def _photoshop() -> Iterator[tuple[str, Table, Table]]:
    presets: Mapping[str, Any] = JpegPresets.presets
    for name, preset in presets.items():
        luma, chroma = (np.array(table, np.int64).reshape(8, 8) for table in preset["quantization"][:2])
        yield name, luma, chroma


def _scaled(base: tuple[int, ...], quality: int) -> Table:
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((np.array(base, np.int64).reshape(8, 8) * percent + 50) // 100, 1, 255)


@cache
def _every() -> Table:
    return np.stack([standard(quality) for quality in QUALITIES])
