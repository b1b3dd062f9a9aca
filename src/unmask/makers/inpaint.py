"""Make a fake by painting over a part of a face: an eye, the nose, the mouth.

Retouching and inpainting programs fill a hole from its border inwards (Bertalmio et al. 2000), or with a piece from
elsewhere whose colours are drawn to the border's (Pérez et al. 2003). What they leave is smoothness where there
was grain, or a grain that repeats. Nothing here is learned.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from unmask.makers.masks import Frame, Mask, box_of, part_mask
from unmask.makers.portrait import Donors, Points, Portrait
from unmask.types import Pixels

Box = tuple[slice, slice]

_MIRRORED, _CLONED, _DIFFUSED = range(3)

_PARTS: Final = ("eyes", "nose", "mouth")
_RELAXED: Final = 10
"""Steps of diffusion at each level of a fill."""

_GRAIN: Final = 0.6
"""Share of the fills that are given the grain of what surrounds them."""


def inpaint(portrait: Portrait, donors: Donors, rng: np.random.Generator) -> Pixels | None:
    """A copy with one or two parts of the face painted over.

    Args:
        portrait: The original.
        donors: Not asked.
        rng: Source of all chance; the same state gives the same fake.

    Returns:
        uint8 (H, W, 3); None where no face is known, or its parts lie outside.
    """
    if portrait.landmarks is None:
        return None
    picture = portrait.pixels.astype(np.float32)
    done = False
    for part in rng.permutation(_PARTS)[: int(rng.integers(1, 3))]:
        mask = _hole(portrait, str(part), rng)
        if mask.any():
            # An eye that is wiped out deceives nobody: the other one takes its place.
            kind = _MIRRORED if part == "eyes" else int(rng.integers(3))
            picture, done = _painted(picture, mask, portrait.landmarks, kind, rng), True
    return np.clip(np.round(picture), 0, 255).astype(np.uint8) if done else None


def membrane(values: NDArray[np.float32], hole: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Values (H, W, C) with the hole (H, W) filled smoothly from its border, like a soap film in a frame of wire.

    From coarse to fine: each level starts from the coarser one's answer and relaxes it towards a harmonic one.
    """
    if max(hole.shape) <= 2 or not hole.any():
        known = values[~hole]
        mean = known.mean(axis=0) if len(known) else np.zeros(values.shape[2], np.float32)
        flat: NDArray[np.float32] = np.where(hole[..., None], mean, values).astype(np.float32)
        return flat
    height, width = hole.shape
    pad = ((0, height % 2), (0, width % 2), (0, 0))
    weights = np.pad((~hole).astype(np.float32)[..., None], pad)
    shape = (weights.shape[0] // 2, 2, weights.shape[1] // 2, 2, -1)
    total = weights.reshape(shape).sum(axis=(1, 3))
    means = (np.pad(values, pad) * weights).reshape(shape).sum(axis=(1, 3)) / np.maximum(total, 1)
    coarse = membrane(means.astype(np.float32), total[..., 0] == 0)
    inside = hole[..., None]
    filled = np.where(inside, coarse.repeat(2, axis=0).repeat(2, axis=1)[:height, :width], values)
    for _ in range(_RELAXED):
        tall = np.concatenate([filled[:1], filled, filled[-1:]])
        wide = np.concatenate([filled[:, :1], filled, filled[:, -1:]], axis=1)
        filled = np.where(inside, (tall[:-2] + tall[2:] + wide[:, :-2] + wide[:, 2:]) / 4, filled)
    return filled


def _hole(portrait: Portrait, part: str, rng: np.random.Generator) -> Mask:
    """What is painted over: the part, cut to a blot of its own."""
    assert portrait.landmarks is not None
    height, width = portrait.pixels.shape[:2]
    mask = part_mask((width, height), portrait.landmarks, part, rng, softness=(0.01, 0.05))
    frame = Frame(portrait.landmarks)
    x = float(rng.choice((-0.5, 0.5))) if part == "eyes" else float(rng.uniform(-0.25, 0.25))
    y = {"eyes": 0.0, "nose": 0.55, "mouth": 1.0}[part] + float(rng.uniform(-0.12, 0.12))
    centre = frame.place(np.array([[x, y]]))[0]
    radius = frame.reach * rng.uniform(0.18, 0.45)
    rows, columns = np.ogrid[:height, :width]
    away = np.hypot(columns - centre[0], rows - centre[1]) / radius
    hole: Mask = (mask * np.clip((1.15 - away) * 4, 0, 1)).astype(np.float32)
    return hole


def _painted(
    picture: NDArray[np.float32], mask: Mask, landmarks: Points, kind: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The picture (H, W, 3) with what the mask covers filled from the other side, from beside, or from its border."""
    around = box_of(mask, margin_px=4)
    source = np.zeros_like(picture[around])
    if kind == _MIRRORED:
        source = _mirrored(picture, landmarks, around)
    elif kind == _CLONED:
        source = _beside(picture, landmarks, around, rng)
    hole = mask[around] > 0
    fill = source + membrane(picture[around] - source, hole)
    fill = np.clip(fill, picture[around].min(axis=(0, 1)), picture[around].max(axis=(0, 1)))
    if kind == _DIFFUSED and rng.random() < _GRAIN:
        fill += _grain(picture[around], hole, rng)
    painted = picture.copy()
    soft = mask[around][..., None]
    painted[around] = fill * soft + picture[around] * (1 - soft)
    return painted


def _mirrored(picture: NDArray[np.float32], landmarks: Points, around: Box) -> NDArray[np.float32]:
    """The face's other side: mirrored at the line from between the eyes to the mouth."""
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    along = (mouth - eyes) / max(float(np.hypot(*(mouth - eyes))), 1e-6)
    mirror = 2 * np.outer(along, along) - np.eye(2)
    return _taken(picture, mirror, eyes - mirror @ eyes, around)


def _beside(
    picture: NDArray[np.float32], landmarks: Points, around: Box, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Another place of the face, as a clone stamp takes it."""
    angle, far = rng.uniform(0, 2 * np.pi), Frame(landmarks).reach * rng.uniform(0.25, 0.6)
    return _taken(picture, np.eye(2), far * np.array([np.cos(angle), np.sin(angle)]), around)


def _taken(
    picture: NDArray[np.float32], turn: NDArray[np.float64], shift: NDArray[np.float64], around: Box
) -> NDArray[np.float32]:
    """The pixels of a box, taken from a picture at turn @ (x, y) + shift."""
    rows, columns = (range(length)[part] for part, length in zip(around, picture.shape[:2], strict=True))
    shift = shift + turn @ (columns.start, rows.start)
    matrix = (*turn[0].tolist(), float(shift[0]), *turn[1].tolist(), float(shift[1]))
    source = Image.fromarray(np.clip(np.round(picture), 0, 255).astype(np.uint8))
    size = (len(columns), len(rows))
    return np.asarray(source.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC), np.float32)


def _grain(picture: NDArray[np.float32], hole: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise as strong as that around the hole, grey for the most part, as a sensor's is."""
    whole = Image.fromarray(np.clip(np.round(picture), 0, 255).astype(np.uint8))
    fine = (picture - np.asarray(whole.filter(ImageFilter.GaussianBlur(1.0)), np.float32))[~hole]
    # The median: edges are not grain.
    spread = 1.48 * float(np.median(np.abs(fine))) if fine.size else 0.0
    noise = 0.9 * rng.standard_normal((*hole.shape, 1), np.float32) + 0.4 * rng.standard_normal(
        picture.shape, np.float32
    )
    return noise * np.float32(spread * rng.uniform(0.8, 1.3))
