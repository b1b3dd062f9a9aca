"""Make a fake from two pictures: the face of one, turned and coloured to fit, blended into the other.

What a face swap leaves is the meeting of two pictures: two kinds of noise, of light and of compression, and a seam
where a Poisson blend (Pérez et al. 2003) or a soft mask joins them. `swap` takes the face of another photo, as the
classical programs do; `graft` takes the face that a generator drew, as OpenForensics was made (Le et al. 2021,
arXiv:2107.14480): there the generator's traces stand beside the blend's.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from unmask.makers.inpaint import membrane
from unmask.makers.masks import box_of, face_mask
from unmask.makers.portrait import Donors, Points, Portrait
from unmask.makers.self_blend import blended
from unmask.manifest import FAKE, REAL
from unmask.types import Pixels

_POISSON: Final = 0.6  # of the swaps; the others are blended by a soft mask
_COLOURED: Final = 0.85  # of the donors are brought to the colours of the face that they replace
_SOFTENED: Final = 0.3  # of the pasted faces lose a little detail, as one that was drawn small does
_GAIN: Final = 1.5  # most contrast that a face gains or loses for it; more looks gaudy
_SHRINKS: Final = 0.75  # a face that is scaled by less than this is shrunk before it is turned
_LEAST_AREA_PX: Final = 64  # of a mask that is worth blending


def swap(portrait: Portrait, donors: Donors, rng: np.random.Generator) -> Pixels | None:
    """The face of another real photo in this one; None where no donor or no room for it is found."""
    return _replace(portrait, donors.near(portrait, rng, REAL), rng)


def graft(portrait: Portrait, donors: Donors, rng: np.random.Generator) -> Pixels | None:
    """A generator's face in this photo; None where no donor or no room for it is found."""
    return _replace(portrait, donors.near(portrait, rng, FAKE), rng)


def _replace(portrait: Portrait, donor: Portrait | None, rng: np.random.Generator) -> Pixels | None:
    if donor is None or donor.landmarks is None or portrait.landmarks is None:
        return None
    height, width = portrait.pixels.shape[:2]
    face, inside = _warped(donor.pixels, _fit(donor.landmarks, portrait.landmarks), (width, height))
    mask = face_mask((width, height), portrait.landmarks, rng) * inside
    core = mask > 0.5
    if core.sum() < _LEAST_AREA_PX:
        return None
    if rng.random() < _SOFTENED:
        face = np.asarray(Image.fromarray(face).filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.0)))))
    if rng.random() < _COLOURED:
        face = _coloured(face, portrait.pixels, core)
    if rng.random() < _POISSON:
        return _poisson(face, portrait.pixels, core)
    return blended(face, portrait.pixels, mask)


def _fit(source: Points, target: Points) -> NDArray[np.float64]:
    """The similarity (2, 3) that brings one face's landmarks nearest to another's (Umeyama 1991)."""
    a, b = source.astype(np.float64), target.astype(np.float64)
    x, y = a - a.mean(axis=0), b - b.mean(axis=0)
    along = (x * y).sum()
    across = (x[:, 0] * y[:, 1] - x[:, 1] * y[:, 0]).sum()
    turn = np.array([[along, -across], [across, along]]) / max(float((x * x).sum()), 1e-6)
    return np.concatenate([turn, (b.mean(axis=0) - turn @ a.mean(axis=0))[:, None]], axis=1)


def _warped(pixels: Pixels, fit: NDArray[np.float64], size: tuple[int, int]) -> tuple[Pixels, NDArray[np.bool_]]:
    """A picture brought to where it is to go, and where it reaches. Shrunk first, for warping alone would alias."""
    picture = Image.fromarray(pixels)
    scale = float(np.sqrt(np.linalg.det(fit[:, :2])))
    if scale < _SHRINKS:
        small = picture.resize([max(8, round(side * scale)) for side in picture.size], Image.Resampling.BOX)
        back = np.array(picture.size) / small.size
        picture, fit = small, np.concatenate([fit[:, :2] * back, fit[:, 2:]], axis=1)
    turn = np.linalg.inv(fit[:, :2])
    from_where = tuple(np.concatenate([turn, -turn @ fit[:, 2:]], axis=1).ravel().tolist())
    face = picture.transform(size, Image.Transform.AFFINE, from_where, Image.Resampling.BICUBIC)
    reach = Image.new("L", picture.size, 255).transform(size, Image.Transform.AFFINE, from_where)
    return np.asarray(face, np.uint8), np.asarray(reach) > 0


def _coloured(face: Pixels, like: Pixels, where: NDArray[np.bool_]) -> Pixels:
    """The mean and the spread of each colour as in the picture that the face goes into (Reinhard et al. 2001)."""
    mine, theirs = face[where].astype(np.float32), like[where].astype(np.float32)
    gain = np.clip(theirs.std(axis=0) / np.maximum(mine.std(axis=0), 1.0), 1 / _GAIN, _GAIN)
    changed = (face.astype(np.float32) - mine.mean(axis=0)) * gain + theirs.mean(axis=0)
    return np.asarray(np.clip(np.round(changed), 0, 255), np.uint8)


def _poisson(face: Pixels, into: Pixels, where: NDArray[np.bool_]) -> Pixels:
    """The face's own detail under the border's colours: what the two differ by at the border is taken off inside."""
    near = box_of(where, margin_px=2)
    mine, hole = face[near].astype(np.float32), where[near]
    joined = into.copy()
    cleared = mine + membrane(into[near] - mine, hole)
    joined[near] = np.where(hole[..., None], np.clip(np.round(cleared), 0, 255), into[near]).astype(np.uint8)
    return joined
