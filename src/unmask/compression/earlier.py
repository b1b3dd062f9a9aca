"""Traces of an earlier, coarser JPEG in the histograms of the last one's coefficients.

A coefficient that was rounded to multiples of 7 and then to multiples of 3 leaves gaps and heaps that one rounding
never leaves. What the histogram would be after one rounding is told by the picture itself, once it is moved by half a
block: that breaks the grid and leaves the spectrum (Lukas & Fridrich 2003, "Estimation of primary quantization matrix
in double compressed JPEG images"). Every libjpeg quality is tried as the earlier one, and the log-likelihood of the
coefficients tells which explains them, and how much better than none. A region that was pasted in lacks the traces
of its surroundings (Lin et al. 2009, "Fast, automatic and fine-grained tampered JPEG image detection via DCT
coefficient analysis").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask.compression.blocks import transformed
from unmask.compression.families import standard
from unmask.compression.plane import Floats, Plane

QUALITIES: Final = range(40, 99)
FREQUENCIES: Final = ((0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3), (1, 2), (2, 1), (3, 0))
"""The lowest ones that are not the mean: higher ones are mostly 0, and tell nothing."""

_LARGEST: Final = 32  # steps; what lies beyond is too rare to count
_COARSEST: Final = 130.0
"""Grey levels: more than half the largest step of an earlier JPEG, by which a coefficient may have moved."""
_FINE: Final = 0.25
"""Width in grey levels in which the spectrum of the moved picture is counted."""
_ROUNDING: Final = tuple(
    zip(
        (-1.05, -0.75, -0.45, -0.15, 0.15, 0.45, 0.75, 1.05),
        (0.0176, 0.0668, 0.1624, 0.2533, 0.2533, 0.1624, 0.0668, 0.0176),
        strict=True,
    )
)
"""Noise on a coefficient between two savings, because pixels are whole numbers and colours were converted: places, and
the weights of a normal distribution of 0.45 grey levels. No place is at a half, where rounding would take one side."""
_DOUBT: Final = 0.1
"""Share of the coefficients that no model explains, in blocks that were clipped for one. Measured against 0.02."""
_ONE_SIDED: Final = 1 / 3
"""Share of one frequency among the coefficients that are not 0, over which they tell nothing: a drawn slope has heaps
of its own. Of 50 photos saved twice none came over 0.24; of 18 drawn slopes and waves one was under 0.33."""


@dataclass(frozen=True, eq=False)
class Earlier:
    """What was found of an earlier JPEG.

    Attributes:
        quality: libjpeg's quality that explains the coefficients best.
        nats: By how much better than none: mean log-likelihood ratio of a coefficient that is not 0. Under 0: none; 0
            where nearly all coefficients are of one frequency, as on drawn slopes.
        each: The sum of it in each block: float32 (rows, columns).
        count: Coefficients of each block that are not 0: (rows, columns).
    """

    quality: int
    nats: float
    each: Floats
    count: NDArray[np.int64]

    def of(self, blocks: NDArray[np.bool_]) -> float:
        """The mean in some blocks; NaN where all coefficients are 0."""
        told = int(self.count[blocks].sum())
        return float(self.each[blocks].sum() / told) if told else np.nan


def earlier(plane: Plane) -> Earlier:
    """Look for an earlier JPEG whose blocks lay where those of the last one lie."""
    coefficients = transformed(plane.luma)
    moved = transformed(plane.luma[4:, 4:])
    told = []
    for row, column in FREQUENCIES:
        step = 1 if plane.table is None else int(plane.table[row, column])
        values = np.rint(coefficients[:, :, row, column] / step).astype(np.int64)
        values[np.abs(values) > _LARGEST] = 0
        ratios: dict[int, NDArray[np.float64]] = {}
        spectrum = _spectrum(moved[:, :, row, column], step)
        once = _expected(spectrum, None, step)
        for quality in QUALITIES:
            first = int(standard(quality)[row, column])
            if first not in ratios and first > step:
                ratios[first] = np.log(_expected(spectrum, first, step)) - np.log(once)
                ratios[first][_LARGEST] = 0.0
        told.append((values, ratios, [int(standard(quality)[row, column]) for quality in QUALITIES]))
    best, sums = QUALITIES[0], -np.inf
    histograms = [np.bincount(values.ravel() + _LARGEST, minlength=2 * _LARGEST + 1) for values, _, _ in told]
    for place, quality in enumerate(QUALITIES):
        total = sum(
            float(histogram @ ratios[firsts[place]])
            for histogram, (_, ratios, firsts) in zip(histograms, told, strict=True)
            if firsts[place] in ratios
        )
        if total > sums and any(firsts[place] in ratios for _, ratios, firsts in told):
            best, sums = quality, total
    each = np.zeros(coefficients.shape[:2], np.float32)
    count = np.zeros(coefficients.shape[:2], np.int64)
    at = best - QUALITIES[0]
    for values, ratios, firsts in told:
        if firsts[at] in ratios:
            each += ratios[firsts[at]][values + _LARGEST]
        count += values != 0
    largest = max(int(np.count_nonzero(values)) for values, _, _ in told)
    tells = largest <= _ONE_SIDED * count.sum()
    return Earlier(best, float(each.sum() / max(count.sum(), 1)) if tells else 0.0, each, count)


def _spectrum(values: Floats, step: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sizes and weights of the coefficients, counted finely; both signs alike, as far as `_LARGEST` steps reach."""
    most = round(((_LARGEST + 1) * step + _COARSEST) / _FINE)
    bins = np.rint(np.abs(values.ravel()) / _FINE).astype(np.int64)
    counts = np.bincount(bins[bins <= most], minlength=most + 1).astype(np.float64)
    return np.arange(most + 1, dtype=np.float64) * _FINE, counts


def _expected(
    spectrum: tuple[NDArray[np.float64], NDArray[np.float64]], first: int | None, step: int
) -> NDArray[np.float64]:
    """The probability of each whole number of steps from -_LARGEST to _LARGEST, given that it is not 0; 1 for 0."""
    places, weights = spectrum
    rounded = places if first is None else np.rint(places / first) * first
    found = np.zeros(_LARGEST + 1)
    for noise, share in _ROUNDING if first is not None else ((0.0, 1.0),):
        steps = np.abs(np.rint((rounded + noise) / step)).astype(np.int64)
        inside = steps <= _LARGEST
        found += share * np.bincount(steps[inside], weights[inside], _LARGEST + 1)
    found[0] = 0.0
    both = np.concatenate([found[:0:-1], found])
    smooth = np.convolve(both, np.ones(5) / 5, "same") + 0.5
    mixed = (1 - _DOUBT) * (both + 1e-3) / (both.sum() + 1e-3) + _DOUBT * smooth / smooth.sum()
    mixed[_LARGEST] = 0.0
    mixed /= mixed.sum()
    mixed[_LARGEST] = 1.0
    return np.asarray(mixed, np.float64)
