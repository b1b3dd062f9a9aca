"""Faces to make fakes from."""

from __future__ import annotations

from typing import Final

import numpy as np

SIZE_PX: Final = 128
PROFILE: Final = np.array([[60, 50], [61, 50], [80, 66], [64, 90], [65, 90]], np.float32)
"""Landmarks of a face that looks to the right."""


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)
