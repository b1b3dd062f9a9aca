"""What every maker of fakes is given: a face, and where to find others like it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unmask.types import Pixels

Points = NDArray[np.float32]
"""Five landmarks, (5, 2): x, y in pixels of left eye, right eye, nose, left and right mouth corner."""


@dataclass(frozen=True, eq=False)
class Portrait:
    """A face with some surroundings, or a patch of a picture.

    Attributes:
        pixels: uint8 (H, W, 3).
        landmarks: float32 (5, 2) in `pixels`; None where no face was found, or it is not known where.
    """

    pixels: Pixels
    landmarks: Points | None = None


class Donors(Protocol):
    """Faces that may lend theirs. None is from another split, nor from a source that is left out."""

    def near(self, portrait: Portrait, rng: np.random.Generator, label: int) -> Portrait | None:
        """A similar face, another one's: of a real photo (label 0) or of a fake (label 1); None if there is none."""


Maker = Callable[[Portrait, Donors, np.random.Generator], Pixels | None]
"""Makes a fake from a real face: uint8 (H, W, 3), or None where this face, or the lack of a donor, does not allow it.

The same state of the generator gives the same fake.
"""
