"""What a backbone is given of a voice: the front part that a recipe of sounds names in `hears`.

All take float32 (N, T) at 16 kHz and first divide by the loudness, so that the gain of a recording says nothing. All
are constant convolutions and products, which any runtime knows, and are exported with the graph. Those that show
frequencies have a column for each 10 ms, T / 160 of them over the whole passage alike, and the lowest frequency in row
0. What they compute is brought to a usual mean and spread by constants, measured on the voices to learn from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from unmask.train.precision import in_full
from unmask.types import RATE_HZ

HOP: Final = 160
"""Samples from one column to the next."""
BINS: Final = 256
"""Frequencies of a spectrum: 31.25 Hz, 62.5 Hz and so on to 8 kHz, which are those of a transform of 512 samples."""

_LEAST_RMS: Final = 1e-5  # a third of the smallest step of 16 bit, so that digital silence stays silent
_LEAST_POWER: Final = 1e-7  # 70 dB below white noise as loud as the voice: lower is the recorder, not the voice
_USUAL_MEAN: Final = 127.5  # of photos, as in `unmask.train.sights`
_STEPS: Final = 16  # in which a triangle is summed up within one frequency


class Hearing(nn.Module):
    """A front part; whoever inherits says what of the voice is given.

    Attributes:
        unit: What the `mean` and `std` of a backbone are multiplied by to be in the same units: 255 where it is shown
            something like a photo.
    """

    unit: ClassVar[float] = 1.0

    def forward(self, samples: Tensor) -> Tensor:
        """Samples (N, T) to features (N, C, h, w); float32, whatever the precision around it."""
        with in_full(samples):
            return self.listen(_levelled(samples.float()))

    def listen(self, samples: Tensor) -> Tensor:
        """What is given of samples (N, T) with mean 0 and root mean square 1."""
        raise NotImplementedError


class Waveform(Hearing):
    """The samples themselves: (N, 1, 1, T)."""

    def listen(self, samples: Tensor) -> Tensor:
        """Another shape, no more."""
        return samples[:, None, None, :]


class Lfcc(Hearing):
    """Cepstra of bands of equal width, and their first and second differences in time: (N, 3, 20, T / 160).

    Windows of 20 ms, 20 triangular bands from 0 to 8 kHz, logarithm, cosine transform: the features of the baselines of
    ASVspoof (Sahidullah et al. 2015; Wang & Yamagishi 2021, arXiv:2103.11326). Unlike mel bands they are as fine at
    8 kHz as at 100 Hz, and vocoders fail in the high ones. Their pre-emphasis is left out: after the logarithm it only
    adds a constant to each coefficient, which is taken away here.
    """

    bands: ClassVar[int] = 20
    triangles: Tensor
    cosines: Tensor
    middles: Tensor
    units: Tensor

    # fmt: off
    _MIDDLES: ClassVar[tuple[float, ...]] = (
        -33.3, 10.2, 1.0, 2.4, 1.8, 1.6, 1.2, 1.1, 0.6, 0.8, 0.3, 0.6, 0.2, 0.1, -0.1, 0.0, 0.0, 0.0, 0.0, 0.0,
    )
    _SPREADS: ClassVar[tuple[tuple[float, ...], ...]] = (
        (15.3, 8.3, 4.2, 2.8, 2.5, 2.2, 2.0, 1.8, 1.4, 1.2, 1.2, 1.0, 0.9, 0.9, 0.9, 0.7, 0.6, 0.6, 0.5, 0.5),
        (7.3, 3.7, 2.2, 1.7, 1.5, 1.3, 1.2, 1.1, 1.0, 0.9, 0.9, 0.8, 0.7, 0.7, 0.7, 0.6, 0.6, 0.5, 0.5, 0.5),
        (9.6, 4.5, 3.1, 2.4, 2.2, 2.0, 1.8, 1.7, 1.5, 1.4, 1.3, 1.2, 1.2, 1.1, 1.0, 1.0, 0.9, 0.8, 0.8, 0.8),
    )
    # fmt: on

    def __init__(self) -> None:
        super().__init__()
        self.powers = Powers((320,))
        edges_hz = np.linspace(0, RATE_HZ / 2, self.bands + 2)
        _constant(self, "triangles", triangles(edges_hz))
        _constant(self, "cosines", _dct(self.bands))
        _constant(self, "middles", np.array(self._MIDDLES)[:, None])
        _constant(self, "units", 1 / np.array(self._SPREADS)[:, :, None])

    def listen(self, samples: Tensor) -> Tensor:
        """The coefficients, and how they change."""
        bands = torch.log(_summed(self.powers(samples), self.triangles) + _LEAST_POWER)
        still = _summed(bands, self.cosines)[:, 0] - self.middles
        first = _change(still)
        return torch.stack([still, first, _change(first)], dim=1) * self.units


class LogMel(Hearing):
    """Logarithm of the power in 80 mel bands, by windows of 16, 32 and 64 ms as channels: (N, 3, 80, T / 160).

    A short window says when, a long one at which frequency, and what a vocoder leaves may be a click or a line.
    """

    bands: ClassVar[int] = 80
    windows: ClassVar[tuple[int, ...]] = (256, 512, 1024)
    triangles: Tensor
    middles: Tensor
    units: Tensor

    _MIDDLES: ClassVar[tuple[float, ...]] = (-6.1, -6.1, -6.0)
    _SPREADS: ClassVar[tuple[float, ...]] = (5.2, 5.0, 4.8)

    def __init__(self) -> None:
        super().__init__()
        self.powers = Powers(self.windows)
        edges_hz = _hz(np.linspace(0, _mel(RATE_HZ / 2), self.bands + 2))
        _constant(self, "triangles", triangles(edges_hz))
        _constant(self, "middles", np.array(self._MIDDLES)[:, None, None])
        _constant(self, "units", 1 / np.array(self._SPREADS)[:, None, None])

    def listen(self, samples: Tensor) -> Tensor:
        """The log mel spectra."""
        bands = torch.log(_summed(self.powers(samples), self.triangles) + _LEAST_POWER)
        return (bands - self.middles) * self.units


class Spectrogram(Hearing):
    """Logarithm of the power at 256 frequencies, by windows of 16, 32 and 64 ms as channels: (N, 3, 256, T / 160).

    It has about the mean and somewhat more than the spread of photos in 0 to 255, so that a network which learned from
    photos is at home; on sources left out, more contrast served better than theirs. Below 90 Hz it is blank: there
    microphones rumble and vocoders do not, which tells the one from the other only until somebody filters it.
    """

    unit: ClassVar[float] = 255.0
    windows: ClassVar[tuple[int, ...]] = (256, 512, 1024)
    middles: Tensor
    units: Tensor

    _BLANK: ClassVar[int] = 3  # rows
    _CONTRAST: ClassVar[float] = 19.2
    """Levels of 255 for a factor of e in power."""

    def __init__(self) -> None:
        super().__init__()
        self.powers = Powers(self.windows)

    def listen(self, samples: Tensor) -> Tensor:
        """The log spectra, each channel of mean 127.5."""
        logs = torch.log(self.powers(samples)[:, :, self._BLANK :] + _LEAST_POWER)
        away = (logs - logs.mean(dim=(2, 3), keepdim=True)) * self._CONTRAST
        return functional.pad(away, (0, 0, self._BLANK, 0)) + _USUAL_MEAN


class Powers(nn.Module):
    """Power spectra by windows of several lengths, at the same moments and frequencies; white noise of RMS 1 gives 1.

    The passage is mirrored at its ends, so that there is a column for every hop and its middle is that of the windows.

    Args:
        windows: Their lengths in samples, even. They are raised cosines (Hann).
    """

    def __init__(self, windows: tuple[int, ...]) -> None:
        super().__init__()
        self.windows = windows
        for window in windows:
            _constant(self, f"waves_{window}", _waves(window)[:, None])

    def forward(self, samples: Tensor) -> Tensor:
        """Samples (N, T) to powers (N, windows, 256, T / 160)."""
        return torch.stack([self._power(samples, window) for window in self.windows], dim=1)

    def _power(self, samples: Tensor, window: int) -> Tensor:
        edge = (window - HOP) // 2
        mirrored = functional.pad(samples[:, None], (edge, edge), mode="reflect")
        even, odd = functional.conv1d(mirrored, getattr(self, f"waves_{window}"), stride=HOP).chunk(2, dim=1)
        return even.square() + odd.square()


HEARINGS: Final[Mapping[str, Callable[[], Hearing]]] = {
    "waveform": Waveform,
    "lfcc": Lfcc,
    "log-mel": LogMel,
    "spectrogram": Spectrogram,
}
"""The name that a recipe writes, to what builds it."""


def triangles(edges_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Triangular bands (M, 256) over the frequencies of `Powers`, each adding up to 1.

    Each frequency stands for all within half a step of it, so that bands narrower than a step are not empty.

    Args:
        edges_hz: Where they begin, peak and end: M + 2 of them; a band goes from the peak before its own to the next.
    """
    step_hz = RATE_HZ / 2 / BINS
    fine_hz = (np.arange(1, BINS + 1)[:, None] + (np.arange(_STEPS) + 0.5) / _STEPS - 0.5) * step_hz
    low, peak, high = (edges_hz[start : len(edges_hz) - 2 + start, None, None] for start in range(3))
    heights = np.clip(np.minimum((fine_hz - low) / (peak - low), (high - fine_hz) / (high - peak)), 0, None)
    shares: NDArray[np.float64] = heights.mean(axis=2)
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _levelled(samples: Tensor) -> Tensor:
    away = samples - samples.mean(dim=1, keepdim=True)
    # Not a sum under the root: onnxruntime would take it for a layer norm of its own, which makes NaN of silence.
    return away / torch.sqrt(away.square().mean(dim=1, keepdim=True).clamp(min=_LEAST_RMS**2))


