"""Make a fake of one person over consecutive frames: what a forger's program does to each of them.

A program for swapping faces works frame by frame. What it draws is the same face all along, with the same loss of
detail and the same wrong colour; but where it finds the face jumps a little, and with it the seam and the place of what
it pastes. So all chance is drawn once for the clip, and only the landmarks tremble: the same maker is called with the
same chance on each frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.makers.camera import wandering
from unmask.makers.generators import STRIDE_PX, Generator
from unmask.makers.masks import Frame, face_mask
from unmask.makers.portrait import Donors, Points, Portrait
from unmask.makers.reconstruct import draw_again
from unmask.makers.self_blend import blended, changed
from unmask.makers.swap import swap
from unmask.manifest import REAL
from unmask.types import Pixels

FilmMaker = Callable[[Sequence[Portrait], Donors, np.random.Generator], list[Pixels] | None]
"""Makes fakes of consecutive frames of one person, all with landmarks; None where it cannot."""

_OPACITIES: Final = (0.5, 0.75, 1.0, 1.0, 1.0)
_OUTER: Final = 0.25
"""Share of the self-blended clips whose face is the original one, and its surroundings are changed."""

_TREMBLES: Final = (0.003, 0.03)
"""How far landmarks jump, in distances between the eyes; the face network's own jump by 0.02."""

_SLIPS: Final = 0.25
"""Share of the clips in which the face slips in a few frames, as it does where a program nearly loses it."""

_SLIP: Final = 3.0


def self_blend_film(looks: Sequence[Portrait], donors: Donors, rng: np.random.Generator) -> list[Pixels]:
    """Each frame blended with a changed copy of itself: one change and one mask for all, that tremble.

    Args:
        looks: The frames.
        donors: Not asked.
        rng: Source of all chance.
    """
    change, shape, flicker = _seed(rng), _seed(rng), _seed(rng)
    outer_changes, opacity = rng.random() < _OUTER, np.float32(rng.choice(_OPACITIES))
    shift, grown = rng.uniform(-0.05, 0.05, 2), float(rng.uniform(0.95, 1.05))
    dim = wandering(np.random.default_rng(flicker), len(looks), 1, 0.5) * float(rng.uniform(0, 2))
    fakes: list[Pixels] = []
    for look, points, move in zip(looks, *_trembling(looks, rng), strict=True):
        # A seam lies inside the surroundings of the face; but where those change, they change to the border.
        around = _everywhere(look) if outer_changes else _surroundings(look)
        face = look.pixels[around]
        copy = changed(face, np.random.default_rng(change))
        inner, outer = (face, copy) if outer_changes else (copy, face)
        corner = np.array([around[1].start, around[0].start], np.float32)
        mask = face_mask(face.shape[1::-1], points - corner, np.random.default_rng(shape)) * opacity
        frame = Frame(points - corner)
        inner = _moved(inner, frame, shift + move, grown)
        inner = np.clip(inner + dim[len(fakes)], 0, 255).astype(np.uint8) if dim.any() else inner
        fakes.append(_put(look, around, blended(inner, outer, mask) if mask.any() else outer))
    return fakes


