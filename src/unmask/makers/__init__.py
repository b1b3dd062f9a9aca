"""Ways to make a fake from real faces, one file each: what a network learns from beside the fakes that were collected.

A collected fake teaches its generator; a made one teaches a trace that many generators leave. It sits beside its own
original in the batch, so that the trace is all the difference there is.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from unmask.makers.frequency_blend import frequency_blend
from unmask.makers.inpaint import inpaint
from unmask.makers.portrait import Donors, Maker, Points, Portrait
from unmask.makers.reconstruct import by_generators
from unmask.makers.self_blend import self_blend
from unmask.makers.swap import graft, swap
from unmask.types import Pixels

__all__ = ["MAKERS", "Donors", "Maker", "Nobody", "Points", "Portrait", "make"]

MAKERS: Final[dict[str, Maker]] = {
    "self_blend": self_blend,
    "frequency_blend": frequency_blend,
    "inpaint": inpaint,
    "swap": swap,
    "graft": graft,
    "reconstruct": by_generators,
}
"""Every way of making a fake, by the name that a recipe gives it.

Median processor time on one core at 224 px, in ms, measured several times beside other work: self_blend 6 to 11,
frequency_blend 4 to 5, inpaint 6 to 10, swap and graft 6 to 10, reading the donor's PNG included.
"""

WITH_DONORS: Final = frozenset({"swap", "graft"})
"""Those that need another face."""


class Nobody:
    """Donors where there are none."""

    def near(self, portrait: Portrait, rng: np.random.Generator, label: int) -> Portrait | None:
        """None."""
        return None


def make(name: str, portrait: Portrait, donors: Donors, rng: np.random.Generator) -> Pixels:
    """A fake made from a real face.

    Where the maker cannot, for want of a donor or of landmarks, the face is self-blended: that always can.

    Args:
        name: One of `MAKERS`.
        portrait: The original.
        donors: Where to find other faces.
        rng: Source of all chance; the same state gives the same fake.

    Returns:
        uint8 (H, W, 3).
    """
    made = MAKERS[name](portrait, donors, rng)
    return self_blend(portrait, donors, rng) if made is None else made
