"""What was measured, in words that a person understands, and as maps that a page draws."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

from unmask.compression import families
from unmask.compression.measuring import Measures
from unmask.compression.plane import BLOCK_PX, SQUARE_PX, Floats
from unmask.types import Map

EARLIER: Final = 0.02
"""Nats; of 640 photos that were saved once, at qualities from 75 to 96, none came so high (docs/compression.md)."""

# 95 of 100 real photos of train stay below these (`unmask learn-compression` writes them to usual.csv).
EARLIER_APART: Final = 0.05
GHOST_APART: Final = 0.15
GRID_APART: Final = 0.4
NOISE_UNLIKE: Final = 2.1

CLEAR_GRID: Final = 0.2
"""Strength of a grid that is not announced by a JPEG header, from which on it is named."""

NO_ROOM: Final = "not judged: the picture is too small, or flat everywhere"
NO_FACE: Final = (
    "no face to be compared with what is beside it: none was found, or there is too little in it or beside it"
)
_UNUSUAL: Final = "more than in 95 of 100 of the real photos this was set on"
_JPEGS: Final = ("JPEG", "MPO")
"""MPO is a JPEG with further pictures behind it, as many telephones write."""
_CELLS: Final = 32
"""The most rows and columns of a map, for reports keep them."""


def of_nothing(seen: Measures) -> str:
    """Why the measures say nothing together."""
    if seen.plane is None or seen.noise is None:
        return NO_ROOM
    if seen.plane.inside(SQUARE_PX) is None:
        return f"not weighed: {NO_FACE}"
    return "not weighed: not everything could be measured, for the face or what is beside it is flat"


def of_tables(seen: Measures) -> str:
    """Who wrote the tables, as far as they say so."""
    if seen.coding is None and seen.format in _JPEGS:
        return "a JPEG whose header names tables that it does not hold"
    if seen.coding is None:
        return f"the file is {seen.format} and no JPEG: it holds no tables of its own"
    kind = "progressive" if seen.coding.progressive else "baseline"
    return f"JPEG, {kind}, {_sampling(seen.coding.sampling)}: {families.recognise(seen.coding).sentence}"


def of_earlier(seen: Measures) -> str:
    """Whether it was a coarser JPEG before, and whether the face was too."""
    if seen.earlier is None:
        return NO_ROOM
    if seen.earlier.nats < EARLIER:
        return "no trace of an earlier, coarser JPEG on the same grid of blocks"
    said = f"it seems to have been saved as a JPEG before, at about quality {seen.earlier.quality} of libjpeg"
    apart = seen.earlier_apart
    if np.isnan(apart):
        return said
    if apart > EARLIER_APART:
        return f"{said}; the face shows that earlier saving less than what is beside it, {_UNUSUAL}"
    return f"{said}, and so was the face"


def of_ghosts(seen: Measures) -> str:
    """Whether face and background change alike when they are saved again."""
    if seen.ghosts is None:
        return NO_ROOM
    if np.isnan(seen.ghosts.apart):
        return f"saved again at quality {seen.ghosts.quality}, its places differ most; {NO_FACE}"
    way = "more" if seen.ghosts.apart > 0 else "less"
    share = f"{abs(seen.ghosts.apart):.0%} of the range {way} than what is beside it"
    unusual = f", {_UNUSUAL}: they may have been saved differently before" if _ghostly(seen) else ", as in real photos"
    return f"saved again at quality {seen.ghosts.quality}, the face changes by {share}{unusual}"


def of_grid(seen: Measures) -> str:
    """Where the blocks of 8 x 8 begin, and whether the face has others."""
    if seen.grid is None:
        return NO_ROOM
    column, row = _of_picture(seen, seen.grid.origin)
    clear = seen.coding is not None or seen.grid.strength >= CLEAR_GRID
    said = f"the grid of blocks begins at column {column}, row {row}" if clear else "no clear grid of blocks"
    if seen.grid.foreign is None:
        return f"{said}; {NO_FACE}"
    if seen.grid.apart > GRID_APART:
        x, y = _of_picture(seen, seen.grid.foreign)
        return f"{said}; the face shows a second one that begins at column {x}, row {y}, {_UNUSUAL}"
    return f"{said}; no second grid in the face"


def of_noise(seen: Measures) -> str:
    """How noisy the face is, and what is beside it."""
    if seen.noise is None:
        return NO_ROOM
    if np.isnan(seen.noise.apart):
        return f"noise of {seen.noise.whole:.1f} grey levels; {NO_FACE}"
    said = f"noise of {seen.noise.face:.1f} grey levels in the face and {seen.noise.beside:.1f} beside it"
    return (
        f"{said}, further apart than in 95 of 100 of the real photos this was set on"
        if abs(seen.noise.apart) > NOISE_UNLIKE
        else said
    )


def table_map(seen: Measures) -> Map | None:
    """The brightness table, 8 x 8; None for what is no JPEG."""
    if seen.coding is None:
        return None
    rows = tuple(tuple(float(step) for step in row) for row in seen.coding.luma.tolist())
    return Map(name="quantisation steps, coarse frequencies at the upper left", unit="grey levels", values=rows)


def earlier_map(seen: Measures) -> Map | None:
    """How much better the earlier JPEG explains each place."""
    if seen.earlier is None or seen.earlier.nats < EARLIER:
        return None
    told, count = (_pooled(values.astype(np.float32)) for values in (seen.earlier.each, seen.earlier.count))
    ratio = np.where(count > 0, told / np.maximum(count, 1e-6), np.nan)
    return _map("trace of the earlier JPEG", "nats", ratio)


def ghost_map(seen: Measures) -> Map | None:
    """How much each place changes at the quality where they differ most."""
    if seen.ghosts is None:
        return None
    return _map(f"change when saved again at quality {seen.ghosts.quality}", "of its range", seen.ghosts.shown)


def grid_map(seen: Measures) -> Map | None:
    """How clear the second grid is in each place, or the only one where there is no face."""
    if seen.grid is None:
        return None
    which = "a second grid would lie" if seen.grid.foreign else "the grid lies"
    return _map(f"lack of fine detail where {which}", "as a logarithm", seen.grid.shown)


def noise_map(seen: Measures) -> Map | None:
    """The noise of each place."""
    return None if seen.noise is None else _map("noise", "grey levels", seen.noise.levels)


def _ghostly(seen: Measures) -> bool:
    return seen.ghosts is not None and abs(seen.ghosts.apart) > GHOST_APART


def _of_picture(seen: Measures, place: tuple[int, int]) -> tuple[int, int]:
    """Where blocks begin in the upright picture: those of one that was turned begin at what was its right or bottom."""
    left, top = seen.plane.box_px[:2] if seen.plane else (0, 0)
    return (place[0] + left) % BLOCK_PX, (place[1] + top) % BLOCK_PX


def _sampling(name: str) -> str:
    return "without colours" if name == "grey" else f"colours {name}"


def _map(name: str, unit: str, values: Floats) -> Map:
    cells = _pooled(values)
    rows = tuple(tuple(None if np.isnan(one) else round(float(one), 3) for one in row) for row in cells)
    return Map(name=name, unit=unit, values=rows)


def _pooled(values: Floats) -> Floats:
    """Means over the areas of `_CELLS` rows and columns at most; what is not known is left out of them."""
    scale = min(1.0, _CELLS / max(values.shape))
    size = (max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale)))
    known = ~np.isnan(values)
    total, share = (
        np.asarray(Image.fromarray(one.astype(np.float32)).resize(size, Image.Resampling.BOX))
        for one in (np.where(known, values, 0), known)
    )
    return np.where(share > 0, total / np.maximum(share, 1e-6), np.nan).astype(np.float32)
