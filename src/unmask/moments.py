"""Which moments of a video are looked at: spread over all of it, and closer together where it matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from unmask.modalities.video import Film

_LONG_STEP_S: Final = 2.0
"""From this distance on, most of the work of reaching a frame is decoding those before it."""


def evenly(film: Film, count: int) -> list[float]:
    """Moments spread over the whole clip, the first frame and the last among them; of one, the middle."""
    last = float(film.times_s[-1])
    return [last * i / (count - 1) for i in range(count)] if count > 1 else [last / 2]


def spread(film: Film, count: int) -> list[float]:
    """The same moments, moved to key frames near them where that saves much decoding, which is in long clips.

    Where jumps do not land, all are moved to key frames: then nothing else is decoded.
    """
    moments = evenly(film, count)
    keys = film.key_times_s
    if count < 2 or not len(keys) or moments[1] < _LONG_STEP_S:
        return moments
    tolerance = moments[1] / 4 if film.jumps else film.duration_s
    inner = moments[1:-1] if film.jumps else moments
    near = {moment: float(keys[np.argmin(np.abs(keys - moment))]) for moment in inner}
    return [near[m] if m in near and abs(near[m] - m) <= tolerance else m for m in moments]


def closer(film: Film, around_s: float, seen_s: Sequence[float], count: int) -> list[float]:
    """Moments between the two that lie around one that was seen already, none of them seen yet.

    Args:
        film: The video.
        around_s: The moment that matters.
        seen_s: All that were looked at, sorted.
        count: How many more, at most; fewer where the film has no more frames there.
    """
    before = max((time for time in seen_s if time < around_s), default=around_s)
    after = min((time for time in seen_s if time > around_s), default=around_s)
    there = film.times_s[(film.times_s > before) & (film.times_s < after)]
    new = there[~np.isin(there.round(3), np.array(seen_s).round(3))]
    if not len(new):
        return []
    chosen = np.linspace(0, len(new) - 1, min(count, len(new))).round().astype(int)
    return [float(time) for time in new[chosen]]
