"""What a voice is before the mouth has shaped it, as simple vocoders think: pulses where it has a pitch, else noise."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask.modalities.audio import RATE_HZ
from unmask.pitch import track
from unmask.speech import STEP_S
from unmask.vocoders.spectra import Sound

_MOST_SPREAD_S: Final = 0.003


def pitch_hz(samples: Sound, hop: int) -> NDArray[np.float64]:
    """The pitch around each `hop`-th sample, 0 where there is none: float64 (F,), as many as `spectra.framed` gives."""
    step = round(STEP_S * RATE_HZ)
    found = track(samples.astype(np.float32), np.ones(len(samples) // step + 1, bool))
    moments = np.arange(-(-len(samples) // hop) + 1) * hop
    if not found.voiced.any():
        return np.zeros(len(moments))
    nearest = np.clip((moments - found.middles[0] + step // 2) // step, 0, len(found.hz) - 1)
    between = np.interp(moments, found.middles[found.voiced], found.hz[found.voiced])
    return np.where(found.voiced[nearest], between, 0.0)


def per_sample(track: NDArray[np.float64], hop: int, length: int) -> NDArray[np.float64]:
    """A track of one value a `hop` drawn out to one a sample: straight lines, but where it has none (0), none."""
    moments = np.arange(length) / hop
    known = track > 0
    nearest = np.minimum(np.round(moments).astype(int), len(track) - 1)
    if not known.any():
        return np.zeros(length)
    line = np.interp(moments, np.flatnonzero(known), track[known])
    return np.where(known[nearest], line, 0.0)


def excitation(pitch_hz: NDArray[np.float64], breath: float, rng: np.random.Generator) -> Sound:
    """Pulses and noise of power 1 throughout.

    Args:
        pitch_hz: Of each sample, 0 where there is none.
        breath: Share of the power of a voice with pitch that is noise.
        rng: Source of all chance: the noise, which way the pulses point, and over how long they are spread.
    """
    noise = rng.standard_normal(len(pitch_hz))
    turns = np.cumsum(pitch_hz) / RATE_HZ
    pulse = np.diff(np.floor(turns), prepend=0.0) > 0
    height = np.sqrt(RATE_HZ / np.maximum(pitch_hz, 1.0)) * rng.choice([-1.0, 1.0])
    pulses = _spread(pulse * height, float(rng.uniform(0, _MOST_SPREAD_S)))
    voiced = np.sqrt(1 - breath) * pulses + np.sqrt(breath) * noise
    return np.where(pitch_hz > 0, voiced, noise)


def _spread(pulses: Sound, spread_s: float) -> Sound:
    """Through an all-pass filter that delays the highest frequency by that long, and the others in proportion.

    A pulse that stands for one moment has a peak far above that of any voice; LPC-10 spreads its own too.
    """
    size = 1 << (len(pulses) + RATE_HZ // 100).bit_length()
    hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    turn = np.exp(-1j * np.pi * spread_s * hz**2 / (RATE_HZ / 2))
    return np.asarray(np.fft.irfft(np.fft.rfft(pulses, size) * turn, size)[: len(pulses)], np.float64)
