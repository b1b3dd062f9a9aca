"""What a backbone is shown instead of the pixels: the front part that a recipe names in `sees`.

The traces of generators are weak beside what a picture shows. Each sight here takes away the one and keeps some of the
other. All give three channels in 0 to 255, with about the mean and the spread that photos have, so that a network which
learned from photos is at home: what a sight computes is brought there by two numbers a channel, measured on photos, and
what lies beyond is cut off, as residuals are in steganalysis. All but "learned-residual" are fixed; they are exported
with the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import ClassVar, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from unmask.train.precision import in_full

Triple = tuple[float, float, float]

_MIDDLE: Final = 127.5
_USUAL_SPREAD: Final = 57.5
"""Standard deviation of a colour over the pixels of ImageNet's photos, the mean of the three."""


class Sight(nn.Module):
    """A front part; whoever inherits says what it looks at, and what that comes to on photos.

    Attributes:
        centre: Mean of each channel of `look` over photos: 160 real ones of four sources, 192 px in their middle.
        spread: What to divide by, so that with all that is cut off it has the usual standard deviation on them.
    """

    centre: ClassVar[Triple] = (0.0, 0.0, 0.0)
    spread: ClassVar[Triple]

    def __init__(self) -> None:
        super().__init__()
        self.gain: Tensor
        self.shift: Tensor
        gain = _USUAL_SPREAD / torch.tensor(self.spread)
        self.register_buffer("gain", gain.view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", (_MIDDLE - torch.tensor(self.centre) * gain).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Float (N, 3, S, S) in 0 to 255, to the same, but that `Bands` has half the side."""
        with in_full(pixels):
            return (self.look(pixels.float()) * self.gain + self.shift).clamp(0.0, 255.0)

    def look(self, pixels: Tensor) -> Tensor:
        """What is seen, before it is brought to the usual mean and spread."""
        raise NotImplementedError


class Residual(Sight):
    """Three high-pass filters of the rich models of steganalysis (Fridrich & Kodovsky 2012), over the mean of colours.

    The three are those that face forgery detection took over (Zhou et al. 2018, arXiv:1805.04953): second differences
    in two directions, the 5 x 5 filter of Ker and Boehme, and second differences along rows.
    """

    spread: ClassVar[Triple] = (1.4, 1.5, 2.9)

    _FILTERS: ClassVar[tuple[tuple[int, list[list[int]]], ...]] = (
        (4, [[-1, 2, -1], [2, -4, 2], [-1, 2, -1]]),
        (12, [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]]),
        (2, [[0, 0, 0], [1, -2, 1], [0, 0, 0]]),
    )

    def __init__(self) -> None:
        super().__init__()
        self.filters: Tensor
        filters = torch.zeros(3, 1, 5, 5)
        for one, (unit, weights) in zip(filters, self._FILTERS, strict=True):
            edge = (5 - len(weights)) // 2
            one[0, edge : 5 - edge, edge : 5 - edge] = torch.tensor(weights) / unit
        self.register_buffer("filters", filters, persistent=False)

    def look(self, pixels: Tensor) -> Tensor:
        """Residuals (N, 3, S, S), one a filter."""
        return functional.conv2d(_mirrored(pixels.mean(dim=1, keepdim=True), 2), self.filters)


class LearnedResidual(Sight):
    """Three high-pass filters that learn: each predicts a pixel from its neighbours and subtracts it.

    In each filter the middle is -1 and the rest adds up to 1 (Bayar & Stamm 2016), so that it never learns to see
    content. There the rest is divided by its sum, which may come near 0; here what it lacks is added alike to all.
    """

    spread: ClassVar[Triple] = (5.3, 5.3, 5.3)

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 3, 5, 5) / 25)

    @property
    def filters(self) -> Tensor:
        """The filters (3, 3, 5, 5) as they are applied: outputs, colours, rows, columns."""
        around = torch.ones(5, 5, device=self.weight.device)
        around[2, 2] = 0.0
        free = self.weight * around
        missing = 1.0 - free.sum(dim=(2, 3), keepdim=True)
        return free + missing / 24 * around - (1.0 - around)

    def look(self, pixels: Tensor) -> Tensor:
        """Residuals (N, 3, S, S), each the mean over the colours."""
        return functional.conv2d(_mirrored(pixels, 2), self.filters / 3)


