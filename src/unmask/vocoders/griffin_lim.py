"""Phases found again from magnitudes alone: what early neural text to speech (Tacotron) ended in.

Keeps the bandwidth and the pauses of the original; leaves echoes before and after sounds, and phases that no throat
makes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from unmask.vocoders.spectra import Magnitudes, Sound, Spectrum, from_mel, istft, mel_bank, smoothed, stft

SIZES: Final = (512, 640, 800, 1024)
_MOMENTUM: Final = 0.99
_SMOOTH: Final = 0.4
"""Share of the fakes from mel bands whose bands are blurred over time, as those that a network predicts are."""


def griffin_lim(samples: Sound, rng: np.random.Generator) -> Sound:
    """From the magnitudes of frames of 32 to 64 ms, with 8 to 48 steps."""
    size = int(rng.choice(SIZES))
    return phased(np.abs(stft(samples, size)), size, len(samples), int(rng.integers(8, 49)), rng)


def griffin_lim_mel(samples: Sound, rng: np.random.Generator) -> Sound:
    """From 40 to 128 mel bands, in some fakes blurred over 1 to 2 frames, with 8 to 48 steps."""
    size = int(rng.choice(SIZES))
    bank = mel_bank(int(rng.integers(40, 129)), size)
    mel = np.abs(stft(samples, size)) @ bank.T
    if rng.random() < _SMOOTH:
        mel = np.exp(smoothed(np.log(mel + 1e-6), float(rng.uniform(0.5, 1.5)), 0))
    return phased(from_mel(mel, bank), size, len(samples), int(rng.integers(8, 49)), rng)


def phased(magnitudes: Magnitudes, size: int, length: int, steps: int, rng: np.random.Generator) -> Sound:
    """A sound with these magnitudes, from random phases on.

    Source: Perraudin, Balazs and Søndergaard, A fast Griffin-Lim algorithm, 2013.
    """
    unit: Spectrum = np.exp(2j * np.pi * rng.random(magnitudes.shape))
    before = np.zeros_like(unit)
    for _ in range(steps):
        now = stft(istft(magnitudes * unit, size, length), size)
        ahead = now + _MOMENTUM * (now - before)
        before = now
        unit = ahead / np.maximum(np.abs(ahead), 1e-12)
    return istft(magnitudes * unit, size, length)
