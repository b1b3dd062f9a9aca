"""Pictures changed on purpose so that a network errs.

Both attacks know the network and its weights, and may change every value of every pixel by so many levels of 255: FGSM
takes one step along the sign of the gradient (Goodfellow et al. 2014, arXiv:1412.6572), PGD starts anywhere within
reach and takes several (Madry et al. 2017, arXiv:1706.06083). What they give are real pictures, 8 bit a value, as they
could be saved to a file: an attack that only works between two levels is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

import torch
from torch import Tensor, nn

from unmask.errors import UsageError
from unmask.train.models import Detector

Method = Literal["fgsm", "pgd"]
METHODS: Final[tuple[Method, ...]] = ("fgsm", "pgd")

_STEP: Final = 2.5
"""Of PGD, in units of strength / steps: enough to cross what is within reach, whatever the start (Madry et al.)."""


def attack(
    model: Detector,
    pixels: Tensor,
    labels: Tensor,
    method: Method,
    strength: float,
    steps: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Change pictures so that the network takes reals for fakes and fakes for reals.

    The network comes out as it went in: what learns, batch-norm statistics and gradients stay untouched.

    Args:
        model: The network to deceive; it is asked as it scores, not as it learns.
        pixels: uint8 (N, S, S, 3).
        labels: (N,), 1 is fake.
        method: "fgsm" or "pgd".
        strength: Largest change of a value, in levels of 255; stored pictures know whole levels only, so 2.5 is 2.
        steps: Of "pgd"; "fgsm" takes one.
        generator: Chance of where "pgd" starts.

    Returns:
        uint8 (N, S, S, 3), nowhere further than `strength` from `pixels`.

    Raises:
        UsageError: No such method, a strength under 1 or over 255, no step, or pixels that are not uint8.
    """
    check(method, strength, steps)
    if pixels.dtype != torch.uint8:
        raise UsageError(f"an attack changes uint8 pixels, not {pixels.dtype}")
    reach = math.floor(strength)
    with _scoring(model), torch.inference_mode(False), torch.enable_grad():
        original = pixels.float()
        least, most = (original - reach).clamp(min=0), (original + reach).clamp(max=255)
        # The wrong way: up for a real, down for a fake. The loss has a gradient of the same sign, but one that
        # vanishes in float32 once the network is certain, and certainty is no defence.
        wrong = (1 - 2 * labels.to(original)).view(-1)
        if method == "fgsm":
            moved = original + reach * _uphill(model, original, wrong)
        else:
            moved = torch.minimum(torch.maximum(original + reach * _start(original, generator), least), most)
            for _ in range(steps):
                moved = moved + _STEP * reach / steps * _uphill(model, moved, wrong)
                moved = torch.minimum(torch.maximum(moved, least), most)
        return torch.minimum(torch.maximum(moved.round(), least), most).to(torch.uint8)


def check(method: str, strength: float, steps: int) -> None:
    """Refuse an attack that does not exist.

    Raises:
        UsageError: No such method, a strength under 1 or over 255, or no step.
    """
    if method not in METHODS:
        raise UsageError(f'there is no attack "{method}"; there are: {", ".join(METHODS)}')
    if not 1 <= strength <= 255:
        raise UsageError(f"an attack's strength lies between 1 and 255 levels of 255, not at {strength:g}")
    if steps < 1:
        raise UsageError(f"an attack takes at least one step, not {steps}")


@contextmanager
def _scoring(model: nn.Module) -> Iterator[None]:
    """The network scores; afterwards each of its parts learns or scores as it did before."""
    before = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training


def _uphill(model: Detector, pixels: Tensor, wrong: Tensor) -> Tensor:
    """The sign of what moves each picture's logit the wrong way: (N, S, S, 3)."""
    asked = pixels.detach().requires_grad_()
    logits = model.head(model.maps(asked))[0]
    (gradient,) = torch.autograd.grad((logits * wrong).sum(), asked)
    return gradient.sign()


def _start(pixels: Tensor, generator: torch.Generator | None) -> Tensor:
    """Anywhere from -1 to 1."""
    device = generator.device if generator else pixels.device
    return (torch.rand(pixels.shape, generator=generator, device=device) * 2 - 1).to(pixels.device)
