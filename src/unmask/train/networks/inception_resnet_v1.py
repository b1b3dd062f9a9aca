"""FaceNet's network: Inception-ResNet-v1 with an embedding of 512 numbers.

Inception-ResNet-v1 is of Szegedy et al. 2016 (arXiv:1602.07261, figures 10 to 15), FaceNet of Schroff et al. 2015
(arXiv:1503.03832). What the paper leaves open is as in the published weights: the residuals are scaled by 0.17, 0.10
and 0.20, the last block adds its residual unscaled and without ReLU, and the embedding is a linear layer without bias
and a batch norm. The keys are those of the weights that facenet-pytorch publishes (trained on VGGFace2 or
CASIA-WebFace), whose classifier `logits` is ignored. They come as a PyTorch file; this makes one for recipes of it,
without running anything in it:

    state = torch.load("20180402-114759-vggface2.pt", weights_only=True)
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, "facenet.vggface2.safetensors")
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from unmask.train.networks.stages import Stages

_EPS = 1e-3  # of batch norm, as the published weights were trained


class InceptionResnetV1(Stages):
    """Maps after conv2d_2b, conv2d_4a, repeat_1, repeat_2 and block8, and the embedding (N, 512, 1, 1).

    The embedding is not normalised to length 1; faces are compared by its direction.

    Args:
        repeats: How often the block comes at each of three resolutions; the published weights fit only the default.
    """

    mean: ClassVar[tuple[float, float, float]] = (127.5 / 255,) * 3
    std: ClassVar[tuple[float, float, float]] = (128 / 255,) * 3
    least_px: ClassVar[int] = 75  # where the last reduction still has three places to look at

    def __init__(self, repeats: tuple[int, int, int] = (5, 10, 5)) -> None:
        parts = {
            "conv2d_1a": _Conv(3, 32, 3, stride=2),
            "conv2d_2a": _Conv(32, 32, 3),
            "conv2d_2b": _Conv(32, 64, 3, padding=1),
            "maxpool_3a": nn.MaxPool2d(3, stride=2),
            "conv2d_3b": _Conv(64, 80, 1),
            "conv2d_4a": _Conv(80, 192, 3),
            "conv2d_4b": _Conv(192, 256, 3, stride=2),
            "repeat_1": nn.Sequential(*(_block35() for _ in range(repeats[0]))),
            "mixed_6a": _mixed_6a(),
            "repeat_2": nn.Sequential(*(_block17() for _ in range(repeats[1]))),
            "mixed_7a": _mixed_7a(),
            "repeat_3": nn.Sequential(*(_block8(scale=0.2) for _ in range(repeats[2]))),
            "block8": _block8(scale=1.0, last=True),
            "avgpool_1a": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            "last_linear": nn.Linear(1792, 512, bias=False),
            "last_bn": nn.BatchNorm1d(512, eps=_EPS),
            "as_map": nn.Unflatten(1, (512, 1, 1)),
        }
        maps = {"conv2d_2b": 64, "conv2d_4a": 192, "repeat_1": 256, "repeat_2": 896, "block8": 1792, "as_map": 512}
        super().__init__(parts, maps)


class _Conv(nn.Module):
    """Convolution, batch norm, ReLU; nothing is padded unless told."""

    def __init__(
        self,
        inside: int,
        out: int,
        kernel: int | tuple[int, int],
        *,
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=_EPS)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.bn(self.conv(x)))


class _Branches(nn.Module):
    """The same input through several branches, their outputs side by side."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self._names = [f"branch{number}" for number in range(len(branches))]
        for name, branch in zip(self._names, branches, strict=True):
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.get_submodule(name)(x) for name in self._names], dim=1)


class _Residual(_Branches):
    """Branches brought back to the width of their input, scaled and added to it."""

    def __init__(self, *branches: nn.Module, inside: int, out: int, scale: float, last: bool = False) -> None:
        super().__init__(*branches)
        self.conv2d = nn.Conv2d(inside, out, kernel_size=1)
        self._scale = scale
        self._last = last

    def forward(self, x: Tensor) -> Tensor:
        summed = x + self._scale * self.conv2d(super().forward(x))
        return summed if self._last else torch.relu(summed)


def _block35() -> nn.Module:
    return _Residual(
        _Conv(256, 32, 1),
        nn.Sequential(_Conv(256, 32, 1), _Conv(32, 32, 3, padding=1)),
        nn.Sequential(_Conv(256, 32, 1), _Conv(32, 32, 3, padding=1), _Conv(32, 32, 3, padding=1)),
        inside=96,
        out=256,
        scale=0.17,
    )


def _block17() -> nn.Module:
    row, column = _Conv(128, 128, (1, 7), padding=(0, 3)), _Conv(128, 128, (7, 1), padding=(3, 0))
    branch = nn.Sequential(_Conv(896, 128, 1), row, column)
    return _Residual(_Conv(896, 128, 1), branch, inside=256, out=896, scale=0.1)


def _block8(scale: float, last: bool = False) -> nn.Module:
    row, column = _Conv(192, 192, (1, 3), padding=(0, 1)), _Conv(192, 192, (3, 1), padding=(1, 0))
    branch = nn.Sequential(_Conv(1792, 192, 1), row, column)
    return _Residual(_Conv(1792, 192, 1), branch, inside=384, out=1792, scale=scale, last=last)


def _mixed_6a() -> nn.Module:
    return _Branches(
        _Conv(256, 384, 3, stride=2),
        nn.Sequential(_Conv(256, 192, 1), _Conv(192, 192, 3, padding=1), _Conv(192, 256, 3, stride=2)),
        nn.MaxPool2d(3, stride=2),
    )


def _mixed_7a() -> nn.Module:
    return _Branches(
        nn.Sequential(_Conv(896, 256, 1), _Conv(256, 384, 3, stride=2)),
        nn.Sequential(_Conv(896, 256, 1), _Conv(256, 256, 3, stride=2)),
        nn.Sequential(_Conv(896, 256, 1), _Conv(256, 256, 3, padding=1), _Conv(256, 256, 3, stride=2)),
        nn.MaxPool2d(3, stride=2),
    )
