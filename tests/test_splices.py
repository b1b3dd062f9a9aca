from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tests.compression.drawn import face, textured
from unmask.splices import splice

FACE = face(80, 80, 160, 176)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_only_the_face_differs_from_the_twin_and_the_same_seed_gives_the_same_bytes() -> None:
    made = [splice(textured(0), FACE, textured(1), face(60, 70, 150, 170), np.random.default_rng(5)) for _ in range(2)]
    assert made[0] == made[1]
    forged, twin = map(opened, made[0])
    assert forged.size == twin.size == (256, 256)
    assert forged.quantization == twin.quantization  # type: ignore[attr-defined]
    apart = np.abs(np.asarray(forged.convert("L"), float) - np.asarray(twin.convert("L"), float))
    assert apart[100:150, 100:140].mean() > 10
    assert apart[:60].max() == 0
    assert apart[:, 200:].max() == 0
