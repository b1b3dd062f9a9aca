"""A drawn voice for the tests of vocoders: a buzz through three resonances, a pause and a hiss, over faint noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unmask import sound_codecs
from unmask.modalities.audio import RATE_HZ
from unmask.types import Samples
from unmask.vocoders.spectra import mel_bank, stft

PITCH_HZ = 140.0
PAUSE_S = (0.6, 0.9)
HISS_S = (0.9, 1.1)


def voice(seconds: float = 1.5, seed: int = 0, floor: float = 1e-3, rms: float = 0.08) -> Samples:
    """float32 (T,); the pitch is `PITCH_HZ`, with a wobble of 2 %."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE_HZ)
    moments = np.arange(count) / RATE_HZ
    pitch = PITCH_HZ * (1 + 0.02 * np.sin(2 * np.pi * 3 * moments))
    turns = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    sound = np.zeros(count)
    for number in range(1, int(7000 / PITCH_HZ)):
        hz = number * PITCH_HZ
        height = sum(1 / (1 + ((hz - middle) / 120) ** 2) for middle in (550, 1500, 2600)) + 0.02
        sound += height * np.cos(number * turns)
    sound /= sound.std()
    sound *= (moments < PAUSE_S[0]) | (moments >= HISS_S[1])
    hiss = np.diff(rng.standard_normal(count + 1)) * 0.3
    sound += hiss * ((moments >= HISS_S[0]) & (moments < HISS_S[1]))
    sound *= rms / np.sqrt(np.mean(sound**2))
    return (sound + floor * rng.standard_normal(count)).astype(np.float32)


def draw(path: Path, samples: Samples) -> None:
    """As a FLAC file."""
    path.write_bytes(sound_codecs.encoded(samples, "flac"))


def level_db(samples: Samples, start_s: float, end_s: float) -> float:
    """Of a stretch."""
    part = samples[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)].astype(np.float64)
    return float(10 * np.log10(np.mean(part**2) + 1e-20))


def band_db(samples: Samples, low_hz: float, high_hz: float) -> float:
    """Power of a band."""
    power = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    return float(10 * np.log10(power[(hz >= low_hz) & (hz < high_hz)].sum() / len(samples) ** 2 + 1e-20))


def envelope(samples: Samples) -> NDArray[np.float64]:
    """Loudness of bands over time, what makes words: float64 (F, 24), in nepers."""
    return np.log(np.abs(stft(samples.astype(np.float64), 512)) @ mel_bank(24, 512).T + 1e-3)
