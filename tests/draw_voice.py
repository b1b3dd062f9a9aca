"""Drawn voices: pulses of a pitch that a test sets, in words with pauses between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unmask.modalities.audio import RATE_HZ, Sound


def voice(
    seconds: float = 3.0,
    *,
    pitch_hz: float = 120.0,
    jitter: float = 0.0,
    shimmer_db: float = 0.0,
    breath: float = 0.003,
    pause: float | None = None,
    tone_hz: float | None = None,
    seed: int = 0,
) -> Sound:
    """Words of 0.7 s with pauses of 0.3 s.

    Args:
        seconds: Of it all.
        pitch_hz: Of the pulses.
        jitter: Standard deviation of a period's length, as a part of it.
        shimmer_db: Standard deviation of a pulse's loudness.
        breath: Level of the noise, everywhere.
        pause: Level of the noise in the pauses; None for `breath`.
        tone_hz: Of a soft tone that never stops.
        seed: Of all chance.
    """
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE_HZ)
    times = np.arange(count) / RATE_HZ
    wave = np.zeros(count)
    place = 0.0
    shape = _pulse()
    while place < count - len(shape) - 1:
        whole = int(place)
        loud = 10 ** (rng.normal(0, shimmer_db) / 20)
        wave[whole : whole + len(shape)] += loud * np.interp(
            np.arange(len(shape)) - (place - whole), np.arange(len(shape)), shape, left=0.0
        )
        place += RATE_HZ / pitch_hz * (1 + rng.normal(0, jitter))
    spoken = times % 1.0 < 0.7
    noise = np.where(spoken, breath, breath if pause is None else pause) * rng.normal(0, 1, count)
    wave = 0.2 * wave * spoken + noise
    if tone_hz is not None:
        wave += 0.01 * np.sin(2 * np.pi * tone_hz * times)
    return Sound(np.clip(wave, -1, 1).astype(np.float32))


def _pulse() -> NDArray[np.float64]:
    """What one closing of the folds sounds like: two formants that die away."""
    times = np.arange(320) / RATE_HZ
    shape = np.exp(-times * 300) * np.sin(2 * np.pi * 500 * times)
    shape += 0.5 * np.exp(-times * 400) * np.sin(2 * np.pi * 1500 * times)
    return np.asarray(shape + 0.2 * np.exp(-times * 900) * np.sin(2 * np.pi * 3500 * times), np.float64)