def swap_film(looks: Sequence[Portrait], donors: Donors, rng: np.random.Generator) -> list[Pixels] | None:
    """The face of one other person in all frames (`makers.swap`), each time laid on anew.

    Args:
        looks: The frames.
        donors: Where to find another face; asked once.
        rng: Source of all chance.
    """
    donor = donors.near(looks[len(looks) // 2], rng, REAL)
    if donor is None:
        return None
    chance = _seed(rng)
    fakes = []
    for look, points, _ in zip(looks, *_trembling(looks, rng), strict=True):
        around = _surroundings(look)
        corner = np.array([around[1].start, around[0].start], np.float32)
        face = Portrait(look.pixels[around], points - corner)
        made = swap(face, _Only(donor), np.random.default_rng(chance))
        if made is None:
            return None
        fakes.append(_put(look, around, made))
    return fakes


def reconstruct_film(
    looks: Sequence[Portrait], donors: Donors, rng: np.random.Generator, *, generators: Sequence[Generator]
) -> list[Pixels]:
    """The face of each frame as one generator draws it, under a mask that trembles.

    Args:
        looks: The frames.
        donors: Not asked.
        rng: Source of all chance.
        generators: One of these draws all frames.

    Raises:
        BundleError: A generator's file is not the one that its card describes.
    """
    session = generators[int(rng.integers(len(generators)))].session()
    shape = _seed(rng)
    phase = (int(rng.integers(STRIDE_PX)), int(rng.integers(STRIDE_PX)))
    fakes = []
    for look, points, _ in zip(looks, *_trembling(looks, rng), strict=True):
        around = _surroundings(look)
        face = look.pixels[around]
        corner = np.array([around[1].start, around[0].start], np.float32)
        mask = face_mask(face.shape[1::-1], points - corner, np.random.default_rng(shape))
        drawn = draw_again(face, session, phase)
        fakes.append(_put(look, around, blended(drawn, face, mask) if mask.any() else drawn))
    return fakes


FILM_MAKERS: Final[dict[str, tuple[FilmMaker, float]]] = {
    "self_blend": (self_blend_film, 2.0),
    "swap": (swap_film, 1.0),
}
"""By name, with how often each is drawn."""


def film_makers(generators: Sequence[Generator] = ()) -> dict[str, tuple[FilmMaker, float]]:
    """All makers that can work, with how often each is drawn; "reconstruct" only where there are generators."""
    if not generators:
        return dict(FILM_MAKERS)
    return {**FILM_MAKERS, "reconstruct": (partial(reconstruct_film, generators=tuple(generators)), 0.5)}


class _Only:
    def __init__(self, donor: Portrait) -> None:
        self._donor = donor

    def near(self, portrait: Portrait, rng: np.random.Generator, label: int) -> Portrait | None:
        """The one."""
        return self._donor


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**62))


def _trembling(looks: Sequence[Portrait], rng: np.random.Generator) -> tuple[list[Points], NDArray[np.float64]]:
    """Landmarks as a program would find them in each frame, and how far what it pastes is off, in eye distances."""
    strength = float(np.exp(rng.uniform(*np.log(_TREMBLES))))
    trembles = wandering(rng, len(looks), 14, float(rng.uniform(0, 0.8))) * strength
    if rng.random() < _SLIPS:
        trembles[rng.random(len(looks)) < 0.2] *= _SLIP
    points = []
    for look, tremble in zip(looks, trembles, strict=True):
        assert look.landmarks is not None
        off = (tremble[:2] + 0.3 * tremble[2:12].reshape(5, 2)) * Frame(look.landmarks).reach
        points.append((look.landmarks + off).astype(np.float32))
    return points, trembles[:, 12:]


def _moved(face: Pixels, frame: Frame, shift: NDArray[np.float64], grown: float) -> Pixels:
    """A face moved by some eye distances and scaled; what would come from beyond the border stays."""
    centre = frame.place(np.array([[0, 0.5]]))[0]
    offset = centre - grown * centre + shift * frame.reach
    matrix = (grown, 0.0, float(offset[0]), 0.0, grown, float(offset[1]))
    picture = Image.fromarray(face)
    moved = picture.transform(picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    valid = Image.new("L", picture.size, 255).transform(picture.size, Image.Transform.AFFINE, matrix)
    return np.asarray(Image.composite(moved, picture, valid), np.uint8)


def _surroundings(look: Portrait) -> tuple[slice, slice]:
    """Rows and columns that hold any mask over the face."""
    assert look.landmarks is not None
    height, width = look.pixels.shape[:2]
    corners = Frame(look.landmarks).place(np.array([[-1.6, -1.6], [1.6, -1.6], [1.6, 2.3], [-1.6, 2.3]]))
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, (width - 16, height - 16)).astype(int).tolist()
    right, bottom = np.ceil(corners.max(axis=0)).astype(int).tolist()
    return slice(top, min(max(bottom, top + 16), height)), slice(left, min(max(right, left + 16), width))


def _everywhere(look: Portrait) -> tuple[slice, slice]:
    height, width = look.pixels.shape[:2]
    return slice(0, height), slice(0, width)


def _put(look: Portrait, around: tuple[slice, slice], made: Pixels) -> Pixels:
    frame = look.pixels.copy()
    frame[around] = made
    return frame
