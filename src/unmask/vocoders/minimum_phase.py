"""Pulses and noise through the envelope that mel bands leave, with the least phase that such an envelope can have.

What vocoders did that followed mel cepstra (MLSA filters) before networks drew waveforms. Keeps the bandwidth; pauses
are noise of the original's level.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from unmask.vocoders.excitation import excitation, per_sample, pitch_hz
from unmask.vocoders.spectra import Sound, filtered, from_mel, mel_bank, smoothed, stft
from unmask.vocoders.spectra import minimum_phase as least_phase

_HOP: Final = 128
_SIZE: Final = 1024
_NARROW: Final = 512


def minimum_phase(samples: Sound, rng: np.random.Generator) -> Sound:
    """24 to 80 mel bands each 8 ms, blurred over time in half of the fakes, and 2 to 30 % of noise in voiced sounds."""
    bank = mel_bank(int(rng.integers(24, 81)), _NARROW)
    mel = np.abs(stft(samples, _NARROW, _HOP)) ** 2 @ bank.T
    if rng.random() < 0.5:
        mel = np.exp(smoothed(np.log(mel + 1e-9), float(rng.uniform(0.7, 2.5)), 0))
    envelope = np.sqrt(from_mel(mel, bank))
    pitch = per_sample(pitch_hz(samples, _HOP), _HOP, len(samples))
    source = excitation(pitch, float(rng.uniform(0.02, 0.3)), rng)
    fine = np.linspace(0, envelope.shape[1] - 1, _SIZE // 2 + 1)
    bins = np.arange(envelope.shape[1])
    wide = np.array([np.interp(fine, bins, one) for one in envelope])
    return filtered(source, least_phase(wide + 1e-6), _HOP)
