"""How a JPEG was coded, as its header says: quantisation tables, subsampling of colours, progressive or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

Table = NDArray[np.int64]
"""Quantisation steps: int64 (8, 8), rows of rising vertical frequency, columns of rising horizontal frequency."""

_SAMPLINGS = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0", (4, 1): "4:1:1"}


@dataclass(frozen=True, eq=False)
class Coding:
    """How one JPEG was coded.

    Attributes:
        luma: Steps of brightness.
        chroma: Steps of colour; None in a grey picture.
        sampling: "4:2:0" and its kin; "grey" without colours; the factors, as "3x1", where there is no name for them.
        progressive: Whether it is coded in several passes.
    """

    luma: Table
    chroma: Table | None
    sampling: str
    progressive: bool


def coding(header: Image.Image) -> Coding | None:
    """How a picture was coded; None where it is no JPEG, or names tables that it does not hold.

    Args:
        header: As `unmask.modalities.image.open_header` gives it.
    """
    if not isinstance(header, JpegImagePlugin.JpegImageFile) or not header.layer:
        return None
    tables: Mapping[int, list[int]] = header.quantization
    numbers = [layer[3] for layer in header.layer]
    if any(len(tables.get(number, ())) != 64 for number in numbers):
        return None
    luma, *others = (np.array(tables[number], np.int64).reshape(8, 8) for number in numbers)
    factors = [(layer[1], layer[2]) for layer in header.layer]
    return Coding(luma, others[0] if others else None, _sampling(factors), "progressive" in header.info)


def _sampling(factors: list[tuple[int, int]]) -> str:
    if len(factors) < 3:
        return "grey"
    most = factors[0]
    alike = all(one == (1, 1) for one in factors[1:])
    return _SAMPLINGS.get(most, f"{most[0]}x{most[1]}") if alike else "unusual"
