"""The critic of an adversarial loss: is this place of a photo, or drawn?

A critic of patches (Isola et al. 2017, arXiv:1611.07004) with spectral normalisation (Miyato et al. 2018,
arXiv:1802.05957) and the hinge loss (Lim & Ye 2017, arXiv:1705.02894). With it the decoder stops averaging over what it
cannot know, as l1 and l2 have it do, and invents fine detail: the trace that generative adversarial networks leave.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from torch import Tensor, nn
from torch.nn.functional import relu
from torch.nn.utils.parametrizations import spectral_norm

_WIDTHS: Final = (3, 24, 48, 64)


class Critic(nn.Module):
    """Three halvings and a verdict for each place: each sees 22 x 22 px of the picture."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inside, out in pairwise(_WIDTHS):
            layers += [spectral_norm(nn.Conv2d(inside, out, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, spectral_norm(nn.Conv2d(_WIDTHS[-1], 1, 1)))

    def forward(self, pictures: Tensor) -> Tensor:
        """Verdicts float32 (N, 1, H / 8, W / 8) on pictures (N, 3, H, W); above 0 leans photo."""
        verdicts: Tensor = self.body(pictures)
        return verdicts

    def errs(self, photos: Tensor, drawn: Tensor) -> Tensor:
        """The critic's own hinge loss; nothing of it reaches what drew."""
        return relu(1 - self(photos)).mean() + relu(1 + self(drawn.detach())).mean()

    def sees_through(self, drawn: Tensor) -> Tensor:
        """The generator's loss: how sure the critic is that this was drawn."""
        sure: Tensor = self(drawn).mean()
        return -sure
