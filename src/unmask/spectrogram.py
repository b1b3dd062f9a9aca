"""Sound as a picture: seconds from left to right, frequency from low to high, brighter where there is more power.

Sound is taken piece by piece and only the picture's own columns are kept, so an hour costs no more memory than a
minute. A column shows the most of each frequency in its seconds: a single word stays visible in an hour of silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.modalities.audio import RATE_HZ, Sound

TOP_HZ: Final = RATE_HZ // 2
"""Where the frequency axis ends; it begins at 0 and is linear."""

RANGE_DB: Final = 80.0
"""From the darkest colour to the brightest."""

QUIETEST_DB: Final = -140.0
"""Below full scale; what is quieter counts as this, digital silence too."""

COLOURS: Final = (
    (68, 1, 84),
    (70, 50, 127),
    (54, 92, 141),
    (39, 127, 142),
    (31, 161, 135),
    (74, 194, 109),
    (159, 218, 58),
    (253, 231, 37),
)
"""From quiet to loud, each lighter than the one before, so that the order survives print, grey and colour blindness."""

_WINDOW: Final = 512  # samples, 32 ms: short enough for syllables, long enough to part the harmonics of a voice
_STEP: Final = 160
STEP_S: Final = _STEP / RATE_HZ
ROWS: Final = _WINDOW // 2
_LEAST_TOP_DB: Final = -40.0  # noise that nobody hears is not made to look loud
_FULL_SCALE: Final = (np.hanning(_WINDOW).sum() / 2) ** 2  # the power of a sine of full scale in its row


@dataclass(frozen=True, eq=False)
class Spectrogram:
    """The power of some seconds of sound.

    Attributes:
        start_s: Where the first column begins.
        end_s: Where the last one ends.
        levels_db: float32 (ROWS, C), in decibels below a sine of full scale, from low to high frequency.
    """

    start_s: float
    end_s: float
    levels_db: NDArray[np.float32]


def measure(
    blocks: Iterable[Sound], spans: Sequence[tuple[float, float]], most_columns: int = 960
) -> list[Spectrogram]:
    """Spectrograms of some spans of a recording, in one reading.

    Args:
        blocks: Consecutive pieces of the recording.
        spans: Starts and ends in seconds; they may overlap.
        most_columns: Of each; short spans have a column for each step of 10 ms.

    Returns:
        One for each span. What was not heard is as quiet as silence.
    """
    found = [_empty(start_s, end_s, most_columns) for start_s, end_s in spans]
    rest = np.zeros(_WINDOW // 2, np.float32)  # so that the first frame has its middle at the start
    middle: int | None = None  # of the next frame, in samples from the beginning
    for block in blocks:
        if middle is None:
            middle = round(block.start_s * RATE_HZ)
        samples = np.concatenate([rest, block.samples])
        frames = max(0, (len(samples) - _WINDOW) // _STEP + 1)
        _add(found, samples, frames, middle)
        rest, middle = samples[frames * _STEP :], middle + frames * _STEP
    if middle is not None:
        frames = -(-(len(rest) - _WINDOW // 2) // _STEP)  # those that have their middle in the sound
        _add(found, np.pad(rest, (0, _WINDOW)), max(0, frames), middle)
    return found


def loudest_db(spectrograms: Iterable[Spectrogram]) -> float:
    """The level that the brightest colour stands for, so that pictures of one recording compare."""
    return max([_LEAST_TOP_DB, *(float(one.levels_db.max(initial=QUIETEST_DB)) for one in spectrograms)])


def picture(spectrogram: Spectrogram, top_db: float, height_px: int = ROWS) -> Image.Image:
    """The spectrogram in colours, high frequencies above; RGB, one pixel a column.

    Args:
        spectrogram: Of what.
        top_db: The level of the brightest colour; the darkest is `RANGE_DB` below it.
        height_px: Rows of the picture.
    """
    share = np.clip((spectrogram.levels_db[::-1] - top_db) / RANGE_DB + 1, 0, 1)
    grey = Image.fromarray(np.round(255 * share).astype(np.uint8))
    scaled = grey.resize((grey.width, height_px), Image.Resampling.BOX)
    return Image.fromarray(palette()[np.asarray(scaled)])


def palette() -> NDArray[np.uint8]:
    """The colours of 256 levels from quiet to loud, uint8 (256, 3)."""
    anchors = np.array(COLOURS, np.float64)
    places, levels = np.linspace(0, 1, len(anchors)), np.linspace(0, 1, 256)
    return np.stack([np.round(np.interp(levels, places, band)) for band in anchors.T], axis=1).astype(np.uint8)


def _empty(start_s: float, end_s: float, most_columns: int) -> Spectrogram:
    columns = min(most_columns, max(1, int((end_s - start_s) / STEP_S + 1e-6)))
    return Spectrogram(start_s, end_s, np.full((ROWS, columns), QUIETEST_DB, np.float32))


def _add(found: Iterable[Spectrogram], samples: NDArray[np.float32], frames: int, first_middle: int) -> None:
    """Take in so many frames by where their middles lie; in samples, so that none falls beside its column."""
    middles = first_middle + np.arange(frames) * _STEP
    for one in found:
        start, end, columns = round(one.start_s * RATE_HZ), round(one.end_s * RATE_HZ), one.levels_db.shape[1]
        inside = np.flatnonzero((middles >= start) & (middles < end))
        if len(inside):
            levels = _levels_db(samples, inside[0], inside[-1] + 1)
            into = (middles[inside] - start) * columns // (end - start)
            firsts = np.flatnonzero(np.diff(into, prepend=-1))
            most = np.maximum.reduceat(levels, firsts, axis=0).T
            one.levels_db[:, into[firsts]] = np.maximum(one.levels_db[:, into[firsts]], most)


def _levels_db(samples: NDArray[np.float32], first: int, end: int) -> NDArray[np.float32]:
    """Levels of the frames from one to another, float32 (end - first, ROWS)."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[first * _STEP : (end - 1) * _STEP + 1 : _STEP]
    spectrum = np.fft.rfft(frames * np.hanning(_WINDOW).astype(np.float32), axis=1)[:, :ROWS]
    power = np.abs(spectrum) ** 2 / _FULL_SCALE
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (QUIETEST_DB / 10))), np.float32)
