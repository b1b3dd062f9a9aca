"""Linear prediction: a tube with resonances, and pulses or noise blown into it.

`lpc` is the vocoder, at the orders that keep a voice natural. `lpc_coded` is a parametric codec after the manner of
LPC-10 (FS-1015): few and coarse numbers, no waveform. Its band is that of the original, where LPC-10 itself stops at
4 kHz, so that the band does not give it away.

Which codecs make fakes: those from whose bits a voice is synthesised anew (LPC-10, MELP, Codec 2, LPCNet and other
neural codecs), so that nothing of the waveform is left. Which do not: those that follow the waveform, however coarsely
(G.711, AMR, G.723.1, Opus, AAC, MP3), also by analysis through synthesis. Telephones use them, and a real voice on a
telephone is real: they are changes that real and fake voices go through alike (`unmask.sound_changes`).

Source: Atal and Hanauer, Speech analysis and synthesis by linear prediction of the speech wave, 1971; Tremain, The
government standard linear predictive coding algorithm: LPC-10, 1982.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask.vocoders.excitation import excitation, per_sample, pitch_hz
from unmask.vocoders.spectra import Sound, Spectrum, filtered, framed, hann

_LENGTH: Final = 512
_LOUDNESS_STEP: Final = 0.35
_PITCH_STEP: Final = 0.05
"""Natural logarithms: 3 dB, and 60 pitches between 50 and 400 Hz as LPC-10 has."""


def lpc(samples: Sound, rng: np.random.Generator) -> Sound:
    """Order 14 to 28, new numbers each 8 ms, and 2 to 30 % of noise where the voice has a pitch."""
    hop, order = 128, int(rng.integers(14, 29))
    reflection, level = _analysed(samples, order, hop)
    pitch = per_sample(pitch_hz(samples, hop), hop, len(samples))
    source = excitation(pitch, float(rng.uniform(0.02, 0.3)), rng)
    return filtered(source, _responses(reflection, level, 16 * hop), hop)


def lpc_coded(samples: Sound, rng: np.random.Generator) -> Sound:
    """Order 10 to 16, new numbers each 16 to 22.5 ms, and each of them one of few: 3 to 5 bits for a reflection."""
    hop, order, bits = int(rng.choice([256, 320, 360])), int(rng.integers(10, 17)), int(rng.integers(3, 6))
    reflection, level = _analysed(samples, order, hop)
    angle = np.pi / 2**bits
    reflection = np.sin(_stepped(np.arcsin(reflection), angle) * (1 - 2**-bits))  # never 1: the tube would ring on
    level = np.exp(_stepped(np.log(level + 1e-8), _LOUDNESS_STEP))
    track = pitch_hz(samples, hop)
    track = np.where(track > 0, np.exp(_stepped(np.log(np.maximum(track, 1.0)), _PITCH_STEP)), 0.0)
    source = excitation(per_sample(track, hop, len(samples)), float(rng.uniform(0.0, 0.1)), rng)
    return filtered(source, _responses(reflection, level, 8 * hop), hop)


def _stepped(values: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    return np.asarray(np.round(values / step) * step, np.float64)


def _analysed(samples: Sound, order: int, hop: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Reflections, float64 (F, order), and the level of what blows, float64 (F,), by Levinson and Durbin."""
    window = hann(_LENGTH)
    power = np.abs(np.fft.rfft(framed(samples, _LENGTH, hop) * window, 2 * _LENGTH, axis=1)) ** 2
    likeness = np.fft.irfft(power, axis=1)[:, : order + 1] / (window**2).sum()
    likeness *= np.exp(-0.5 * (2 * np.pi * 20 / 16_000 * np.arange(order + 1)) ** 2)  # no resonance under 20 Hz wide
    error = likeness[:, 0] * (1 + 1e-7) + 1e-12
    tube = np.zeros((len(likeness), order + 1))
    tube[:, 0] = 1
    reflection = np.zeros((len(likeness), order))
    for now in range(1, order + 1):
        ahead = (tube[:, :now] * likeness[:, now:0:-1]).sum(axis=1)
        reflection[:, now - 1] = np.clip(-ahead / error, -0.9999, 0.9999)
        tube = _longer(tube, reflection[:, now - 1], now)
        error = error * (1 - reflection[:, now - 1] ** 2)
    return reflection, np.sqrt(np.maximum(error, 0))


def _responses(reflection: NDArray[np.float64], level: NDArray[np.float64], size: int) -> Spectrum:
    tube = np.zeros((len(reflection), reflection.shape[1] + 1))
    tube[:, 0] = 1
    for now in range(1, tube.shape[1]):
        tube = _longer(tube, reflection[:, now - 1], now)
    return np.asarray(level[:, None] / np.fft.rfft(tube, size, axis=1), np.complex128)


def _longer(tube: NDArray[np.float64], reflection: NDArray[np.float64], now: int) -> NDArray[np.float64]:
    """The prediction by `now` samples from that by one less."""
    longer = tube.copy()
    longer[:, 1 : now + 1] += reflection[:, None] * tube[:, now - 1 :: -1][:, :now]
    return longer
