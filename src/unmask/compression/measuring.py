"""All measures of one picture at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from unmask.compression.earlier import Earlier, earlier
from unmask.compression.ghosts import Ghosts, ghosts
from unmask.compression.grid import Grid, grid
from unmask.compression.noise import Noise, noise
from unmask.compression.plane import BLOCK_PX, Plane, plane
from unmask.compression.tables import Coding, coding
from unmask.faces import Face
from unmask.modalities.image import orientation


@dataclass(frozen=True, eq=False)
class Measures:
    """What was measured of one picture; None where it is too small, or flat everywhere.

    Attributes:
        format: Of the file, as Pillow calls it.
        coding: How it was coded; None where it is no JPEG.
        plane: What was looked at.
        earlier: Of an earlier JPEG.
        ghosts: Of saving it again.
        grid: Of its blocks.
        noise: Of its noise.
    """

    format: str
    coding: Coding | None
    plane: Plane | None = None
    earlier: Earlier | None = None
    ghosts: Ghosts | None = None
    grid: Grid | None = None
    noise: Noise | None = None

    @property
    def earlier_apart(self) -> float:
        """By how much less the face shows an earlier JPEG than what is beside it, in nats; NaN without a face."""
        sides = self.plane.inside(BLOCK_PX) if self.plane else None
        if sides is None or self.earlier is None:
            return float("nan")
        return self.earlier.of(sides[1]) - self.earlier.of(sides[0])

    @property
    def numbers(self) -> dict[str, float]:
        """By the names in `unmask.detectors.compression.FEATURES`; NaN where one could not be measured."""
        unknown = float("nan")
        return {
            "earlier apart": self.earlier_apart,
            "ghost apart": abs(self.ghosts.apart) if self.ghosts else unknown,
            "grid apart": self.grid.apart if self.grid else unknown,
            "noise apart": self.noise.apart if self.noise else unknown,
            "noise unlike": abs(self.noise.apart) if self.noise else unknown,
        }


def measure(header: Image.Image, picture: Image.Image, found: Sequence[Face]) -> Measures:
    """Measure one picture.

    Args:
        header: Of its file, as `unmask.modalities.image.open_header` gives it.
        picture: The same, upright and RGB.
        found: The faces in it; its main one is compared with what is beside it.
    """
    coded, kind = coding(header), header.format or "unknown"
    cut = plane(picture, coded, orientation(header) if coded else 1, found)
    if cut is None:
        return Measures(kind, coded)
    return Measures(kind, coded, cut, earlier(cut), ghosts(cut), grid(cut), noise(cut))
