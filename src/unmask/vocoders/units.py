"""Speech from a few units: each moment is one of some dozen sounds, as in models of discrete units.

What resynthesis from clusters of self-supervised features, and vector-quantised autoencoders, leave: sounds that repeat
exactly, with the passages between them blurred. Keeps the bandwidth and roughly the pauses.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask.vocoders.griffin_lim import phased
from unmask.vocoders.spectra import Sound, from_mel, mel_bank, smoothed, stft

_SIZE: Final = 800
_ROUNDS: Final = 6


def units(samples: Sound, rng: np.random.Generator) -> Sound:
    """80 mel bands, each frame of them one of 48 to 192 shapes that are found in the recording; the level stays."""
    bank = mel_bank(80, _SIZE)
    mel = np.log(np.abs(stft(samples, _SIZE)) @ bank.T + 1e-5)
    level = mel.mean(axis=1, keepdims=True)
    shapes = _clustered(mel - level, int(rng.integers(48, 193)), rng)
    blurred = smoothed(shapes + level, float(rng.uniform(0.4, 1.2)), 0)
    magnitudes = from_mel(np.exp(blurred), bank)
    return phased(magnitudes, _SIZE, len(samples), int(rng.integers(16, 49)), rng)


def _clustered(frames: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Each frame replaced by the middle of its cluster."""
    middles = frames[rng.choice(len(frames), min(count, max(2, len(frames) // 2)), replace=False)]
    for step in range(_ROUNDS):
        apart = (middles**2).sum(axis=1) - 2 * frames @ middles.T
        nearest = apart.argmin(axis=1)
        if step < _ROUNDS - 1:
            sizes = np.bincount(nearest, minlength=len(middles))
            sums = np.zeros_like(middles)
            np.add.at(sums, nearest, frames)
            middles = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], middles)
    return np.asarray(middles[nearest], np.float64)
