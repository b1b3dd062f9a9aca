"""Full precision for a few steps of a network that otherwise learns in 16 bit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def in_full(like: Tensor) -> Iterator[None]:
    """Within, nothing is rounded to 16 bit, on the device of a tensor; for small differences of large numbers.

    Where nothing would be rounded anyway this leaves no trace, so that none is exported.
    """
    kind = like.device.type
    if not torch.is_autocast_enabled(kind):
        yield
        return
    with torch.autocast(kind, enabled=False):
        yield
