"""Full precision for a few steps of a network that otherwise learns in 16 bit."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def in_full(like: Tensor) -> AbstractContextManager[None]:
    """Within, nothing is rounded to 16 bit, on the device of a tensor.

    For small differences of large numbers and logarithms of small sums, of which 16 bit leave nothing.

    Where nothing would be rounded anyway this leaves no trace, so that none is exported.
    """
    kind = like.device.type
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext()
