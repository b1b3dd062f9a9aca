"""How a face is lit: from where, in which colour, and whether that fits what is around it and the other faces.

The face is taken for an ellipsoid that scatters light evenly. Its brightness is then a sum of a constant and the three
parts of the surface's direction (the lowest spherical harmonics; Johnson & Farid 2007, doi:10.1109/TIFS.2007.903848),
which least squares finds. Highlights in the two eyes mirror one light, so they lie alike (Matern, Riess & Stamminger
2019, doi:10.1109/WACVW.2019.00020); they are looked for only where the eyes are large enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask.burst import PLACES, SIDE_PX, align
from unmask.faces import Face

NAME: Final = "lighting"

Floats = NDArray[np.float64]

_JOHNSON: Final = "Johnson & Farid 2007, doi:10.1109/TIFS.2007.903848"
_MATERN: Final = "Matern, Riess & Stamminger 2019, doi:10.1109/WACVW.2019.00020"

FEATURES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "side light": ("how much brighter one side of the face is than the other, against its mean", _JOHNSON),
        "top light": ("how much brighter its top is than its bottom, against its mean", _JOHNSON),
        "unexplained": ("share of the face's brightness that one light on an ellipsoid does not explain", _JOHNSON),
        "wandering": ("how far the direction of the light moves from frame to frame", ""),
        "colour gap": ("difference in colour between the middle of the face and its border: log of ratios", ""),
        "colour wandering": ("how far that difference moves from frame to frame", ""),
        "brightness gap": ("brightness of the middle of the face against its border: log of the ratio", ""),
        "side gap": ("light from the side on the face against that on what is right beside it", ""),
        "highlights apart": ("distance of the highlights' places in the two eyes, in widths of the eye", _MATERN),
        "other faces": ("angle to the light on other faces of the same frame, in radians", _JOHNSON),
    }
)
"""Name to what it measures and the paper it follows."""

_TIMES: Final = 4
"""Eyes are looked at in a picture of the face this many times as large."""

LEAST_EYES_PX: Final = 60.0
"""With eyes closer together than this, an eye is smaller than 25 px and its highlight is one pixel or none."""

_EYE_REACH: Final = (9, 5)
_HIGHLIGHT: Final = 40.0
# 95 of 100 real clips of train and val stay below these.
_SIDE: Final = 0.6
_COLOUR: Final = 0.3
_BESIDE: Final = 0.65
_APART: Final = 0.33


class Light(NamedTuple):
    """The light on one face: brightness gained towards the picture's right, its top, and the viewer; and the misfit."""

    right: float
    top: float
    front: float
    unexplained: float

    @property
    def direction(self) -> Floats:
        """Where it comes from, a vector of length 1 (x right, y up, z to the viewer)."""
        vector = np.array([self.right, self.top, max(self.front, 0.0)])
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))


def measure(frames: Sequence[tuple[Image.Image, Sequence[Face]]]) -> dict[str, float]:
    """The features of one person over some frames: medians, and how far they wander.

    Args:
        frames: Upright RGB pictures with their faces; the first face of each is the person's.

    Returns:
        Name to value; NaN where nothing could be measured.
    """
    looks = [look(image, faces) for image, faces in frames if faces]
    if not looks:
        return dict.fromkeys(FEATURES, float("nan"))
    found = {name: _median([one[name] for one in looks]) for name in looks[0]}
    signed = np.array([[one["_right"], one["_top"]] for one in looks])
    colours = np.array([[one["_red"], one["_blue"]] for one in looks])
    return {
        **{name: value for name, value in found.items() if not name.startswith("_")},
        "wandering": _steps(signed),
        "colour wandering": _steps(colours),
    }


def look(image: Image.Image, faces: Sequence[Face]) -> dict[str, float]:
    """The features of one frame; those that begin with a line are signed, for `measure` to follow."""
    own = faces[0]
    pixels = linear(align(image, own.landmarks))
    light = light_on(pixels)
    red, blue, brighter = _against_border(pixels)
    return {
        "side light": abs(light.right),
        "top light": light.top,
        "unexplained": light.unexplained,
        "colour gap": float(np.hypot(red, blue)),
        "brightness gap": brighter,
        "side gap": abs(light.right - _beside(pixels)),
        "highlights apart": highlights_apart(image, own),
        "other faces": _angle_to_others(image, light, faces[1:]),
        "_right": light.right,
        "_top": light.top,
        "_red": red,
        "_blue": blue,
    }


def sentence(measured: Mapping[str, float], frames: int) -> str:
    """What stands out."""
    side, top = measured["side light"], measured["top light"]
    if np.isnan(side):
        return "not judged: no face could be seen well enough"
    parts = ["the face is lit from one side" if side > _SIDE / 2 else "the face is lit evenly from both sides"]
    if abs(top) > _SIDE / 2:
        parts.append("more from above" if top > 0 else "more from below")
    if measured["colour gap"] > _COLOUR:
        parts.append("the middle of the face has a much different colour from its border")
    if measured["side gap"] > _BESIDE:
        parts.append("what is beside the face is lit from another side")
    apart = measured["highlights apart"]
    if not np.isnan(apart):
        parts.append("the highlights in the eyes " + ("lie differently" if apart > _APART else "lie alike"))
    others = measured["other faces"]
    if not np.isnan(others):
        parts.append(f"its light differs by {np.degrees(others):.0f}° from that on the other faces")
    return f"in {frames} {'frame' if frames == 1 else 'frames'}: " + ", ".join(parts)