class Neighbours(Sight):
    """How each pixel differs from the first of its group of 2 x 2 (Tan et al. 2024, arXiv:2312.10461).

    That is the picture minus itself, made half as large and large again without interpolation: layers that make
    pictures larger leave ties between just these neighbours. Making it twice as large by repeating pixels is the one
    change of size in any graph; it leaves nothing to how a runtime interpolates.
    """

    spread: ClassVar[Triple] = (4.6, 4.6, 4.6)

    def look(self, pixels: Tensor) -> Tensor:
        """Differences (N, 3, S, S); a quarter of them is 0."""
        first = pixels[:, :, ::2, ::2]
        return pixels - functional.interpolate(first, size=pixels.shape[-2:], mode="nearest")


class Spectrum(Sight):
    """Logarithm of the magnitude of each colour's Fourier transform, frequency 0 in the middle.

    Layers that make pictures larger leave peaks in it (Zhang et al. 2019, arXiv:1907.06515; Durall et al. 2020,
    arXiv:2003.01826). Its places are frequencies, and so are those of the heat map. The transform is four products
    with constant matrices, which any runtime knows.
    """

    centre: ClassVar[Triple] = (1.36, 1.36, 1.36)
    spread: ClassVar[Triple] = (1.05, 1.05, 1.05)

    def look(self, pixels: Tensor) -> Tensor:
        """Log magnitudes (N, 3, S, S)."""
        size_px = _side(pixels)
        even, odd = (torch.from_numpy(one).to(pixels.device) for one in (cosines(size_px), sines(size_px)))
        away = pixels - _MIDDLE
        along, across = even @ away, odd @ away
        real = along @ even.T - across @ odd.T
        imaginary = along @ odd.T + across @ even.T
        return _log_magnitude(real.square() + imaginary.square())


class Dct(Sight):
    """Logarithm of the magnitude of each colour's cosine transform, over the whole picture.

    So did Frank et al. (2020, arXiv:2003.08685) show pictures to networks. Frequency 0 is the upper left corner; its
    places are frequencies, and so are those of the heat map.
    """

    centre: ClassVar[Triple] = (1.13, 1.13, 1.13)
    spread: ClassVar[Triple] = (1.0, 1.0, 1.0)

    def look(self, pixels: Tensor) -> Tensor:
        """Log magnitudes (N, 3, S, S)."""
        basis = torch.from_numpy(dct_basis(_side(pixels))).to(pixels.device)
        return _log_magnitude((basis @ (pixels - _MIDDLE) @ basis.T).square())


