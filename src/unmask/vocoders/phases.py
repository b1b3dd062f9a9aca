"""The original's magnitudes with phases that are not its own any more: what networks get wrong that predict spectra.

Keeps the bandwidth and the pauses.
"""

from __future__ import annotations

import numpy as np

from unmask.modalities.audio import RATE_HZ
from unmask.vocoders.griffin_lim import SIZES
from unmask.vocoders.spectra import Sound, bins_hz, istft, stft


def phase_noise(samples: Sound, rng: np.random.Generator) -> Sound:
    """Phases blurred, the more the higher the frequency, or rounded to 2 to 4 values; then 0 to 4 steps of repair."""
    size = int(rng.choice(SIZES))
    spectrum = stft(samples, size)
    magnitudes, phases = np.abs(spectrum), np.angle(spectrum)
    if rng.random() < 0.7:
        low, high = rng.uniform(0.7, 1.5), rng.uniform(1.5, 3.0)
        spread = low + (high - low) * bins_hz(size) / (RATE_HZ / 2)
        phases = phases + spread * rng.standard_normal(phases.shape)
    else:
        step = 2 * np.pi / int(rng.integers(2, 5))
        phases = np.round(phases / step) * step
    made = istft(magnitudes * np.exp(1j * phases), size, len(samples))
    for _ in range(int(rng.integers(0, 5))):
        made = istft(magnitudes * np.exp(1j * np.angle(stft(made, size))), size, len(samples))
    return made