def linear(pixels: NDArray[np.uint8]) -> Floats:
    """Light instead of stored values, 0 to 1: (..., 3)."""
    return np.asarray((pixels / 255.0) ** 2.2, np.float64)


def light_on(pixels: Floats) -> Light:
    """The light on an aligned face, linear (112, 112, 3)."""
    skin, normals = _SKIN, _NORMALS
    grey = pixels.mean(axis=-1)[skin]
    mean = max(float(grey.mean()), 1e-4)
    shape = np.column_stack([np.ones(len(grey)), normals[skin]])
    solved = np.linalg.lstsq(shape, grey / mean, rcond=None)[0]
    misfit = grey / mean - shape @ solved
    unexplained = float(misfit.var() / max(float((grey / mean).var()), 1e-9))
    return Light(float(solved[1]), float(solved[2]), float(solved[3]), min(unexplained, 1.0))


def highlights_apart(image: Image.Image, face: Face) -> float:
    """Distance between the places of the two eyes' highlights, each against its iris; NaN where they cannot be seen."""
    if float(np.linalg.norm(face.landmarks[1] - face.landmarks[0])) < LEAST_EYES_PX:
        return float("nan")
    grey = align(image, face.landmarks, _TIMES).mean(axis=-1)
    places = [_highlight(grey, PLACES[eye] * _TIMES) for eye in (0, 1)]
    if places[0] is None or places[1] is None:
        return float("nan")
    return float(np.linalg.norm(places[0] - places[1]) / (2 * _EYE_REACH[0] * _TIMES))


def _highlight(grey: Floats, centre: Floats) -> Floats | None:
    """Place of the brightest spot of an eye against the middle of its darkest part; None where nothing stands out."""
    x, y = (int(value) for value in centre)
    wide, high = (reach * _TIMES for reach in _EYE_REACH)
    eye = grey[y - high : y + high, x - wide : x + wide]
    dark = eye <= np.percentile(eye, 12)
    rows, columns = np.nonzero(dark)
    middle = np.array([np.median(columns), np.median(rows)])
    ys, xs = np.mgrid[: eye.shape[0], : eye.shape[1]]
    near = np.hypot(xs - middle[0], ys - middle[1]) < 4 * _TIMES  # on iris and pupil; further out is the white
    inside = eye[near]
    if inside.max() - np.median(inside) < _HIGHLIGHT:
        return None
    bright = near & (eye >= inside.max() - _HIGHLIGHT / 4)
    rows, columns = np.nonzero(bright)
    return np.asarray(np.array([columns.mean(), rows.mean()]) - middle)


def _against_border(pixels: Floats) -> tuple[float, float, float]:
    """Middle of the face against its border: red and blue against green, and brightness, each as log of the ratio."""
    middle, border = (np.median(pixels[mask], axis=0) + 1e-3 for mask in (_MIDDLE, _BORDER))
    log = np.log(middle / border)
    return float(log[0] - log[1]), float(log[2] - log[1]), float(log.mean())


def _beside(pixels: Floats) -> float:
    """How much brighter it is right of the face than left of it, against the mean: hair, ears, neck, wall."""
    grey = pixels.mean(axis=-1)
    left, right = float(grey[30:100, :14].mean()), float(grey[30:100, -14:].mean())
    return (right - left) / max(right + left, 1e-3)


def _angle_to_others(image: Image.Image, light: Light, others: Sequence[Face]) -> float:
    angles = []
    for face in others:
        other = light_on(linear(align(image, face.landmarks)))
        angles.append(float(np.arccos(np.clip(light.direction @ other.direction, -1, 1))))
    return max(angles, default=float("nan"))


def _median(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.median(known)) if known else float("nan")


def _steps(points: Floats) -> float:
    """Median step from one look to the next."""
    return float(np.median(np.linalg.norm(np.diff(points, axis=0), axis=1))) if len(points) > 1 else float("nan")


def _ellipse(across: float, down: float) -> NDArray[np.bool_]:
    return np.asarray(_X**2 / across**2 + _Y**2 / down**2 < 1)


_CENTRE: Final = (56.0, 62.0)
_ACROSS, _DOWN = 34.0, 46.0
_X, _Y = np.meshgrid(np.arange(SIDE_PX) + 0.5 - _CENTRE[0], np.arange(SIDE_PX) + 0.5 - _CENTRE[1])


def _features_of_the_face() -> NDArray[np.bool_]:
    """Eyes with brows, nostrils and mouth: they are no even surface."""
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX]
    eyes = (rows > 30) & (rows < 50) & (columns > 26) & (columns < 86) & (np.abs(columns - 56) > 4)
    mouth = (rows > 66) & (rows < 92) & (columns > 36) & (columns < 76)
    return np.asarray(eyes | mouth)


_SKIN: Final = _ellipse(0.85 * _ACROSS, 0.85 * _DOWN) & ~_features_of_the_face()
_MIDDLE: Final = _ellipse(0.6 * _ACROSS, 0.6 * _DOWN) & ~_features_of_the_face()
_BORDER: Final = _ellipse(0.95 * _ACROSS, 0.95 * _DOWN) & ~_ellipse(0.78 * _ACROSS, 0.78 * _DOWN)
_TOWARDS: Final = np.sqrt(np.maximum(1 - (_X / _ACROSS) ** 2 - (_Y / _DOWN) ** 2, 0.0))
_NORMALS: Final = np.stack([_X / _ACROSS, -_Y / _DOWN, _TOWARDS], axis=-1)
"""Direction of the ellipsoid's surface: x to the right, y up, z to the viewer."""
