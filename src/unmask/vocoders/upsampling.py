"""Traces of transposed convolutions, by which networks grow a waveform from frames: a checkerboard in time.

Each output sample of such a layer meets other weights than its neighbour, in a pattern that repeats with the stride. So
a faint copy of the sound is filtered differently at each place of the pattern, for several strides, and added: mirror
images of the spectrum around multiples of the rate divided by the stride. The magnitudes have phases of their own, as
in `phases`, for such a network draws those too. Keeps the bandwidth and the pauses.

Source: Pons, Pascual, Cengarle and Serrà, Upsampling artifacts in neural audio synthesis, 2021.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from unmask.vocoders.phases import phase_noise
from unmask.vocoders.spectra import Sound

_STRIDES: Final = (2, 4, 8, 16, 64)


def upsampled(samples: Sound, rng: np.random.Generator) -> Sound:
    """Two or three strides of 2 to 64 samples, each image 15 to 35 dB below the sound."""
    made = phase_noise(samples, rng)
    for stride in rng.choice(_STRIDES, int(rng.integers(2, 4)), replace=False):
        made = made + _image(made, int(stride), float(rng.uniform(-35, -15)), rng)
    return made


def _image(samples: Sound, stride: int, level_db: float, rng: np.random.Generator) -> Sound:
    """The sound through taps that depend on the place in the pattern."""
    taps = rng.standard_normal((stride, 4))
    taps -= taps.mean(axis=0)  # the mean over the pattern is an ordinary filter, and no trace
    places = np.arange(len(samples)) % stride
    image = np.zeros(len(samples))
    for delay in range(taps.shape[1]):
        image[delay:] += taps[places, delay][delay:] * samples[: len(samples) - delay]
    power = max(float(np.mean(image**2)), 1e-20)
    wanted = float(np.mean(samples**2)) * 10 ** (level_db / 10)
    return np.asarray(image * np.sqrt(wanted / power), np.float64)
