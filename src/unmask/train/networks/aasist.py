"""AASIST (Jung et al. 2022, arXiv:2110.01200): a network that listens to samples, written from the paper.

A bank of band-pass filters (SincNet, Ravanelli & Bengio 2018, arXiv:1808.00158, fixed and on the mel scale as in
RawNet2 for anti-spoofing, Tak et al. 2021, arXiv:2011.01108) makes a picture of frequency and time; a residual encoder
makes it small; its maxima over time and over frequency become the nodes of two graphs, whose attention layers ask which
bands and which moments belong together, and of which only the telling nodes are kept (`unmask.train.networks.graphs`).

The sizes are those of AASIST-L but for the beginning. There a filter is applied at each sample and its picture is
21,000 columns wide, which is where nearly all the time goes; here filters step by four samples and it is 2,000 wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from unmask.train.networks.features import Features
from unmask.train.networks.graphs import Graphs
from unmask.train.networks.stages import Stages
from unmask.types import RATE_HZ

_FILTERS: Final = 69
_BANDS_POOLED: Final = 3
_LENGTH: Final = 129
_TIME_STEPS: Final = (3, 3, 3, 2, 1, 1)


class Aasist(Stages):
    """Of waveforms (N, 1, 1, T): the encoder's map (N, C, 23, T / 1728), and the readout (N, 5 graph width, 1, 1).

    Args:
        widths: Channels of the six residual blocks.
        graph_widths: Numbers in a node, of the first and of the later attention layers.
        step: Samples from one place of a filter to the next.
        pooled: So many of these places are one column.
        dropout: On the readout, while training.
        masks: How much of the filters' picture is hidden while training (`Features`).
    """

    mean: ClassVar[tuple[float, ...]] = (0.0,)
    std: ClassVar[tuple[float, ...]] = (1.0,)

    def __init__(
        self,
        widths: Sequence[int] = (16, 32, 32, 24, 24, 24),
        graph_widths: tuple[int, int] = (24, 32),
        step: int = 4,
        pooled: int = 8,
        dropout: float = 0.5,
        masks: int = 0,
    ) -> None:
        before = (1, *widths[:-1])
        blocks = [
            _Residual(inside, width, time_step, first=number == 0)
            for number, (inside, width, time_step) in enumerate(zip(before, widths, _TIME_STEPS, strict=True))
        ]
        parts = {
            "filters": _Filters(step, pooled),
            "features": nn.Sequential(Features(1, masks), nn.SELU(inplace=True)),
            "encoder": nn.Sequential(*blocks),
            "graphs": Graphs(widths[-1], _FILTERS // _BANDS_POOLED, *graph_widths, dropout),
        }
        super().__init__(parts, {"encoder": widths[-1], "graphs": 5 * graph_widths[1]})


class _Filters(nn.Module):
    """Band-pass filters, the size of what they give, and its maximum over three bands and some moments."""

    def __init__(self, step: int, pooled: int) -> None:
        super().__init__()
        self.waves: Tensor
        self.register_buffer("waves", torch.from_numpy(_band_passes())[:, None], persistent=False)
        self._step = step
        self._pool = (_BANDS_POOLED, pooled)

    def forward(self, waveform: Tensor) -> Tensor:
        passed = functional.conv1d(waveform[:, 0], self.waves, stride=self._step, padding=_LENGTH // 2)
        return functional.max_pool2d(passed[:, None].abs(), self._pool)


class _Residual(nn.Module):
    """Two convolutions over two bands and three moments beside their input, then the maximum over some moments."""

    def __init__(self, inside: int, out: int, time_step: int, *, first: bool) -> None:
        super().__init__()
        begin: list[nn.Module] = [] if first else [nn.BatchNorm2d(inside), nn.SELU()]
        self.conv = nn.Sequential(
            *begin,
            nn.Conv2d(inside, out, (2, 3), padding=(1, 1), bias=False),
            nn.BatchNorm2d(out),
            nn.SELU(inplace=True),
            nn.Conv2d(out, out, (2, 3), padding=(0, 1)),
        )
        self.beside = nn.Identity() if inside == out else nn.Conv2d(inside, out, (1, 3), padding=(0, 1))
        self.pool = nn.MaxPool2d((1, time_step))

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.pool(self.conv(x) + self.beside(x))
        return added


def _band_passes() -> NDArray[np.float32]:
    """Windowed differences of two sinc functions, (69, 129), from 0 to 8 kHz; edges lie evenly on the mel scale."""
    mels = np.linspace(0, 2595 * np.log10(1 + RATE_HZ / 2 / 700), _FILTERS + 1)
    edges = 2 * 700 * (10 ** (mels / 2595) - 1) / RATE_HZ
    times = np.arange(_LENGTH) - _LENGTH // 2
    below = edges[:, None] * np.sinc(edges[:, None] * times)
    return ((below[1:] - below[:-1]) * np.hamming(_LENGTH)).astype(np.float32)
