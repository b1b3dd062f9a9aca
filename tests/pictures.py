"""Pictures that the drawn detector of `make_bundle` tells apart, and a table of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from unmask import manifest
from unmask.manifest import FAKE, REAL, Item

_COLOURS: Final = {REAL: (100, 128, 156), FAKE: (156, 128, 100)}


def tinted(path: Path, label: int, seed: int, side: int = 130) -> Path:
    """A grainy picture, reddish where fake and bluish where real; some are hard to tell."""
    rng = np.random.default_rng(seed)
    tint = np.array(_COLOURS[label]) + np.array([1, 0, -1]) * rng.normal(0, 25)
    pixels = np.clip(tint + rng.normal(0, 20, (side, side, 3)), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def table(folder: Path, count: int = 24) -> Path:
    """A manifest of as many pictures, half of them fake, in the splits val and test, from the sources a and b."""
    folder.mkdir(parents=True, exist_ok=True)
    items = []
    for number in range(count):
        label, split = number % 2, ("val", "test")[number // 2 % 2]
        method = f"gan-{number % 3}" if label == FAKE else "real"
        path = tinted(folder / f"{number}.png", label, number)
        items.append(Item(path, label, method=method, source="ab"[number % 3 == 0], split=split))
    manifest.write(folder / "table.csv", items)
    return folder / "table.csv"
