"""Short-time spectra and back, mel bands, and impulse responses: what the vocoders are built of."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask.modalities.audio import RATE_HZ

Sound = NDArray[np.float64]
"""Sound while it is worked on: float64, (T,), mono, `RATE_HZ` a second, of any level."""

Magnitudes = NDArray[np.float64]
"""float64 (F, B): frames, then bins from 0 Hz to half the rate."""

Spectrum = NDArray[np.complex128]
"""complex128 (F, B), likewise."""

OVERLAP: Final = 4
"""Frames that each sample lies in, where a transform is gone back from."""

TINY: Final = 1e-10


def stft(samples: Sound, size: int, hop: int | None = None) -> Spectrum:
    """Hann-windowed frames, the first around the first sample.

    Args:
        samples: The sound.
        size: Of a frame, in samples; even.
        hop: From frame to frame; a quarter of `size` where None.
    """
    frames = framed(samples, size, hop or size // OVERLAP)
    return np.asarray(np.fft.rfft(frames * hann(size), axis=1), np.complex128)


def istft(spectrum: Spectrum, size: int, length: int) -> Sound:
    """The sound whose frames come nearest to the given ones in the least squares, with a quarter of `size` as hop.

    Source: Griffin and Lim, Signal estimation from modified short-time Fourier transform, 1984.
    """
    hop = size // OVERLAP
    window = hann(size)
    frames = np.fft.irfft(spectrum, size, axis=1) * window
    total = added(frames, hop)
    weight = added(np.broadcast_to(window**2, frames.shape), hop)
    middle = slice(size // 2, size // 2 + length)
    return np.asarray(total[middle] / np.maximum(weight[middle], 1e-3), np.float64)


def framed(samples: Sound, size: int, hop: int) -> NDArray[np.float64]:
    """float64 (F, size): frames around each `hop`-th sample, with silence beyond the ends; enough to cover it all."""
    count = -(-len(samples) // hop) + 1
    padded = np.pad(samples, (size // 2, count * hop + size - len(samples)))
    return np.lib.stride_tricks.sliding_window_view(padded, size)[: count * hop : hop]


def added(frames: NDArray[np.float64], hop: int) -> Sound:
    """Frames laid over each other, `hop` samples apart, and summed; `hop` must divide their length."""
    count, size = frames.shape
    parts = size // hop
    total = np.zeros((count + parts - 1, hop))
    for part in range(parts):
        total[part : part + count] += frames[:, part * hop : (part + 1) * hop]
    return total.ravel()


def hann(size: int) -> NDArray[np.float64]:
    """A periodic Hann window: frames that overlap by half or more sum to a constant."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size), np.float64)


def bins_hz(size: int) -> NDArray[np.float64]:
    """Frequencies of the bins of frames of `size` samples."""
    return np.asarray(np.fft.rfftfreq(size, 1 / RATE_HZ), np.float64)


def mel_bank(bands: int, size: int) -> NDArray[np.float64]:
    """Triangles of equal width on the mel scale from 0 Hz to half the rate, each of sum 1: float64 (bands, B)."""
    hz = bins_hz(size)
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + hz[-1] / 700), bands + 2) / 2595) - 1)
    low, middle, high = (edges[first : first + bands, None] for first in range(3))
    bank = np.maximum(np.minimum((hz - low) / (middle - low), (high - hz) / (high - middle)), 0)
    nearest = np.abs(hz - middle).argmin(axis=1)
    bank[np.arange(bands), nearest] = np.maximum(bank[np.arange(bands), nearest], 1e-3)  # narrower than a bin
    return np.asarray(bank / bank.sum(axis=1, keepdims=True), np.float64)


def from_mel(mel: Magnitudes, bank: NDArray[np.float64], steps: int = 15) -> Magnitudes:
    """Magnitudes that have these mel bands, none below 0, by multiplicative updates.

    Source: Lee and Seung, Algorithms for non-negative matrix factorization, 2000.
    """
    wanted = mel @ bank
    found = wanted / np.maximum(bank.sum(axis=0) ** 2, TINY)
    for _ in range(steps):
        found = found * wanted / np.maximum(found @ bank.T @ bank, TINY)
    return np.asarray(found, np.float64)


def smoothed(values: NDArray[np.float64], width: float, axis: int) -> NDArray[np.float64]:
    """Values blurred along an axis by a Gaussian whose standard deviation is `width` steps; the ends are held."""
    reach = max(1, round(3 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    moved = np.moveaxis(values, axis, -1)
    padded = np.pad(moved, [(0, 0)] * (moved.ndim - 1) + [(reach, reach)], mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=-1)
    return np.asarray(np.moveaxis(views @ (kernel / kernel.sum()), -1, axis), np.float64)


def minimum_phase(magnitudes: Magnitudes) -> Spectrum:
    """The spectra with these magnitudes whose impulse responses begin at once.

    Source: Oppenheim and Schafer, Discrete-time signal processing, on the real cepstrum.
    """
    size = 2 * (magnitudes.shape[1] - 1)
    cepstrum = np.fft.irfft(np.log(np.maximum(magnitudes, TINY)), size, axis=1)
    cepstrum[:, 1 : size // 2] *= 2
    cepstrum[:, size // 2 + 1 :] = 0
    return np.asarray(np.exp(np.fft.rfft(cepstrum, axis=1)), np.complex128)


def filtered(excitation: Sound, responses: Spectrum, hop: int) -> Sound:
    """A sound through a filter that changes from frame to frame.

    Args:
        excitation: The sound.
        responses: Of the filter around each `hop`-th sample; as many as `framed` gives.
        hop: Samples from frame to frame. Twice as many are cross-faded, and twice that and more are left for a response
            to ring: the size of the transform must be a multiple of `hop`, and at least four times as much.

    Returns:
        As long as the excitation.
    """
    size = 2 * (responses.shape[1] - 1)
    pieces = framed(excitation, 2 * hop, hop) * hann(2 * hop)
    made = np.fft.irfft(np.fft.rfft(pieces, size, axis=1) * responses, size, axis=1)
    return added(made, hop)[hop : hop + len(excitation)]
