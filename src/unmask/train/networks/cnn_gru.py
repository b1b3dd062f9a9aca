"""A convolutional network that reads bands, and a recurrent one that reads what it says in the order of time.

The shape is that of sound event detection (CRNN, Cakir et al. 2017, arXiv:1702.06286): convolutions pool frequency away
and keep time, a gated recurrent unit (GRU, Cho et al. 2014, arXiv:1406.1078) goes over it forwards and backwards. What
it knows of each moment is a place of the last map, so the head gives a logit for each, and the heat map says when.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from torch import Tensor, nn

from unmask.train.networks.features import Features
from unmask.train.networks.stages import Stages

_STEPS: Final = ((2, 2), (2, 2), (2, 2), (5, 2))
"""By how much each block makes bands and moments fewer; what is left of a second is 6 moments."""


class CnnGru(Stages):
    """Blocks of features (N, C, h, w), each ending in a map, and the moments (N, 2 hidden, 1, w / 16).

    Args:
        channels: Of the features.
        widths: Channels of each block, up to four. Each halves the height, the fourth divides it by five, and what is
            left of it is averaged; each halves the width, so that four leave a moment for each 160 ms.
        hidden: Numbers that the recurrent network keeps in either direction.
        dropout: On what it reads and on what it says, while training.
        masks: How much is hidden while training (`Features`).
        centred: Whether each row's mean over time is taken away (`Features`).
    """

    mean: ClassVar[tuple[float, ...]] = (0.0,)
    std: ClassVar[tuple[float, ...]] = (1.0,)

    def __init__(
        self,
        channels: int = 3,
        widths: Sequence[int] = (16, 32, 64, 64),
        hidden: int = 64,
        dropout: float = 0.3,
        masks: int = 0,
        centred: bool = False,
    ) -> None:
        blocks = {
            f"block_{number}": _block(inside, width, step)
            for number, (inside, width, step) in enumerate(
                zip((channels, *widths[:-1]), widths, _STEPS[: len(widths)], strict=True), start=1
            )
        }
        parts = {
            "features": Features(channels, masks, centred),
            **blocks,
            "moments": _Moments(widths[-1], hidden, dropout),
        }
        super().__init__(parts, {**dict(zip(blocks, widths, strict=True)), "moments": 2 * hidden})


class _Moments(nn.Module):
    def __init__(self, inside: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.cells = nn.GRU(inside, hidden, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        moments = x.mean(dim=2).transpose(1, 2)
        said: Tensor = self.dropout(self.cells(self.dropout(moments))[0])
        return said.transpose(1, 2)[:, :, None]


def _block(inside: int, width: int, step: tuple[int, int]) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(step, ceil_mode=True),
    )