class Bands(Sight):
    """How strong low, middle and high frequencies are around each place: after Qian et al. 2020, arXiv:2007.09355.

    A cosine transform of 8 x 8 pixels slides over the picture in steps of two; what is seen is the logarithm of the
    root mean square of its numbers in three bands. Unlike a spectrum it keeps places.
    """

    centre: ClassVar[Triple] = (2.98, 1.47, 0.7)
    spread: ClassVar[Triple] = (1.08, 0.87, 0.6)

    _BLOCK: ClassVar[int] = 8
    _ENDS: ClassVar[tuple[int, ...]] = (1, 3, 6, 8)
    """Where each band begins and the last ends, by the larger of row and column: so fine stripes of any direction are
    high. 0 is the mean, which no band has."""

    def __init__(self) -> None:
        super().__init__()
        self.waves: Tensor
        self.shares: Tensor
        basis = torch.from_numpy(dct_basis(self._BLOCK))
        waves = basis[:, None, :, None] * basis[None, :, None, :]
        order = torch.arange(self._BLOCK)
        order = torch.maximum(order[:, None], order[None, :]).flatten()
        members = [(order >= start) & (order < end) for start, end in zip(self._ENDS[:-1], self._ENDS[1:], strict=True)]
        shares = torch.stack([one.float() / one.sum() for one in members])
        self.register_buffer("waves", waves.reshape(-1, 1, self._BLOCK, self._BLOCK), persistent=False)
        self.register_buffer("shares", shares[:, :, None, None], persistent=False)

    def look(self, pixels: Tensor) -> Tensor:
        """Log magnitudes (N, 3, S / 2, S / 2), low to high."""
        grey = pixels.mean(dim=1, keepdim=True) - _MIDDLE
        waves = functional.conv2d(_mirrored(grey, self._BLOCK // 2 - 1), self.waves, stride=2)
        return _log_magnitude(functional.conv2d(waves.square(), self.shares))


class YCbCr(Sight):
    """Brightness and two differences of colour, as JPEG has them (ITU-T T.871).

    Generators care for colour as the screen shows it, and their differences of colour are distributed unlike those of
    cameras (Li et al. 2018, arXiv:1808.07276).
    """

    centre: ClassVar[Triple] = (109.1, -10.9, 14.3)
    spread: ClassVar[Triple] = (62.7, 11.6, 14.1)

    _WEIGHTS: ClassVar[tuple[Triple, Triple, Triple]] = (
        (0.299, 0.587, 0.114),
        (-0.168736, -0.331264, 0.5),
        (0.5, -0.418688, -0.081312),
    )

    def __init__(self) -> None:
        super().__init__()
        self.weights: Tensor
        self.register_buffer("weights", torch.tensor(self._WEIGHTS)[:, :, None, None], persistent=False)

    def look(self, pixels: Tensor) -> Tensor:
        """Brightness, blue and red differences (N, 3, S, S); the last two around 0."""
        return functional.conv2d(pixels, self.weights)


SIGHTS: Final[Mapping[str, Callable[[], nn.Module]]] = {
    "pixels": nn.Identity,
    "residual": Residual,
    "learned-residual": LearnedResidual,
    "neighbours": Neighbours,
    "spectrum": Spectrum,
    "dct": Dct,
    "bands": Bands,
    "ycbcr": YCbCr,
}
"""The name that a recipe writes, to what builds it."""


@lru_cache
def cosines(size_px: int) -> NDArray[np.float32]:
    """The real part of the unitary Fourier matrix (S, S), frequency 0 in row S // 2."""
    found: NDArray[np.float32] = (np.cos(_angles(size_px)) / np.sqrt(size_px)).astype(np.float32)
    return found


@lru_cache
def sines(size_px: int) -> NDArray[np.float32]:
    """Its imaginary part, with the sign turned."""
    found: NDArray[np.float32] = (np.sin(_angles(size_px)) / np.sqrt(size_px)).astype(np.float32)
    return found


@lru_cache
def dct_basis(size_px: int) -> NDArray[np.float32]:
    """The matrix (S, S) of the orthonormal cosine transform of type II; a row is a frequency."""
    places = np.arange(size_px, dtype=np.float64)
    waves: NDArray[np.float64] = np.cos(np.pi * (places + 0.5) * places[:, None] / size_px) * np.sqrt(2 / size_px)
    waves[0] = np.sqrt(1 / size_px)
    return waves.astype(np.float32)


def _angles(size_px: int) -> NDArray[np.float64]:
    places = np.arange(size_px)
    # Whole turns are taken away while the numbers are whole, so that nothing is lost.
    steps = (places[:, None] - size_px // 2) * places % size_px
    return steps.astype(np.float64) * np.float64(2 * np.pi / size_px)


def _log_magnitude(power: Tensor) -> Tensor:
    """Half the logarithm of 1 + power: smooth at 0, where a logarithm has no gradient and rounding would count."""
    return torch.log1p(power) / 2


def _mirrored(pixels: Tensor, edge_px: int) -> Tensor:
    """More picture around the picture; a black frame would be the strongest trace of all."""
    return functional.pad(pixels, (edge_px, edge_px, edge_px, edge_px), mode="reflect")


def _side(pixels: Tensor) -> int:
    return int(pixels.shape[-1])
