"""MobileFaceNet (Chen et al. 2018, arXiv:1804.07573): a face, 112 px, to an embedding of 128 numbers.

It is the network of a published graph under Apache-2.0, whose batch norms are folded into its convolutions: so these
have biases, and nothing here has statistics of its own. `scripts/mobilefacenet_weights.py` turns the graph's numbers
into a weights file.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from unmask.train.networks.stages import Stages


class MobileFaceNet(Stages):
    """Maps at 56, 28, 14 and 7 px, and the embedding (N, 128, 1, 1).

    The embedding is not normalised to length 1; faces are compared by its direction. Its last convolution weighs each
    of 7 x 7 places by itself, which is why the network takes one size only, and faces cut alike.
    """

    mean: ClassVar[tuple[float, float, float]] = (0.485, 0.456, 0.406)
    std: ClassVar[tuple[float, float, float]] = (0.229, 0.224, 0.225)
    least_px: ClassVar[int] = 112
    only_px: ClassVar[int | None] = 112

    def __init__(self) -> None:
        parts = {
            "conv1": nn.Sequential(nn.Conv2d(3, 64, 3, stride=2, padding=1), nn.ReLU6()),
            "dw_conv": nn.Sequential(_depthwise(64, stride=1), nn.ReLU(), nn.Conv2d(64, 64, 1), nn.ReLU()),
            "stage_28": _stage(64, 64, wide=128, first_wide=128, repeats=4),
            "stage_14": _stage(64, 128, wide=256, first_wide=256, repeats=6),
            "stage_7": _stage(128, 128, wide=256, first_wide=512, repeats=2),
            "conv2": nn.Sequential(nn.Conv2d(128, 512, 1), nn.ReLU6()),
            "gdconv": nn.Conv2d(512, 512, 7, groups=512),
            "conv3": nn.Conv2d(512, 128, 1),
        }
        super().__init__(parts, {"dw_conv": 64, "stage_28": 64, "stage_14": 128, "conv2": 512, "conv3": 128})


class _Bottleneck(nn.Module):
    """Widen, look at 3 x 3 places channel by channel, narrow (Sandler et al. 2018, arXiv:1801.04381)."""

    def __init__(self, inside: int, out: int, wide: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(inside, wide, 1), nn.ReLU6(), _depthwise(wide, stride), nn.ReLU6(), nn.Conv2d(wide, out, 1)
        )
        self._adds = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        narrow: Tensor = self.conv(x)
        return x + narrow if self._adds else narrow


def _depthwise(width: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(width, width, 3, stride, padding=1, groups=width)


def _stage(inside: int, out: int, *, wide: int, first_wide: int, repeats: int) -> nn.Sequential:
    """Half the side, then the same block again and again."""
    first = _Bottleneck(inside, out, first_wide, stride=2)
    return nn.Sequential(first, *(_Bottleneck(out, out, wide, stride=1) for _ in range(repeats)))
