"""Make a fake by having a small generator draw a photo again: the whole of it, or the face alone.

The copy shows the same person in the same light; what differs is what the generator's upsampling, depth and losses do
to pixels. A detector that tells such pairs apart has nothing else to go by (Zhang et al. 2019, arXiv:1907.06515, for
generative adversarial networks; Rajan et al. 2024, arXiv:2410.11835, for diffusion's decoders).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from unmask.errors import UsageError
from unmask.makers import generators as files
from unmask.makers.generators import STRIDE_PX, Generator
from unmask.makers.masks import blend_mask
from unmask.makers.portrait import Donors, Portrait
from unmask.makers.self_blend import blended
from unmask.runtime import Session
from unmask.types import Pixels

_WHOLE: Final = 0.5
"""Share of the fakes that are drawn whole, as generated portraits are; the others are pasted, as swaps are."""


class Reconstructor:
    """A maker that has each photo drawn again by one of several generators.

    Args:
        generators: One of these is chosen each time.
    """

    def __init__(self, generators: Sequence[Generator] = ()) -> None:
        self.generators = tuple(generators)

    def look_in(self, folder: Path) -> None:
        """From now on use the generators of a folder, but for those held out.

        Raises:
            UsageError: There are none.
            BundleError: A card is damaged.
        """
        self.generators = files.inside(folder)

    def pin(self) -> str:
        """A hash of the generators in use: what was made with others must be made anew."""
        return files.pin(self.generators)

    def __call__(self, portrait: Portrait, donors: Donors, rng: np.random.Generator) -> Pixels:
        """The fake; it needs no donor.

        Raises:
            UsageError: It was never told where to look.
            BundleError: A generator's file is not the one that its card describes.
        """
        if not self.generators:
            raise UsageError("the maker reconstruct has no generators: it must be told where they lie")
        chosen = self.generators[int(rng.integers(len(self.generators)))]
        return reconstruct(portrait, chosen.session(), rng)


by_generators: Final = Reconstructor()
"""The maker of that name in recipes; whoever trains tells it where to look before it is called."""


def reconstruct(portrait: Portrait, session: Session, rng: np.random.Generator) -> Pixels:
    """A photo drawn again, whole, or under a soft mask over the face.

    Args:
        portrait: The original, any size.
        session: A generator's graph.
        rng: Source of all chance; the same state gives the same fake.

    Returns:
        uint8 (H, W, 3). Outside the mask it equals the original.
    """
    drawn = draw_again(portrait.pixels, session, (int(rng.integers(STRIDE_PX)), int(rng.integers(STRIDE_PX))))
    if rng.random() < _WHOLE:
        return drawn
    return blended(drawn, portrait.pixels, blend_mask(portrait, rng))


def draw_again(pixels: Pixels, session: Session, phase: tuple[int, int] = (0, 0)) -> Pixels:
    """A picture as a generator draws it.

    Args:
        pixels: uint8 (H, W, 3), any size.
        session: A generator's graph.
        phase: Where the generator's grid begins, in pixels above and left of the picture, each below `STRIDE_PX`. What
            a decoder leaves repeats with its grid; a detector should not learn where in a cut the grid lies.

    Returns:
        uint8 (H, W, 3).
    """
    height, width = pixels.shape[:2]
    top, left = phase
    bottom, right = -(top + height) % STRIDE_PX, -(left + width) % STRIDE_PX
    mirrored = np.pad(pixels, ((top, bottom), (left, right), (0, 0)), mode="symmetric")
    (drawn,) = session.run(mirrored[None]).values()
    return np.ascontiguousarray(drawn[0, top : top + height, left : left + width])