def _summed(rows: Tensor, weights: Tensor) -> Tensor:
    """Products with a matrix (M, B) along the third axis of (N, C, B, frames); faster so than with `@`."""
    summed = functional.conv1d(rows.flatten(0, 1), weights[:, :, None])
    return summed.reshape(-1, rows.shape[1], *summed.shape[1:])


def _change(rows: Tensor) -> Tensor:
    """From the moment before to the one after; the first and the last have themselves for neighbours."""
    return torch.cat([rows[..., 1:], rows[..., -1:]], dim=-1) - torch.cat([rows[..., :1], rows[..., :-1]], dim=-1)


def _waves(window: int) -> NDArray[np.float64]:
    """Cosines, then sines, of all frequencies under one window: (2 x 256, window)."""
    times = np.arange(window)
    shape = np.sin(np.pi * (times + 0.5) / window) ** 2
    angles = np.pi / BINS * (np.arange(1, BINS + 1)[:, None] * times % (2 * BINS))
    shape /= np.sqrt(np.square(shape).sum())
    waves: NDArray[np.float64] = np.concatenate([np.cos(angles), np.sin(angles)]) * shape
    return waves


def _dct(size: int) -> NDArray[np.float64]:
    """The orthonormal cosine transform of type II (size, size); a row is a coefficient."""
    places = np.arange(size)
    rows: NDArray[np.float64] = np.cos(np.pi * (places + 0.5) * places[:, None] / size) * np.sqrt(2 / size)
    rows[0] /= np.sqrt(2)
    return rows


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))


def _hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(700 * (10 ** (mels / 2595) - 1))


def _constant(module: nn.Module, name: str, values: NDArray[np.float64]) -> None:
    """Moves with the module, and is no part of its weights."""
    module.register_buffer(name, torch.from_numpy(values.astype(np.float32)), persistent=False)
