"""What a mouth does over time, from the aligned faces of one person.

Landmarks jump too much to show lips (see `burst`); the pixels do not. The inside of an open mouth is dark, and lips
that move change their pixels. Of eleven signals that were tried on clips with sound, these followed it best.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask.burst import Burst

LEAST_MOVEMENT: Final = 0.02
"""A mouth whose `opening` has a smaller standard deviation hardly moves; 97 of 100 real clips have a larger one."""

_LIPS: Final = (slice(66, 100), slice(38, 74))
_INSIDE: Final = (slice(72, 90), slice(47, 65))
_FACE: Final = (slice(30, 100), slice(30, 82))
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)


def luma(faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey levels 0 to 255 of RGB, (..., 3) to (...)."""
    return np.asarray(faces.astype(np.float32) @ _LUMA, np.float32)


def opening(burst: Burst) -> NDArray[np.float64]:
    """How dark the darkest tenth of the mouth's inside is against the face: float64 (T,), 0 to 1, higher is open."""
    grey = luma(burst.faces)
    inside = grey[:, *_INSIDE].reshape(len(grey), -1)
    face = np.maximum(grey[:, *_FACE].mean(axis=(1, 2)), 1.0)
    return np.asarray(1 - np.percentile(inside, 10, axis=1) / face, np.float64)


def change(burst: Burst) -> NDArray[np.float64]:
    """How much the pixels of the mouth differ from the frame before, in grey levels: float64 (T,)."""
    grey = luma(burst.faces)[:, *_LIPS]
    steps = np.abs(np.diff(grey, axis=0)).mean(axis=(1, 2))
    return np.concatenate([steps[:1], steps]).astype(np.float64)


def drop(burst: Burst) -> NDArray[np.float64]:
    """How far the mouth is below the eyes, in distances between the eyes: float64 (T,). A jaw that falls takes it."""
    marks = burst.landmarks.astype(np.float64)
    eyes, corners = marks[:, :2].mean(axis=1), marks[:, 3:].mean(axis=1)
    apart = np.maximum(np.linalg.norm(marks[:, 1] - marks[:, 0], axis=1), 1e-6)
    return np.asarray(np.linalg.norm(corners - eyes, axis=1) / apart)
