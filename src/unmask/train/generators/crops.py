"""What a generator learns from: crops of real photos, and whole photos to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from unmask import manifest
from unmask.errors import ManifestError
from unmask.manifest import REAL, Item
from unmask.prepare import MANIFEST, read_cut, read_segments
from unmask.types import Pixels

_SMALLEST: Final = 0.45
"""Photos are shrunk by up to this before they are cropped: many are soft, and shrinking makes them sharp."""

_EXCHANGED: Final = 0.5


def real_items(prepared: Path, split: str, sources: Sequence[str] = ()) -> list[Item]:
    """The real items of a split of a prepared folder, of all sources or of some.

    Raises:
        ManifestError: There are none, or none of a source.
    """
    if split not in ("train", "val"):
        raise ManifestError(f"generators learn from train and are looked at on val, never on {split}")
    items = [item for item in manifest.in_split(manifest.read(prepared / MANIFEST), split) if item.label == REAL]
    missing = set(sources) - {item.source for item in items}
    if missing or not items:
        raise ManifestError(f"the split {split} of {prepared} has no real items{_of(missing)}")
    return [item for item in items if not sources or item.source in sources]


def photos(prepared: Path, items: Sequence[Item]) -> list[Pixels]:
    """The segments of items: uint8 (S, S, 3) each."""
    size_px = read_cut(prepared).size_px
    return [segment for item in items for segment in read_segments(item, size_px)]


def batch(sources: Sequence[Pixels], count: int, crop_px: int, rng: np.random.Generator) -> Pixels:
    """Crops drawn at random, each shrunk by a random part, half of them mirrored and half with colours exchanged.

    Photos of faces are nearly all brown; a generator that sees nothing else forgets that leaves are green.

    Args:
        sources: uint8 (S, S, 3) each, S at least `crop_px`.
        count: How many.
        crop_px: Their side.
        rng: Source of all chance.

    Returns:
        uint8 (count, crop_px, crop_px, 3).
    """
    return np.stack([_crop(sources[int(rng.integers(len(sources)))], crop_px, rng) for _ in range(count)])


def _crop(photo: Pixels, crop_px: int, rng: np.random.Generator) -> Pixels:
    height, width = photo.shape[:2]
    side = min(round(crop_px / rng.uniform(_SMALLEST, 1.0)), height, width)
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    cut = photo[top : top + side, left : left + side]
    if side != crop_px:
        cut = np.asarray(Image.fromarray(cut).resize((crop_px, crop_px), Image.Resampling.LANCZOS), np.uint8)
    if rng.random() < _EXCHANGED:
        cut = cut[..., rng.permutation(3)]
    return np.ascontiguousarray(cut[:, ::-1] if rng.random() < 0.5 else cut)


def _of(missing: set[str]) -> str:
    return f" of {', '.join(sorted(missing))}" if missing else ""
